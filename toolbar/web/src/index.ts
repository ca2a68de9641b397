// The entry for hosts' own pages: importing it defines the elements.
import { chooseLocale } from './i18n/index.js'
import './session-elements.js'

export type { ClosedDetail, StartedDetail } from './events.js'
export { chooseLocale } from './i18n/index.js'
export { SpSession } from './session-elements.js'

const lang = document.documentElement.lang
void chooseLocale(lang ? [lang] : navigator.languages)
