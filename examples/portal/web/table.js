// Lists: the arrows move, / leads to the search, rows are filtered while typing.
// @ts-check

const search = /** @type {HTMLInputElement | null} */ (document.getElementById('search'));
const table = /** @type {HTMLTableElement | null} */ (document.querySelector('table[data-keys]'));
/** @returns {HTMLTableRowElement[]} */
const rows = () => (table ? [...table.tBodies[0].rows] : []);

/** @returns {HTMLTableRowElement[]} */
const shown = () => rows().filter((r) => !r.hidden);
/** @param {HTMLTableRowElement | undefined} row */
const linkOf = (row) => row?.querySelector('a') ?? null;

// One tab stop for the whole table: the arrows move inside it.
/** @param {HTMLTableRowElement | undefined} current */
function rove(current) {
  for (const row of rows()) {
    for (const a of row.querySelectorAll('a')) a.tabIndex = row === current ? 0 : -1;
  }
}
rove(rows()[0]);

table?.addEventListener('focusin', (e) => {
  const row = /** @type {HTMLTableRowElement | null} */ (/** @type {Element} */ (e.target).closest('tbody tr'));
  if (row) rove(row); // the head has stops of its own
});

table?.addEventListener('keydown', (e) => {
  if (e.altKey || e.ctrlKey || e.metaKey) return;
  const list = shown();
  const row = /** @type {Element} */ (e.target).closest('tr');
  const at = row ? list.indexOf(row) : -1;
  const page = 15;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1, PageDown: at + page, PageUp: at - page }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  if (e.key === 'ArrowUp' && at === 0) search?.focus();
  else move(list[Math.max(0, Math.min(list.length - 1, to))]);
});

/** @param {HTMLTableRowElement | undefined} row */
function move(row) {
  linkOf(row)?.focus({ preventScroll: true });
  row?.scrollIntoView({ block: 'nearest' });
}

// The whole row is a target for the pointer; the link in it is what is announced.
table?.addEventListener('click', (e) => {
  const target = /** @type {Element} */ (e.target);
  if (target.closest('a, button') || getSelection()?.type === 'Range') return;
  linkOf(target.closest('tr') ?? undefined)?.click();
});

document.addEventListener('keydown', (e) => {
  if (e.key !== '/' || e.altKey || e.ctrlKey || e.metaKey || !search) return;
  const at = /** @type {Element} */ (e.composedPath()[0]);
  if (at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))) return;
  if (at.closest?.('dialog[open]')) return;
  e.preventDefault();
  search.focus();
  search.select();
});

search?.addEventListener('keydown', (e) => {
  if (e.key === 'ArrowDown') {
    e.preventDefault();
    move(shown()[0]);
  } else if (e.key === 'Escape' && search.value !== '') {
    search.value = '';
    // What the server left out is not in the page: ask it again.
    if (new URLSearchParams(location.search).get('q')) search.form?.requestSubmit();
    else filter();
  }
});

// Rows are filtered while typing where the page holds all of them; Enter asks the server in any case.
const counter = document.querySelector('[data-counter]');
const before = counter?.textContent ?? '';
const none = /** @type {HTMLElement | null} */ (document.querySelector('[data-none]'));
const wrap = /** @type {HTMLElement | null} */ (table?.parentElement ?? null);
function filter() {
  if (!search || !table || !('filter' in table.dataset)) return;
  const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const all = rows();
  let n = 0;
  let folders = 0;
  for (const row of all) {
    row.hidden = !words.every((w) => (row.dataset.text ?? '').includes(w));
    if (!row.hidden) n++;
    if (row.classList.contains('folder')) folders += row.hidden ? 0 : 1;
  }
  if (counter) counter.textContent = n === all.length ? before : `${n - folders} of ${all.filter((r) => !r.classList.contains('folder')).length}`;
  if (none && wrap) {
    none.hidden = n > 0;
    wrap.hidden = n === 0;
  }
  rove(shown()[0]);
}
search?.addEventListener('input', filter);
// Rows that came later are filtered and reached like the others.
table?.addEventListener('sp-rows', () => {
  if (search?.value) filter();
  if (!rows().some((r) => r.querySelector('a[tabindex="0"]'))) rove(shown()[0]);
});
// A reload keeps what was typed.
if (search && search.value !== search.defaultValue) filter();
