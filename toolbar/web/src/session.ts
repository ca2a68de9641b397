// The entry of the session page.
import { chooseLocale, locale } from './i18n/index.js'
import { setBuild } from './net/build.js'
import './session-elements.js'

setBuild(import.meta.url)

void chooseLocale(navigator.languages).then(() => {
  document.documentElement.lang = locale()
})
