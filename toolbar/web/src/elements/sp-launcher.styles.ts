import { css } from 'lit'

export const launcherStyles = css`
  :host { display: contents; }
  dialog { padding: 0; border: 1px solid var(--sp-line-strong); border-radius: 12px; background: var(--sp-raised); color: var(--sp-text); box-shadow: var(--sp-e3); overflow: hidden; }
  dialog::backdrop { background: var(--sp-scrim); }
  .launcher { width: var(--sp-dialog); max-width: calc(100vw - 32px); max-height: calc(100dvh - 32px); }
  .launcher[open] { display: flex; flex-direction: column; animation: sp-rise var(--sp-t-slow) var(--sp-ease); }
  @keyframes sp-rise { from { opacity: 0; transform: translateY(4px); } }
  @media (prefers-reduced-motion: reduce) { .launcher[open] { animation: none; } }
  form { display: contents; }
  header { display: flex; align-items: center; gap: var(--sp-3); padding-block: var(--sp-4); padding-inline: var(--sp-5) var(--sp-3); border-bottom: 1px solid var(--sp-line); }
  .tile { display: flex; align-items: center; justify-content: center; width: 36px; height: 36px; border-radius: 8px; background: var(--sp-accent-soft); color: var(--sp-accent-text); flex: none; }
  h2 { font-size: var(--sp-fs-xl); line-height: 22px; font-weight: var(--sp-w-bold); display: flex; min-width: 0; white-space: pre; }
  h2 bdi { display: flex; min-width: 0; }
  .who { display: flex; align-items: center; gap: 6px; color: var(--sp-text-2); }
  .body { padding: var(--sp-4) var(--sp-5) var(--sp-5); overflow: auto; }
  .body > .note { margin-bottom: 14px; }
  .grid2 { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: var(--sp-3) var(--sp-4); align-items: start; }
  .span2 { grid-column: 1 / -1; }
  .label { display: flex; align-items: center; gap: 6px; margin-bottom: var(--sp-1); font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); color: var(--sp-text-2); }
  .label .opt { font-weight: var(--sp-w-normal); color: var(--sp-text-3); margin-inline-start: auto; }
  .hint { line-height: 16px; }
  .hint.bad { color: var(--sp-danger); }
  input[type='text'], input[type='number'], select { width: 100%; height: var(--sp-h-m); padding: 0 10px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); appearance: none; }
  input::placeholder { color: var(--sp-text-3); opacity: 1; }
  .field { position: relative; display: block; }
  .field .i { position: absolute; inset-block: 0; inset-inline-end: 10px; margin-block: auto; color: var(--sp-text-3); pointer-events: none; }
  .field select, .field :disabled { padding-inline-end: 32px; text-overflow: ellipsis; }
  option { background: var(--sp-raised); color: var(--sp-text); }
  input:focus-visible, select:focus-visible { outline-offset: -1px; border-color: var(--sp-focus); }
  input[aria-invalid='true'], select[aria-invalid='true'] { border-color: var(--sp-danger); }
  input:disabled, select:disabled { background: var(--sp-sunken); border-color: var(--sp-line-strong); color: var(--sp-text-2); opacity: 1; }
  fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
  legend { padding: 0; }
  .checks { margin-top: 14px; padding-top: 14px; border-top: 1px solid var(--sp-line); }
  .checks .row { display: flex; flex-wrap: wrap; gap: 0 20px; }
  .check.fixed { color: var(--sp-text-2); }
  .check .i { margin-inline-start: -2px; color: var(--sp-text-3); }
  .checks .hint { display: flex; flex-wrap: wrap; gap: 0 var(--sp-2); }
  .checks b { font-weight: var(--sp-w-medium); color: var(--sp-text-2); }
  .seg { display: flex; gap: 2px; height: var(--sp-h-m); padding: 2px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); }
  .seg label { flex: 1 1 auto; display: inline-flex; align-items: center; justify-content: center; gap: 6px; padding: 0 var(--sp-2); border-radius: var(--sp-r-s); color: var(--sp-text-2); white-space: nowrap; position: relative; }
  .seg label:has(:checked) { background: var(--sp-accent-soft); color: var(--sp-accent-text); font-weight: var(--sp-w-medium); box-shadow: inset 0 0 0 1px var(--sp-accent-line); }
  .seg label:has(:focus-visible) { outline: 2px solid var(--sp-focus); outline-offset: 1px; }
  .seg input { position: absolute; inset: 0; opacity: 0; margin: 0; }
  sp-token { margin-bottom: 14px; }
  .link { border: 0; background: none; padding: 0; color: var(--sp-accent-text); text-decoration: none; }
  .link:hover { text-decoration: underline; text-underline-offset: 2px; }
  footer { display: flex; align-items: center; gap: var(--sp-2); padding: var(--sp-3) var(--sp-5); border-top: 1px solid var(--sp-line); background: var(--sp-sunken); }
  footer .from { color: var(--sp-text-2); }
  .embed { width: calc(100vw - 48px); height: calc(100dvh - 48px); max-width: none; max-height: none; }
  .embed sp-session { position: absolute; inset: 0; }
  .embed .shut { position: absolute; z-index: 90; top: 8px; right: 8px; }
  @media (pointer: coarse) { input[type='text'], input[type='number'], select, .seg { height: var(--sp-h-touch); font-size: 16px; } }
  @media (max-width: 720px) {
    .launcher { margin: auto 8px 8px; width: auto; max-width: none; }
    .embed { width: 100vw; height: 100dvh; border: 0; border-radius: 0; margin: 0; }
    .grid2 { grid-template-columns: minmax(0, 1fr); }
    footer { flex-wrap: wrap; }
    footer .btn { flex: 1; }
    footer .grow { flex-basis: 100%; height: 0; }
  }
`
