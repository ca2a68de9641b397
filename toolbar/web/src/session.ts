// The entry of the session page.
import { chooseLocale, locale } from './i18n/index.js'
import './session-elements.js'

void chooseLocale(navigator.languages).then(() => {
  document.documentElement.lang = locale()
})
