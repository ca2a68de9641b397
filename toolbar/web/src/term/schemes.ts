import type { ITheme } from '@xterm/xterm'

/** The sizes of text that there are, in pixels. */
export const MIN_FONT = 8
export const MAX_FONT = 32

/**
 * Colour schemes of the terminal (L3). Each colour reaches 4.5:1 on its background, in the high contrast ones 7:1; but
 * for black, and for the background of a selection, on which the text reaches 4.5:1 instead.
 */
const dark: ITheme = {
  background: '#0f1217',
  foreground: '#d5d9e0',
  cursor: '#e9ebef',
  cursorAccent: '#0f1217',
  selectionBackground: '#34386b',
  black: '#262a33',
  red: '#ff7b80',
  green: '#6fcf97',
  yellow: '#e8bf6a',
  blue: '#8ab0ff',
  magenta: '#cfa3ff',
  cyan: '#70cfd6',
  white: '#d5d9e0',
  brightBlack: '#8d95a3',
  brightRed: '#ff9ea1',
  brightGreen: '#8fe0b0',
  brightYellow: '#f3d48f',
  brightBlue: '#a9c5ff',
  brightMagenta: '#dfc0ff',
  brightCyan: '#93e0e5',
  brightWhite: '#ffffff',
}

const light: ITheme = {
  background: '#fdfdfe',
  foreground: '#22262e',
  cursor: '#22262e',
  cursorAccent: '#fdfdfe',
  selectionBackground: '#cfd2f7',
  black: '#22262e',
  red: '#b3222d',
  green: '#187343',
  yellow: '#865300',
  blue: '#2f55c9',
  magenta: '#8a2fb0',
  cyan: '#0f6b75',
  white: '#6b7280',
  brightBlack: '#5f6675',
  brightRed: '#c92f3a',
  brightGreen: '#1a7d49',
  brightYellow: '#925b00',
  brightBlue: '#3a63dd',
  brightMagenta: '#9a3cc2',
  brightCyan: '#12747f',
  brightWhite: '#4b5260',
}

/** A deep blue night. */
const midnight: ITheme = {
  background: '#0b1530',
  foreground: '#cdd8f2',
  cursor: '#ffd479',
  cursorAccent: '#0b1530',
  selectionBackground: '#264078',
  black: '#1c294c',
  red: '#ff8a92',
  green: '#7fd6a8',
  yellow: '#f0cb7c',
  blue: '#86b7ff',
  magenta: '#c9aaff',
  cyan: '#6fd3e6',
  white: '#cdd8f2',
  brightBlack: '#8796bd',
  brightRed: '#ffaab0',
  brightGreen: '#a2e6c2',
  brightYellow: '#f8dfa6',
  brightBlue: '#aacdff',
  brightMagenta: '#ddc8ff',
  brightCyan: '#9ce4f1',
  brightWhite: '#f6f9ff',
}

/** Warm and low in blue, for late hours. */
const ember: ITheme = {
  background: '#1c1512',
  foreground: '#e8d9cb',
  cursor: '#f2a65a',
  cursorAccent: '#1c1512',
  selectionBackground: '#553526',
  black: '#33261f',
  red: '#ff8d73',
  green: '#b4c97a',
  yellow: '#f0c063',
  blue: '#9db8d9',
  magenta: '#e3a3b8',
  cyan: '#8fc9b5',
  white: '#e8d9cb',
  brightBlack: '#a08d7e',
  brightRed: '#ffab97',
  brightGreen: '#c9da9a',
  brightYellow: '#f7d58e',
  brightBlue: '#bdd0e8',
  brightMagenta: '#efbfcf',
  brightCyan: '#b0dccd',
  brightWhite: '#fff6ec',
}

