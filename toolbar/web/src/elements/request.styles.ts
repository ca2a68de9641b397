import { css } from 'lit'

/** What the screens of access requests have in common: two columns of cards, fields, levels. */
export const requestStyles = css`
  :host { display: block; }
  .rgrid { display: grid; grid-template-columns: minmax(0, 1fr) 304px; gap: 16px; align-items: start; }
  .acol { display: grid; gap: 16px; }
  .box { border: 1px solid var(--sp-line); border-radius: 10px; background: var(--sp-surface); overflow: hidden; }
  .box > header { display: flex; align-items: center; gap: 8px; padding: 11px 16px; border-bottom: 1px solid var(--sp-line); }
  h2 { font-size: var(--sp-fs-m); line-height: 20px; font-weight: var(--sp-w-bold); }
  .pad { display: grid; gap: 14px; padding: 16px; }
  .foot { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 12px 16px; border-top: 1px solid var(--sp-line); background: var(--sp-sunken); }
  .quiet { color: var(--sp-text-3); }
  .muted { color: var(--sp-text-2); }
  .ok { color: var(--sp-ok); }
  .danger { color: var(--sp-danger); }
  .btn.danger { color: var(--sp-danger); }
  .grid2 { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 14px 16px; align-items: start; }
  .span2 { grid-column: 1 / -1; }
  fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
  legend { padding: 0; }
  .label { display: flex; align-items: center; gap: 6px; width: 100%; margin-bottom: var(--sp-1); font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); color: var(--sp-text-2); }
  .label .opt { font-weight: var(--sp-w-normal); color: var(--sp-text-3); margin-inline-start: auto; }
  .hint.bad { color: var(--sp-danger); }
  input:not([type='checkbox'], [type='radio']), select, textarea { width: 100%; height: var(--sp-h-m); padding: 0 10px; border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); appearance: none; }
  textarea { display: block; height: auto; min-height: 76px; padding: 6px 10px; resize: vertical; }
  ::placeholder { color: var(--sp-text-3); opacity: 1; }
  input:focus-visible, select:focus-visible, textarea:focus-visible { outline-offset: -1px; border-color: var(--sp-focus); }
  [aria-invalid='true'] { border-color: var(--sp-danger) !important; }
  input:disabled, select:disabled { background: var(--sp-sunken); border-color: var(--sp-line-strong); color: var(--sp-text-2); opacity: 1; }
  option { background: var(--sp-raised); color: var(--sp-text); }
  .field { position: relative; display: block; }
  .field .i { position: absolute; inset-block: 0; inset-inline-end: 10px; margin-block: auto; color: var(--sp-text-3); pointer-events: none; }
  .field select, .field :disabled { padding-inline-end: 32px; text-overflow: ellipsis; }
  .checks .row { display: flex; flex-wrap: wrap; gap: 0 20px; }
  .chips { display: flex; flex-wrap: wrap; gap: 6px; }
  .chip { position: relative; display: inline-flex; align-items: center; height: var(--sp-h-s); padding: 0 12px; border: 1px solid var(--sp-line-strong); border-radius: 14px; background: var(--sp-surface); color: var(--sp-text-2); font-size: var(--sp-fs-s); white-space: nowrap; }
  .chip:has(:checked) { background: var(--sp-accent-soft); border-color: var(--sp-accent-line); color: var(--sp-accent-text); font-weight: var(--sp-w-medium); }
  .chip:has(:focus-visible) { outline: 2px solid var(--sp-focus); outline-offset: 1px; }
  .chip input { position: absolute; inset: 0; opacity: 0; margin: 0; }
  .note.info { background: var(--sp-info-soft); color: var(--sp-text); }
  .note.info .i { color: var(--sp-info); }
  .note.ok { background: var(--sp-ok-soft); color: var(--sp-text); }
  .note.ok .i { color: var(--sp-ok); }
  .badge { display: inline-flex; align-items: center; gap: 6px; height: 24px; padding: 0 8px; border-radius: var(--sp-r-s); background: var(--sp-sunken); color: var(--sp-text-2); font-size: var(--sp-fs-s); font-weight: var(--sp-w-medium); white-space: nowrap; }
  .badge .i { width: 14px; height: 14px; }
  .badge.info { background: var(--sp-info-soft); color: var(--sp-info); }
  .badge.ok { background: var(--sp-ok-soft); color: var(--sp-ok); }
  .badge.danger { background: var(--sp-danger-soft); color: var(--sp-danger); }
  summary { color: var(--sp-accent-text); font-weight: var(--sp-w-medium); width: max-content; max-width: 100%; }
  details[open] summary { margin-bottom: 12px; }
  .lv { padding: 16px; }
  .lv li { position: relative; display: flex; gap: 12px; padding-bottom: 20px; }
  .lv li:last-child { padding-bottom: 4px; }
  .lv li:not(:last-child)::before { content: ''; position: absolute; inset-inline-start: 13px; top: 28px; bottom: 0; width: 2px; background: var(--sp-line-strong); }
  .lv li.done:not(:last-child)::before { background: var(--sp-ok-fill); }
  .lm { display: flex; align-items: center; justify-content: center; width: 28px; height: 28px; border-radius: 50%; background: var(--sp-sunken); color: var(--sp-text-3); box-shadow: inset 0 0 0 1px var(--sp-line-strong); flex: none; }
  .done .lm { background: var(--sp-ok-soft); color: var(--sp-ok); box-shadow: none; }
  .now .lm { background: var(--sp-accent-soft); color: var(--sp-accent-text); box-shadow: inset 0 0 0 2px var(--sp-accent-text); }
  .no .lm { background: var(--sp-danger-soft); color: var(--sp-danger); box-shadow: none; }
  .lv b { font-weight: var(--sp-w-bold); overflow-wrap: anywhere; }
  .lv li > div > b { display: block; line-height: 18px; }
  .say { display: flex; gap: 10px; margin-top: 8px; padding: 8px 12px 8px 10px; border-radius: 6px; background: var(--sp-sunken); overflow-wrap: anywhere; }
  .who { display: inline-flex; align-items: center; justify-content: center; width: 24px; height: 24px; border-radius: 50%; flex: none; background: var(--sp-who-1); color: var(--sp-who-1-text); font-size: 10px; font-weight: var(--sp-w-bold); }
  .kv { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 16px; margin: 0; padding: 12px 16px; }
  .kv dt { color: var(--sp-text-3); }
  .kv dd { margin: 0; overflow-wrap: anywhere; }
  .said { padding: 0 16px 14px; overflow-wrap: anywhere; white-space: pre-wrap; }
  a { color: var(--sp-accent-text); }
  a.btn { color: var(--sp-text); }
  @media (pointer: coarse) { input:not([type='checkbox'], [type='radio']), select { height: var(--sp-h-touch); font-size: 16px; } .chip { height: var(--sp-h-touch); border-radius: 22px; } }
  @media (max-width: 900px) { .rgrid { grid-template-columns: minmax(0, 1fr); } }
  @media (max-width: 720px) { .grid2 { grid-template-columns: minmax(0, 1fr); } .foot .btn { flex: 1; } .foot > :first-child { flex-basis: 100%; } .foot > .grow { display: none; } }
`
