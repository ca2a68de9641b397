import xterm from '@xterm/xterm/css/xterm.css'
import { css, unsafeCSS } from 'lit'

export const sessionStyles = css`
  ${unsafeCSS(xterm)}
  :host { display: block; position: relative; min-height: 200px; overflow: hidden; background: var(--sp-stage); }
  :host([page]) { height: 100%; }
  .stage { position: absolute; inset: 0; overflow: hidden; background: var(--sp-stage); }
  .screen { position: absolute; inset: 0; background: var(--sp-screen-bg, var(--sp-stage)); font-family: var(--sp-mono); transition: opacity var(--sp-t); }
  .screen .xterm { height: 100%; padding: 12px 4px 6px 10px; }
  .screen .xterm-viewport, .screen .xterm-scrollable-element { background-color: transparent; }
  .away .screen { opacity: 0.28; filter: saturate(0.4); pointer-events: none; }
  .desk { position: absolute; inset: 0; overflow: auto; touch-action: none; }
  .desk canvas { position: absolute; display: block; }
  .desk textarea { position: fixed; inset-inline-start: 0; inset-block-start: 0; width: 1px; height: 1px; padding: 0; border: 0; opacity: 0; resize: none; pointer-events: none; }
  .flash { position: absolute; inset: 0; z-index: 10; pointer-events: none; opacity: 0; box-shadow: inset 0 0 0 3px #e6b04a, inset 0 0 28px rgb(230 176 74 / 0.55); }
  .banner { position: absolute; z-index: 20; top: 26px; left: 50%; transform: translateX(-50%); display: flex; align-items: center; gap: 8px; min-height: 36px; width: max-content; max-width: calc(100% - 16px); padding: 4px 12px; border-radius: 10px; border: 1px solid var(--sp-line-strong); background: var(--sp-raised); box-shadow: var(--sp-e2); }
  .banner .i { color: var(--sp-info); }
`
