import { css } from 'lit'

/** A question over the session, in the middle of the window. */
export const dialogStyles = css`
  dialog { width: 560px; max-width: calc(100vw - 32px); max-height: calc(100dvh - 32px); padding: 0; border: 1px solid var(--sp-line-strong); border-radius: 12px; background: var(--sp-raised); color: var(--sp-text); box-shadow: var(--sp-e3); font: var(--sp-w-normal) var(--sp-fs-l) / var(--sp-lh) var(--sp-font); flex-direction: column; overflow: hidden; }
  dialog[open] { display: flex; animation: sp-ask var(--sp-t-slow) var(--sp-ease); }
  dialog::backdrop { background: rgb(4 5 8 / 0.5); }
  @keyframes sp-ask { from { opacity: 0; transform: translateY(4px); } }
  @media (prefers-reduced-motion: reduce) { dialog[open] { animation: none; } }
  .head { display: flex; align-items: center; gap: 10px; padding: var(--sp-5) var(--sp-6) 0; }
  .head .i { color: var(--sp-text-2); }
  h2 { font-size: var(--sp-fs-xl); line-height: 24px; font-weight: var(--sp-w-bold); overflow-wrap: anywhere; }
  .body { display: grid; gap: var(--sp-3); padding: var(--sp-4) var(--sp-6); min-height: 0; overflow: auto; }
  .foot { display: flex; flex-wrap: wrap; align-items: center; justify-content: flex-end; gap: var(--sp-2); padding: 0 var(--sp-6) var(--sp-5); }
  @media (max-width: 720px) {
    dialog { width: 100vw; max-width: none; margin: auto 0 0; border-radius: 12px 12px 0 0; }
    .head { padding: var(--sp-4) var(--sp-4) 0; }
    .body { padding: var(--sp-3) var(--sp-4); }
    .foot { padding: 0 var(--sp-4) var(--sp-4); }
    .foot .btn { flex: 1 1 auto; }
  }
`
