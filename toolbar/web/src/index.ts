// The entry for hosts' own pages: importing it defines the elements.

import { define } from './elements/base.js'
import { SpAccessButton } from './elements/sp-access-button.js'
import { SpLauncher } from './elements/sp-launcher.js'
import { SpPlayer } from './elements/sp-player.js'
import { SpRequest } from './elements/sp-request.js'
import { SpRequestForm } from './elements/sp-request-form.js'
import { SpRequests } from './elements/sp-requests.js'
import { SpToken } from './elements/sp-token.js'
import { chooseLocale } from './i18n/index.js'
import './session-elements.js'

export type { ClosedDetail, RequestedDetail, StartedDetail } from './events.js'
export { chooseLocale } from './i18n/index.js'
export { SpSession } from './session-elements.js'

define('sp-token', SpToken)
define('sp-player', SpPlayer)
define('sp-launcher', SpLauncher)
define('sp-access-button', SpAccessButton)
define('sp-request-form', SpRequestForm)
define('sp-request', SpRequest)
define('sp-requests', SpRequests)

declare global {
  interface HTMLElementTagNameMap {
    'sp-launcher': SpLauncher
    'sp-player': SpPlayer
    'sp-access-button': SpAccessButton
    'sp-request-form': SpRequestForm
    'sp-request': SpRequest
    'sp-requests': SpRequests
  }
}

export { SpAccessButton, SpLauncher, SpPlayer, SpRequest, SpRequestForm, SpRequests }

const lang = document.documentElement.lang
void chooseLocale(lang ? [lang] : navigator.languages)
