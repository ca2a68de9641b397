import { define } from './elements/base.js'
import { SpCard } from './elements/sp-card.js'
import { SpClipboardPanel } from './elements/sp-clipboard-panel.js'
import { SpCountdown } from './elements/sp-countdown.js'
import { SpFind } from './elements/sp-find.js'
import { SpKeysPanel } from './elements/sp-keys-panel.js'
import { SpLinks } from './elements/sp-links.js'
import { SpPasteGuard } from './elements/sp-paste-guard.js'
import { SpSession } from './elements/sp-session.js'
import { SpSoundPanel } from './elements/sp-sound-panel.js'
import { SpStatistics } from './elements/sp-statistics.js'
import { SpToasts } from './elements/sp-toasts.js'
import { SpToolbar } from './elements/sp-toolbar.js'

define('sp-card', SpCard)
define('sp-clipboard-panel', SpClipboardPanel)
define('sp-countdown', SpCountdown)
define('sp-find', SpFind)
define('sp-keys-panel', SpKeysPanel)
define('sp-links', SpLinks)
define('sp-paste-guard', SpPasteGuard)
define('sp-sound-panel', SpSoundPanel)
define('sp-statistics', SpStatistics)
define('sp-toasts', SpToasts)
define('sp-toolbar', SpToolbar)
define('sp-session', SpSession)

declare global {
  interface HTMLElementTagNameMap {
    'sp-session': SpSession
  }
}

export { SpSession }
