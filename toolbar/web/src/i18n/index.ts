import { type CodeText, en, type Messages } from './en.js'

export type { CodeText, Messages } from './en.js'

/** A key of the catalogue's short texts. */
export type MessageKey = keyof Messages['ui']

/** Catalogues that are loaded when they are wanted. A new language is one file and one line here. */
const catalogues: Readonly<Record<string, () => Promise<Messages>>> = {
  de: async () => (await import('./de.js')).de,
  es: async () => (await import('./es.js')).es,
  fr: async () => (await import('./fr.js')).fr,
  ja: async () => (await import('./ja.js')).ja,
}

let current: Messages = en
let language = 'en'
const listeners = new Set<() => void>()

/** The language in use. */
export function locale(): string {
  return language
}

/** Calls fn when the language changes; the answer ends that. */
export function onLocale(fn: () => void): () => void {
  listeners.add(fn)
  return () => listeners.delete(fn)
}

/** Takes the first language of the list for which there is a catalogue; English if there is none. */
export async function chooseLocale(wanted: readonly string[]): Promise<void> {
  for (const tag of wanted) {
    const short = tag.toLowerCase().split('-')[0] ?? ''
    if (short === 'en') return set('en', en)
    const load = catalogues[short]
    if (!load) continue
    try {
      return set(short, await load())
    } catch {
      // A catalogue that does not arrive is no reason to show nothing.
    }
  }
}

function set(name: string, messages: Messages): void {
  if (name === language) return
  language = name
  current = messages
  for (const fn of listeners) fn()
}

/** A short text, with values put in for {name}. The result is plain text. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(current.ui[key], values)
}

/** The text of a code. A code that this client does not know gets the one for internal. */
export function codeText(code: string, values: Readonly<Record<string, string | number>> = {}): CodeText {
  const own = (m: Messages): CodeText | undefined => (Object.hasOwn(m.codes, code) ? m.codes[code] : undefined)
  const found = own(current) ?? own({ ...en }) ?? en.codes.internal ?? { title: code, text: '' }
  return { title: fill(found.title, values), text: fill(found.text, values) }
}

/** A span of time in minutes, rounded up: "5 min". */
export function timeSpan(seconds: number): string {
  const minutes = Math.ceil(seconds / 60)
  return new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'short' }).format(minutes)
}

/** When that will be, in minutes, rounded up: "in 5 minutes". */
export function inTime(seconds: number): string {
  return new Intl.RelativeTimeFormat(language).format(Math.max(1, Math.ceil(seconds / 60)), 'minute')
}

/** A number as people of the language write it, with so many decimals. */
export function numbers(n: number, decimals: number): string {
  return new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(n)
}

/** The label of a launch parameter: translated by its name, else the gateway's own. */
export function paramLabel(name: string, fallback: string): string {
  return (Object.hasOwn(current.params, name) ? current.params[name] : undefined) ?? fallback
}

/** What an empty launch parameter means; empty if there is nothing to say. */
export function paramPlaceholder(name: string): string {
  return (Object.hasOwn(current.placeholders, name) ? current.placeholders[name] : undefined) ?? ''
}

/** The label of a choice of a launch parameter. */
export function choiceLabel(param: string, value: string, fallback: string): string {
  const key = `${param}.${value}`
  if (Object.hasOwn(current.choices, key)) return current.choices[key] ?? fallback
  return (param === 'keyboard_layout' && language !== 'en' ? languageName(value) : undefined) ?? fallback
}

/** A language with its country, in the language in use. */
function languageName(tag: string): string | undefined {
  try {
    return new Intl.DisplayNames(language, { type: 'language', languageDisplay: 'standard' }).of(tag)
  } catch {
    return undefined // no tag of a language
  }
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )
}
