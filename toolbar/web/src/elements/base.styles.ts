import { css } from 'lit'

/** What every element uses: type, buttons, icons, focus. */
export const base = css`
  :host {
    font: var(--sp-w-normal) var(--sp-fs-m) / var(--sp-lh) var(--sp-font);
    color: var(--sp-text);
    -webkit-font-smoothing: antialiased;
  }
  /* What a host's own rules give to the element would be inherited by what is in it. */
  :where(:host > *) { font: var(--sp-w-normal) var(--sp-fs-m) / var(--sp-lh) var(--sp-font); letter-spacing: normal; word-spacing: normal; text-transform: none; text-indent: 0; text-align: start; }
  :host([theme='light']) { color-scheme: light; }
  :host([theme='dark']) { color-scheme: dark; }
  :host([hidden]) { display: none; }
  *, *::before, *::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  h2, p, ol, ul { margin: 0; padding: 0; }
  ol, ul { list-style: none; }
  button, input, select, textarea { font: inherit; color: inherit; margin: 0; }
  :focus-visible { outline: 2px solid var(--sp-focus); outline-offset: 2px; }
  .i { width: 16px; height: 16px; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
  .i-l { width: 20px; height: 20px; stroke-width: 1.8; }
  .i-s { width: 12px; height: 12px; }
  .num { font-variant-numeric: tabular-nums; }
  .mono { font-family: var(--sp-mono); font-size: var(--sp-fs-s); }
  .cut { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
  .grow { flex: 1 1 auto; min-width: 0; }
  .vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .dot { width: 8px; height: 8px; border-radius: 50%; background: currentColor; flex: none; }
  .rec { display: inline-flex; align-items: center; gap: 6px; color: var(--sp-text-2); font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); white-space: nowrap; }
  .rec .dot { color: var(--sp-rec); }
  .proto { display: inline-flex; align-items: center; justify-content: center; height: 18px; padding: 0 5px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-s); color: var(--sp-text-2); font: var(--sp-w-bold) 10px/1 var(--sp-font); letter-spacing: 0.4px; text-transform: uppercase; flex: none; }
  .btn { display: inline-flex; align-items: center; justify-content: center; gap: 6px; height: var(--sp-h-m); padding: 0 var(--sp-3); border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r); background: var(--sp-raised); color: var(--sp-text); font-weight: var(--sp-w-medium); text-decoration: none; white-space: nowrap; cursor: default; transition: background var(--sp-t-fast), border-color var(--sp-t-fast); box-shadow: var(--sp-e1); }
  .btn:hover { background: var(--sp-hover); }
  .btn.primary { background: var(--sp-accent); border-color: transparent; color: var(--sp-on-accent); }
  .btn.primary:hover { background: var(--sp-accent-hover); }
  .btn.ghost { background: transparent; border-color: transparent; box-shadow: none; color: var(--sp-text-2); }
  .btn.ghost:hover { background: var(--sp-hover); color: var(--sp-text); }
  .btn.small { height: var(--sp-h-s); padding: 0 var(--sp-2); font-size: var(--sp-fs-s); }
  .btn.icon { width: var(--sp-h-m); padding: 0; }
  .btn.icon.small { width: var(--sp-h-s); }
  .btn:disabled { color: var(--sp-text-off); background: var(--sp-sunken); box-shadow: none; }
  .check { display: flex; align-items: center; gap: var(--sp-2); min-height: var(--sp-h-s); }
  input[type='checkbox'] { display: inline-grid; place-content: center; width: 16px; height: 16px; flex: none; border: 1px solid var(--sp-control); border-radius: var(--sp-r-s); background: var(--sp-field); color: var(--sp-on-accent); appearance: none; }
  input[type='checkbox']:checked { background: var(--sp-accent); border-color: var(--sp-accent); }
  input[type='checkbox']:checked::before { content: ''; width: 10px; height: 10px; background: currentColor; clip-path: polygon(8% 50%, 22% 37%, 40% 57%, 78% 14%, 92% 27%, 41% 84%); }
  input[type='checkbox']:disabled { background: var(--sp-sunken); border-color: var(--sp-line-strong); color: var(--sp-text-3); }
  .hint { margin-top: var(--sp-1); font-size: var(--sp-fs-s); line-height: 18px; color: var(--sp-text-3); }
  .note { display: flex; gap: 10px; padding: 10px 12px; border-radius: var(--sp-r); background: var(--sp-sunken); color: var(--sp-text-2); }
  .note .i { margin-top: 2px; color: var(--sp-text-3); }
  .note.warn { background: var(--sp-warn-soft); color: var(--sp-text); }
  .note.warn .i { color: var(--sp-warn); }
  .note.danger { background: var(--sp-danger-soft); color: var(--sp-text); }
  .note.danger .i { color: var(--sp-danger); }
  .spin { width: 20px; height: 20px; border: 2px solid var(--sp-accent-line); border-right-color: transparent; border-radius: 50%; animation: sp-turn 900ms linear infinite; flex: none; }
  .spin.s { width: 12px; height: 12px; margin: 0 2px; }
  @keyframes sp-turn { to { transform: rotate(1turn); } }
  @media (prefers-reduced-motion: reduce) { .spin { animation: none; border-right-color: var(--sp-line-strong); } }
  @media (forced-colors: active) { input[type='checkbox'] { appearance: auto; } }
  @media (pointer: coarse) { .btn, .btn.small { min-height: var(--sp-h-touch); } .btn.icon { min-width: var(--sp-h-touch); } .check { min-height: var(--sp-h-touch); } }
`
