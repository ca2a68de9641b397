// The containers' tree by keyboard, as the ARIA practices describe it. Without it every container is still a link.
// @ts-check

const tree = document.querySelector('[data-tree]');

/** @returns {HTMLAnchorElement[]} */
const items = () => /** @type {HTMLAnchorElement[]} */ ([...(tree?.querySelectorAll('a') ?? [])].filter((a) => !a.closest('ul[hidden]')));

/** @param {Element} item */
const groupOf = (item) => /** @type {HTMLElement | null} */ (item.parentElement?.querySelector(':scope > ul') ?? null);

/** @param {Element} item @param {boolean} open */
function expand(item, open) {
  const group = groupOf(item);
  if (!group) return;
  group.hidden = !open;
  item.setAttribute('aria-expanded', String(open));
  if (!open && !items().some((a) => a.tabIndex === 0)) /** @type {HTMLElement} */ (item).tabIndex = 0;
}

/** @param {HTMLElement | undefined | null} item */
function go(item) {
  if (!item) return;
  for (const a of tree?.querySelectorAll('a') ?? []) a.tabIndex = a === item ? 0 : -1;
  item.focus();
}

let typed = '';
let timer = 0;
/** @param {HTMLAnchorElement[]} list @param {number} at @param {string} key */
function jump(list, at, key) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    typed = '';
  }, 700);
  typed += key.toLocaleLowerCase();
  // One letter again and again goes from one to the next; a word looks from here on.
  const same = [...typed].every((c) => c === typed[0]);
  const want = same ? typed[0] : typed;
  const from = same ? at + 1 : at;
  const order = [...list.slice(from), ...list.slice(0, from)];
  go(order.find((a) => a.querySelector('.cut')?.textContent?.toLocaleLowerCase().startsWith(want)));
}

tree?.addEventListener('keydown', (event) => {
  const e = /** @type {KeyboardEvent} */ (event);
  if (e.altKey || e.ctrlKey || e.metaKey) return;
  const list = items();
  const item = /** @type {HTMLAnchorElement} */ (/** @type {Element} */ (e.target).closest('a'));
  const at = list.indexOf(item);
  if (at < 0) return;
  const open = item.getAttribute('aria-expanded');
  if (e.key.length > 1) typed = '';
  switch (e.key) {
    case 'ArrowDown': go(list[at + 1]); break;
    case 'ArrowUp': go(list[at - 1]); break;
    case 'Home': go(list[0]); break;
    case 'End': go(list.at(-1)); break;
    case 'ArrowRight':
      if (open === 'false') expand(item, true);
      else if (open === 'true') go(groupOf(item)?.querySelector('a'));
      break;
    case 'ArrowLeft':
      if (open === 'true') expand(item, false);
      else go(/** @type {HTMLElement | null} */ (item.closest('ul[role="group"]')?.parentElement?.querySelector('a') ?? null));
      break;
    case '*':
      for (const sibling of item.closest('ul')?.querySelectorAll(':scope > li > a') ?? []) expand(sibling, true);
      break;
    case ' ': item.click(); break;
    default:
      if (e.key.length !== 1 || e.key === '/') return;
      jump(list, at, e.key);
  }
  e.preventDefault();
  e.stopPropagation();
});

tree?.addEventListener('click', (e) => {
  const twist = /** @type {Element} */ (e.target).closest('[data-twist]');
  const item = twist?.closest('a');
  if (!item) return;
  e.preventDefault();
  expand(item, item.getAttribute('aria-expanded') !== 'true');
});

tree?.querySelector('a.on')?.scrollIntoView({ block: 'nearest' });
