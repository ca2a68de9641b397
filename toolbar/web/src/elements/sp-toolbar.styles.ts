import { css } from 'lit'

export const toolbarStyles = css`
  :host { position: absolute; inset: 0 0 auto 0; height: 0; z-index: var(--sp-z-bar); }
  .handle { position: absolute; top: 0; left: 50%; transform: translateX(-50%); min-width: 64px; height: 20px; padding: 3px 10px 0; border: 0; background: none; display: flex; align-items: flex-start; justify-content: center; border-radius: 0 0 var(--sp-r) var(--sp-r); touch-action: none; cursor: default; }
  .handle:focus-visible { outline-offset: -2px; }
  .pill { width: 44px; height: 6px; border-radius: 3px; background: rgb(255 255 255 / 0.4); box-shadow: 0 0 0 1px var(--sp-handle-edge); transition: background var(--sp-t-fast); }
  .handle:hover .pill, .handle:focus-visible .pill { background: var(--sp-handle); box-shadow: 0 0 0 1.5px rgb(0 0 0 / 0.8); }
  .handle .dot { position: absolute; top: 2px; right: calc(50% + 28px); background: #ff5c63; box-shadow: 0 0 0 1.5px rgb(0 0 0 / 0.55); }
  @media (pointer: coarse) { .handle { height: 44px; min-width: 88px; } }

  .bar { position: absolute; top: 8px; left: 50%; transform: translateX(-50%); display: flex; align-items: center; width: max-content; max-width: calc(100% - 16px); padding: 4px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-glass); backdrop-filter: var(--sp-blur); box-shadow: var(--sp-e2); animation: sp-drop var(--sp-t) var(--sp-ease); }
  @keyframes sp-drop { from { opacity: 0; transform: translate(-50%, -4px); } }
  .grp { display: flex; align-items: center; gap: 2px; min-width: 0; flex: none; }
  .grp.id { flex: 0 1 auto; }
  .grp + .grp::before { content: ''; width: 1px; height: 20px; margin: 0 4px 0 6px; background: var(--sp-line-strong); flex: none; }
  .id { gap: 8px; padding: 0 6px 0 8px; height: 36px; }
  .id b { display: flex; min-width: 0; font-weight: var(--sp-w-bold); max-width: 240px; white-space: pre; }
  .tool { position: relative; display: inline-flex; align-items: center; gap: 6px; height: var(--sp-h-tool); padding: 0 9px; border: 0; border-radius: var(--sp-r); background: none; color: var(--sp-text); white-space: nowrap; cursor: default; }
  .tool .i { color: var(--sp-text-2); }
  .tool:hover { background: var(--sp-hover); }
  .tool[aria-expanded='true'] { background: var(--sp-press); }
  .tool:focus-visible { outline-offset: -2px; }
  .tool.link > .i { display: none; }
  .tool.link.fold > .i { display: block; }
  .tool.link { color: var(--sp-accent-text); }
  .expiry { gap: 0; }
  .tool.leave { color: var(--sp-danger); }
  .tool.leave .i { color: inherit; }
  .tool.leave:hover { background: var(--sp-danger-soft); }
  .tool.fold > span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .badge { display: inline-flex; align-items: center; gap: 5px; height: 20px; padding: 0 7px; border-radius: var(--sp-r-s); background: var(--sp-accent-soft); color: var(--sp-accent-text); font-size: var(--sp-fs-xs); font-weight: var(--sp-w-medium); white-space: nowrap; }
  .crowd { display: inline-flex; }
  .who { display: inline-flex; align-items: center; justify-content: center; width: 24px; height: 24px; border-radius: 50%; font-size: 10px; font-weight: var(--sp-w-bold); letter-spacing: 0.2px; flex: none; background: var(--sp-who-1); color: var(--sp-who-1-text); }
  .who + .who { margin-left: 3px; }
  .w1 { background: var(--sp-who-1); color: var(--sp-who-1-text); }
  .w2 { background: var(--sp-who-2); color: var(--sp-who-2-text); }
  .w3 { background: var(--sp-who-3); color: var(--sp-who-3-text); }
  .w4 { background: var(--sp-who-4); color: var(--sp-who-4-text); }

  @media (max-width: 720px) {
    .bar { left: 8px; right: 8px; width: auto; transform: none; display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; padding: 8px; animation: none; max-width: none; }
    .grp { display: contents; }
    .grp + .grp::before { display: none; }
    .id { display: flex; grid-column: 1 / -1; padding: 0 4px; height: 36px; }
    .id b { max-width: none; }
    .id .crowd { margin-left: auto; }
    .expiry sp-countdown { grid-column: 1 / -1; margin: -4px 0; }
    .tool.link > .i { display: block; color: inherit; }
    .tool { flex-direction: column; justify-content: center; gap: 4px; height: 56px; padding: 0 2px; font-size: var(--sp-fs-s); line-height: 16px; }
    .tool.leave { background: var(--sp-danger-soft); }
    .tool.shut { grid-column: 1 / -1; flex-direction: row; height: 44px; background: var(--sp-hover); }
    .bar[data-over='1'] .tool.shut { grid-column: span 2; height: 56px; }
    .bar[data-over='2'] .tool.shut { grid-column: span 1; height: 56px; flex-direction: column; }
    .bar.dropped .tool, .bar.dropped ::slotted(*) { display: none; }
  }
`

export const panelStyles = css`
  :host { position: absolute; z-index: var(--sp-z-panel); top: 62px; left: var(--sp-panel-left, 50%); width: var(--sp-panel); max-width: calc(100% - 16px); border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-raised); box-shadow: var(--sp-e3); }
  .head { display: flex; align-items: center; gap: var(--sp-2); height: 44px; padding: 0 6px 0 var(--sp-4); border-bottom: 1px solid var(--sp-line); }
  h2 { font-size: var(--sp-fs-l); font-weight: var(--sp-w-bold); }
  .body { padding: var(--sp-4); display: grid; gap: var(--sp-2); }
  .label { display: flex; align-items: center; gap: 6px; font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); color: var(--sp-text-2); }
  .label .opt { font-weight: var(--sp-w-normal); color: var(--sp-text-3); margin-left: auto; }
  textarea { display: block; width: 100%; min-height: 92px; max-height: 40vh; padding: 7px 10px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); font: var(--sp-fs-s) / 18px var(--sp-mono); resize: vertical; }
  textarea:focus-visible { outline-offset: -1px; border-color: var(--sp-focus); }
  .acts { display: flex; align-items: center; gap: var(--sp-2); margin-top: var(--sp-1); flex-wrap: wrap; }
  @media (max-width: 720px) {
    :host { position: fixed; top: auto; left: 0; right: 0; bottom: 0; width: auto; max-width: none; border-radius: 12px 12px 0 0; }
  }
`
