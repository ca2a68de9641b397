import { css } from 'lit'

export const filesStyles = css`
  :host { width: 760px; display: flex; flex-direction: column; max-height: calc(100vh - 80px); overflow: hidden; }
  .head .sub { color: var(--sp-text-3); }
  .tools, .picked { display: flex; align-items: center; gap: var(--sp-2); min-height: 44px; padding: 6px var(--sp-3); border-bottom: 1px solid var(--sp-line); }
  .crumbs { display: flex; align-items: center; gap: 2px; min-width: 0; overflow: hidden; justify-content: flex-end; }
  .crumbs .i { color: var(--sp-text-3); }
  .crumbs button { border: 0; background: none; padding: 2px 4px; border-radius: var(--sp-r-s); color: var(--sp-text-2); max-width: 180px; cursor: default; flex: 0 1 auto; }
  .crumbs button:hover { background: var(--sp-hover); color: var(--sp-text); }
  .crumbs button:focus-visible { outline-offset: -2px; }
  .crumbs button[aria-current] { color: var(--sp-text); font-weight: var(--sp-w-bold); }
  .check { display: inline-flex; gap: 6px; min-height: 0; white-space: nowrap; }
   .list { overflow: auto; min-height: 148px; max-height: 300px; flex: 1 1 auto; position: relative; }
  table { width: 100%; border-collapse: separate; border-spacing: 0; table-layout: fixed; }
  th { position: sticky; top: 0; z-index: 1; height: 32px; padding: 0 var(--sp-3); background: var(--sp-sunken); border-bottom: 1px solid var(--sp-line); text-align: start; font-size: var(--sp-fs-xs); font-weight: var(--sp-w-medium); color: var(--sp-text-2); white-space: nowrap; }
  td { height: 36px; padding: 0 var(--sp-3); border-bottom: 1px solid var(--sp-line); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  tbody tr:hover td { background: var(--sp-hover); }
  tr.on td { background: var(--sp-accent-soft); }
  .c-box { width: 38px; padding-inline-end: 0; }
  .c-size { width: 96px; text-align: end; }
  .c-time { width: 150px; }
  .c-mode { width: 112px; color: var(--sp-text-3); }
  .box { display: flex; align-items: center; height: 100%; }
  .name { display: flex; align-items: center; gap: 10px; width: 100%; height: 32px; padding: 0; border: 0; background: none; text-align: start; cursor: default; border-radius: var(--sp-r-s); }
  .name .i { color: var(--sp-text-3); }
  .name:focus-visible { outline-offset: -2px; }
  .empty { padding: 28px var(--sp-4); color: var(--sp-text-3); text-align: center; }
  .list .note, .asked { margin: var(--sp-2) var(--sp-3); }
  .picked { background: var(--sp-accent-soft); border-top: 1px solid var(--sp-line); border-bottom: 0; padding-left: var(--sp-4); flex-wrap: wrap; }
  .picked b { color: var(--sp-accent-text); font-weight: var(--sp-w-bold); white-space: nowrap; }
  .picked .quiet { color: var(--sp-text-2); font-size: var(--sp-fs-s); white-space: nowrap; }
  .picked.danger { background: var(--sp-danger-soft); }
  .btn.danger { color: var(--sp-danger); }
  .btn.danger.primary { background: var(--sp-danger-fill); color: var(--sp-on-danger, #fff); }
  .form { display: flex; align-items: center; gap: var(--sp-2); padding: 6px var(--sp-3); border-bottom: 1px solid var(--sp-line); }
  .form input { flex: 1 1 auto; min-width: 0; height: var(--sp-h-s); padding: 0 var(--sp-2); border: 1px solid var(--sp-control); border-radius: var(--sp-r); background: var(--sp-field); }
  .form input:focus-visible { outline-offset: -1px; }
  .moves { padding: var(--sp-3) var(--sp-4) 10px; border-top: 1px solid var(--sp-line); max-height: 190px; overflow: auto; flex: none; }
  .moves .label { min-height: var(--sp-h-s); }
  .job { display: flex; align-items: center; gap: 10px; min-height: 40px; }
  .job > .i { color: var(--sp-text-3); }
  .job > .i.run { color: var(--sp-accent-text); }
  .job > .i.ok { color: var(--sp-ok); }
  .job > .i.bad { color: var(--sp-danger); }
  .job .line { display: flex; gap: var(--sp-4); align-items: baseline; }
  .job .facts { display: flex; gap: var(--sp-4); font-size: var(--sp-fs-s); color: var(--sp-text-2); white-space: nowrap; }
  .job.ask { margin: 4px -8px; padding: 8px; border-radius: 6px; background: var(--sp-warn-soft); flex-wrap: wrap; }
  .job.ask > .i { color: var(--sp-warn); }
  progress { display: block; width: 100%; height: 4px; margin-top: 4px; border: 0; border-radius: 2px; background: var(--sp-press); overflow: hidden; appearance: none; }
  progress::-webkit-progress-bar { background: var(--sp-press); }
  progress::-webkit-progress-value { background: var(--sp-accent-text); }
  progress::-moz-progress-bar { background: var(--sp-accent-text); }
  .over { position: absolute; inset: 0; z-index: 2; display: grid; place-items: center; gap: var(--sp-2); background: var(--sp-accent-soft); border: 2px dashed var(--sp-accent-line); border-radius: var(--sp-r-l); color: var(--sp-accent-text); font-weight: var(--sp-w-bold); pointer-events: none; }
  @media (max-width: 720px) {
    :host { width: auto; max-height: calc(100vh - 72px); }
    .c-time, .c-mode, .hide { display: none; }
    .head .sub { visibility: hidden; }
    .tools { flex-wrap: wrap; }
    .tools .crumbs { flex: 1 1 60%; justify-content: flex-start; }
    .tools > .grow { display: none; }
    .tools .check { margin-inline-end: auto; }
    .picked:not(.danger) .grow { flex-basis: 100%; height: 0; }
    .job.ask b { flex-basis: 80%; }
    td { height: 44px; }
    .list { max-height: 260px; }
    .job .line { flex-direction: column; gap: 0; }
  }
  @media (pointer: coarse) { .check { min-height: var(--sp-h-touch); } .box { min-width: 24px; } .name { height: 44px; } .form input { height: var(--sp-h-touch); } }
`