/** Green of the wood, for those who look at it all day. */
const forest: ITheme = {
  background: '#0f1a16',
  foreground: '#cfe0d6',
  cursor: '#9be3b5',
  cursorAccent: '#0f1a16',
  selectionBackground: '#24503d',
  black: '#1f3029',
  red: '#f48f85',
  green: '#7fd394',
  yellow: '#dcc871',
  blue: '#86bde0',
  magenta: '#d0a8d8',
  cyan: '#6fd0bb',
  white: '#cfe0d6',
  brightBlack: '#84998d',
  brightRed: '#f9afa7',
  brightGreen: '#a3e4b2',
  brightYellow: '#eadc9b',
  brightBlue: '#abd4ee',
  brightMagenta: '#e2c6e8',
  brightCyan: '#99e3d3',
  brightWhite: '#f3fbf6',
}

/** Ink on warm paper. */
const paper: ITheme = {
  background: '#f7f1e3',
  foreground: '#3a3226',
  cursor: '#8a4b14',
  cursorAccent: '#f7f1e3',
  selectionBackground: '#e3d3ae',
  black: '#3a3226',
  red: '#a3262a',
  green: '#40680f',
  yellow: '#7d5300',
  blue: '#1f5796',
  magenta: '#87327d',
  cyan: '#106767',
  white: '#6f6451',
  brightBlack: '#6b6150',
  brightRed: '#b33035',
  brightGreen: '#4a6f1d',
  brightYellow: '#855a06',
  brightBlue: '#2c62a3',
  brightMagenta: '#933d89',
  brightCyan: '#1b6e6e',
  brightWhite: '#574d3d',
}

const contrastDark: ITheme = {
  background: '#000000',
  foreground: '#ffffff',
  cursor: '#ffff00',
  cursorAccent: '#000000',
  selectionBackground: '#0047b3',
  black: '#303030',
  red: '#ff9090',
  green: '#5cff7a',
  yellow: '#ffef5c',
  blue: '#9cc2ff',
  magenta: '#f2a6ff',
  cyan: '#5cf6ff',
  white: '#ffffff',
  brightBlack: '#b8b8b8',
  brightRed: '#ffb3b3',
  brightGreen: '#9dffb0',
  brightYellow: '#fff59e',
  brightBlue: '#c2daff',
  brightMagenta: '#f8ccff',
  brightCyan: '#a6faff',
  brightWhite: '#ffffff',
}

const contrastLight: ITheme = {
  background: '#ffffff',
  foreground: '#000000',
  cursor: '#0000c0',
  cursorAccent: '#ffffff',
  selectionBackground: '#b8d4ff',
  black: '#000000',
  red: '#950010',
  green: '#005a22',
  yellow: '#5f4500',
  blue: '#0033a8',
  magenta: '#730a86',
  cyan: '#005560',
  white: '#454545',
  brightBlack: '#4d4d4d',
  brightRed: '#9c0012',
  brightGreen: '#005e24',
  brightYellow: '#634800',
  brightBlue: '#0038b5',
  brightMagenta: '#7a0d8e',
  brightCyan: '#005863',
  brightWhite: '#333333',
}

/** The schemes by the value of the launch parameter, in the order of the choice. */
export const schemes = {
  dark,
  midnight,
  forest,
  ember,
  light,
  paper,
  contrast_dark: contrastDark,
  contrast_light: contrastLight,
} as const satisfies Record<string, ITheme>

/** A value of the launch parameter color_scheme. auto: dark or light, as the page. */
export type SchemeName = 'auto' | keyof typeof schemes

/** The values in the order of the choice. */
export const schemeNames: readonly SchemeName[] = ['auto', ...(Object.keys(schemes) as (keyof typeof schemes)[])]

/** A value of the parameter; auto if it is none. */
export function schemeName(value: string | undefined): SchemeName {
  return schemeNames.find((n) => n === value) ?? 'auto'
}

/** The colours of a scheme. pageDark: whether the page is dark. */
export function schemeColours(name: SchemeName, pageDark: boolean): ITheme {
  return name === 'auto' ? (pageDark ? dark : light) : schemes[name]
}

/** The contrast that text gets at least, whatever colours a program asks for. */
export function leastContrast(name: SchemeName): number {
  return name === 'contrast_dark' || name === 'contrast_light' ? 7 : 4.5
}
