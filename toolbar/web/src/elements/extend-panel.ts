// The panel that extends a session as a part of its own, loaded when it is first opened.
import { define } from './base.js'
import { SpExtendPanel } from './sp-extend-panel.js'

define('sp-extend-panel', SpExtendPanel)
