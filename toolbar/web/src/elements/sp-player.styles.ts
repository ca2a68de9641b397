import xterm from '@xterm/xterm/css/xterm.css'
import { css, unsafeCSS } from 'lit'

export const playerStyles = css`
  ${unsafeCSS(xterm)}
  :host { display: grid; grid-template-rows: auto auto minmax(0, 1fr) auto; grid-template-columns: minmax(0, 1fr); min-height: 320px; background: var(--sp-surface); }
  h1, h2 { margin: 0; font-size: 16px; line-height: 24px; font-weight: var(--sp-w-bold); }
  .head { display: flex; align-items: center; gap: 8px; padding: 8px 16px; border-bottom: 1px solid var(--sp-line); min-width: 0; }
  .about { color: var(--sp-text-2); }
  .state { display: inline-flex; align-items: center; gap: 6px; flex: none; height: var(--sp-h-s); padding: 0 var(--sp-2); border: 1px solid; border-radius: var(--sp-r); font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); }
  .ok { color: var(--sp-ok); background: var(--sp-ok-soft); }
  .warn { color: var(--sp-warn); background: var(--sp-warn-soft); }
  .danger { color: var(--sp-danger); background: var(--sp-danger-soft); }
  .info { color: var(--sp-info); background: var(--sp-info-soft); }
  .words { margin: 0; padding: 8px 16px; border-bottom: 1px solid var(--sp-line); font-size: var(--sp-fs-s); line-height: 18px; color: var(--sp-text); }
  .words.warn { background: var(--sp-warn-soft); } .words.danger { background: var(--sp-danger-soft); } .words.info { background: var(--sp-info-soft); }
  .stage { grid-row: 3; position: relative; min-height: 0; overflow: hidden; background: var(--sp-screen-bg, var(--sp-stage)); }
  .screen { position: absolute; inset: 0; background: var(--sp-screen-bg, var(--sp-stage)); font-family: var(--sp-mono); }
  .screen .xterm { height: 100%; padding: 12px 4px 6px 10px; }
  .screen .xterm-viewport, .screen .xterm-scrollable-element { background-color: transparent; }
  .desk { position: absolute; inset: 0; overflow: hidden; }
  .desk canvas { position: absolute; display: block; }
  .desk textarea { position: fixed; inset-inline-start: 0; inset-block-start: 0; width: 1px; height: 1px; padding: 0; border: 0; opacity: 0; resize: none; pointer-events: none; }
  .wait { position: absolute; inset: 0; display: grid; place-content: center; padding: 16px; }
  .card { display: grid; gap: 12px; width: min(400px, calc(100vw - 32px)); padding: 20px; border: 1px solid var(--sp-line-strong); border-radius: 12px; background: var(--sp-raised); box-shadow: var(--sp-e3); }
  .card .row, .line { display: flex; align-items: center; gap: 8px; }
  .card .row { justify-content: flex-end; }
  .seeking { position: absolute; top: 12px; right: 12px; display: flex; padding: 8px; border-radius: 50%; background: var(--sp-raised); box-shadow: var(--sp-e2); }
  .controls { grid-row: 4; padding: 8px 16px 10px; border-top: 1px solid var(--sp-line); background: var(--sp-surface); }
  .time { position: relative; height: 28px; }
  .time svg { position: absolute; left: 8px; width: calc(100% - 16px); top: 11px; height: 6px; border-radius: 3px; overflow: hidden; }
  .all { fill: var(--sp-press); } .done { fill: var(--sp-accent-text); } .bad { fill: var(--sp-danger-fill); }
  .idle { fill: url(#idle); } .idle-0 { fill: var(--sp-surface); } .idle-1 { stroke: var(--sp-control); stroke-width: 2; }
  .time input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; appearance: none; background: none; }
  .time input::-webkit-slider-thumb { appearance: none; width: 16px; height: 16px; border-radius: 50%; background: var(--sp-surface); border: 4px solid var(--sp-accent-text); box-shadow: var(--sp-e1); }
  .time input::-moz-range-thumb { width: 8px; height: 8px; border-radius: 50%; background: var(--sp-surface); border: 4px solid var(--sp-accent-text); }
  .time input:focus-visible { outline: none; }
  .time input:focus-visible::-webkit-slider-thumb { outline: 2px solid var(--sp-focus); outline-offset: 2px; }
  .time input:focus-visible::-moz-range-thumb { outline: 2px solid var(--sp-focus); outline-offset: 2px; }
  .bar { display: flex; align-items: center; gap: 8px; margin-top: 4px; }
  .at { font-weight: var(--sp-w-bold); } .of, .wall { color: var(--sp-text-3); }
  .wall { margin-left: 4px; }
  .check { display: inline-flex; align-items: center; gap: 8px; margin-right: 8px; }
  .check input { width: 16px; height: 16px; accent-color: var(--sp-accent); }
  fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
  .seg { display: flex; gap: 2px; height: var(--sp-h-s); padding: 2px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); }
  .seg label { position: relative; display: inline-flex; align-items: center; justify-content: center; padding: 0 7px; min-width: 28px; border-radius: var(--sp-r-s); color: var(--sp-text-2); font-size: var(--sp-fs-s); }
  .seg label:has(:checked) { background: var(--sp-accent-soft); color: var(--sp-accent-text); font-weight: var(--sp-w-medium); box-shadow: inset 0 0 0 1px var(--sp-accent-line); }
  .seg label:has(:focus-visible) { outline: 2px solid var(--sp-focus); outline-offset: 1px; }
  .seg input { position: absolute; inset: 0; opacity: 0; margin: 0; }
  @media (pointer: coarse) { .seg { height: var(--sp-h-touch); } .seg label { min-width: 40px; } .time { height: 44px; } .time svg { top: 19px; } }
  @media (max-width: 720px) { .about, .wall { display: none; } .bar { flex-wrap: wrap; } .bar .grow { flex-basis: 0; } .check { margin-right: 0; } }
`
