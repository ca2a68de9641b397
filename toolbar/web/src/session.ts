// The entry of the session page.
import { chooseLocale } from './i18n/index.js'
import './session-elements.js'

void chooseLocale(navigator.languages)
