// Lists that follow what happens: the page is asked for again and its rows take the place of those that changed. A
// document that a request parses runs no scripts and needs no trusted HTML.
// @ts-check

const table = /** @type {HTMLTableElement | null} */ (document.querySelector('table[data-refresh]'));
const fresh = document.querySelector('[data-fresh]');
const calm = fresh?.textContent ?? '';
const address = new URL(location.href);
for (const once of ['end', 'note']) address.searchParams.delete(once);

/** @returns {Promise<Document>} */
function load() {
  return new Promise((done, failed) => {
    const x = new XMLHttpRequest();
    x.open('GET', address);
    x.responseType = 'document';
    x.timeout = 10_000;
    x.onload = () => {
      if (new URL(x.responseURL).pathname === '/login') location.reload();
      else if (x.status === 200 && x.response) done(x.response);
      else failed(new Error(String(x.status)));
    };
    x.onerror = x.ontimeout = () => failed(new Error('no answer'));
    x.send();
  });
}

/** @param {Document} next */
function take(next) {
  const body = table?.tBodies[0];
  const rows = next.querySelector('table[data-refresh]')?.querySelectorAll('tbody tr') ?? [];
  if (!table || !body) return;
  const old = new Map([...body.rows].map((r) => [r.dataset.key, r]));
  const links = (/** @type {Element | undefined | null} */ r) => [...(r?.querySelectorAll('a') ?? [])];
  const focused = document.activeElement?.closest('tr');
  const nth = links(focused).indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
  let before = /** @type {Element | null} */ (null);
  for (const row of /** @type {NodeListOf<HTMLTableRowElement>} */ (rows)) {
    const present = old.get(row.dataset.key);
    old.delete(row.dataset.key);
    let keep = present;
    if (!present || present.dataset.seen !== row.innerHTML) {
      const seen = row.innerHTML;
      keep = /** @type {HTMLTableRowElement} */ (document.adoptNode(row));
      keep.dataset.seen = seen;
      if (present) {
        links(present).forEach((a, i) => {
          const b = links(keep)[i];
          if (b) b.tabIndex = a.tabIndex;
        });
        present.replaceWith(keep);
      } else for (const a of links(keep)) a.tabIndex = -1;
    }
    const place = before ? before.nextElementSibling : body.firstElementChild;
    if (keep && place !== keep) body.insertBefore(keep, place);
    before = keep ?? before;
    if (present === focused && keep !== present) links(keep)[nth]?.focus({ preventScroll: true });
  }
  for (const gone of old.values()) gone.remove();
  table.hidden = body.rows.length === 0;
  const none = /** @type {HTMLElement | null} */ (document.querySelector('[data-refresh-none]'));
  if (none) none.hidden = !table.hidden;
  for (const e of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-refresh-text]'))) {
    const now = /** @type {HTMLElement | null} */ (next.querySelector(`[data-refresh-text="${e.dataset.refreshText}"]`));
    if (!now) continue;
    if (e.textContent !== now.textContent) e.textContent = now.textContent;
    e.hidden = now.hidden;
  }
  table.dispatchEvent(new Event('sp-rows', { bubbles: true }));
}

let timer = 0;
async function turn() {
  clearTimeout(timer);
  if (!document.hidden) {
    try {
      take(await load());
      if (fresh) fresh.textContent = calm;
    } catch {
      if (fresh) fresh.textContent = 'Not up to date: the portal does not answer';
    }
  }
  timer = setTimeout(turn, Number(table?.dataset.refresh) * 1000);
}
if (table) {
  timer = setTimeout(turn, Number(table.dataset.refresh) * 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void turn();
  });
}
