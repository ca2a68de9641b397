// The file panel as a part of its own, loaded when it is first opened.
import { define } from './base.js'
import { SpFilesPanel } from './sp-files-panel.js'

define('sp-files-panel', SpFilesPanel)

export { FileWork } from './file-work.js'
