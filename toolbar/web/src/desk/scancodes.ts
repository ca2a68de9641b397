// KeyboardEvent.code to scancodes of set 1 as RDP has them: 0xE0 in the upper byte for extended keys (UI Events KeyboardEvent code Values;
// [MS-RDPBCGR] 2.2.8.1.1.3.1.1.1). The place on the keyboard counts: the layout of the session says what a key means.

const rows: readonly [string, number][] = [
  ['Escape', 0x01],
  ...run('Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab', 0x02),
  ...run('KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft', 0x10),
  ...run('KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash', 0x1e),
  ...run(
    'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space CapsLock',
    0x2c,
  ),
  ...run('F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock', 0x3b),
  ...run('Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd', 0x47),
  ...run('Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal', 0x4f),
  ['IntlBackslash', 0x56],
  ['F11', 0x57],
  ['F12', 0x58],
  ['NumpadEqual', 0x59],
  ...run('F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23', 0x64),
  ['KanaMode', 0x70],
  ['Lang2', 0x71],
  ['Lang1', 0x72],
  ['IntlRo', 0x73],
  ['F24', 0x76],
  ['Convert', 0x79],
  ['NonConvert', 0x7b],
  ['IntlYen', 0x7d],
  ['NumpadComma', 0x7e],
  ['MediaTrackPrevious', 0xe010],
  ['MediaTrackNext', 0xe019],
  ['NumpadEnter', 0xe01c],
  ['ControlRight', 0xe01d],
  ['AudioVolumeMute', 0xe020],
  ['LaunchApp2', 0xe021],
  ['MediaPlayPause', 0xe022],
  ['MediaStop', 0xe024],
  ['AudioVolumeDown', 0xe02e],
  ['AudioVolumeUp', 0xe030],
  ['BrowserHome', 0xe032],
  ['NumpadDivide', 0xe035],
  ['PrintScreen', 0xe037],
  ['AltRight', 0xe038],
  ['Home', 0xe047],
  ['ArrowUp', 0xe048],
  ['PageUp', 0xe049],
  ['ArrowLeft', 0xe04b],
  ['ArrowRight', 0xe04d],
  ['End', 0xe04f],
  ['ArrowDown', 0xe050],
  ['PageDown', 0xe051],
  ['Insert', 0xe052],
  ['Delete', 0xe053],
  ['MetaLeft', 0xe05b],
  ['MetaRight', 0xe05c],
  ['ContextMenu', 0xe05d],
  ['Power', 0xe05e],
  ['Sleep', 0xe05f],
  ['WakeUp', 0xe063],
  ['BrowserSearch', 0xe065],
  ['BrowserFavorites', 0xe066],
  ['BrowserRefresh', 0xe067],
  ['BrowserStop', 0xe068],
  ['BrowserForward', 0xe069],
  ['BrowserBack', 0xe06a],
  ['LaunchApp1', 0xe06b],
  ['LaunchMail', 0xe06c],
  ['MediaSelect', 0xe06d],
  ['Pause', 0xe11d],
]

function run(codes: string, first: number): [string, number][] {
  return codes.split(' ').map((code, i) => [code, first + i])
}

const table: ReadonlyMap<string, number> = new Map(rows)

/** The scancode of a key, undefined if it has none. */
export function scancode(code: string): number | undefined {
  return table.get(code)
}

/** Every code that has a scancode. */
export function codes(): string[] {
  return [...table.keys()]
}
