// The display panel as a part of its own, loaded when it is first opened.
import { define } from './base.js'
import { SpDisplayPanel } from './sp-display-panel.js'

define('sp-display-panel', SpDisplayPanel)
