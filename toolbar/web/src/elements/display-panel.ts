// The display panels as a part of their own, loaded when one is first opened.
import { define } from './base.js'
import { SpDeskPanel } from './sp-desk-panel.js'
import { SpDisplayPanel } from './sp-display-panel.js'

define('sp-desk-panel', SpDeskPanel)
define('sp-display-panel', SpDisplayPanel)
