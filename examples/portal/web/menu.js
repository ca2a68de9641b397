// The Actions menu of a row. Without it the button leads to the asset's page, which has the same.
// @ts-check

/** @type {HTMLElement | null} */
let menu = null;
/** @type {HTMLElement | null} */
let opener = null;

for (const a of document.querySelectorAll('a[data-menu]')) {
  a.setAttribute('role', 'button');
  a.setAttribute('aria-haspopup', 'menu');
}

document.addEventListener('click', (e) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (e.target).closest('a[data-menu]'));
  if (button && !e.ctrlKey && !e.metaKey && !e.shiftKey) {
    e.preventDefault();
    if (menu && button === opener) close(true);
    else open(button);
  } else if (menu && !menu.contains(/** @type {Node} */ (e.target))) close(false);
});

document.addEventListener('keydown', (e) => {
  const at = /** @type {Element} */ (e.target);
  const button = at.closest('a[data-menu]') ?? at.closest('tr')?.querySelector('a[data-menu]');
  const asks = e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey) || (e.key === ' ' && at.matches('a[data-menu]'));
  if (!menu && button && asks) {
    e.preventDefault();
    open(/** @type {HTMLElement} */ (button));
  }
});

/** @param {HTMLElement} button */
function open(button) {
  close(false);
  opener = button;
  button.setAttribute('aria-expanded', 'true');
  const asset = button.dataset.menu ?? '';
  const page = /** @type {HTMLAnchorElement} */ (button).href;
  menu = document.createElement('div');
  menu.className = 'menu';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', button.getAttribute('aria-label') ?? 'Actions');
  if ('start' in button.dataset) menu.append(item('enter', 'Access', () => launch(asset)));
  menu.append(
    item('server', 'Open asset', () => location.assign(page)),
    item('terminal', 'My sessions', () => location.assign(`/sessions?asset=${encodeURIComponent(asset)}`)),
    item('link', 'Copy address of this asset', () => void navigator.clipboard?.writeText(page)),
  );
  menu.addEventListener('keydown', keys);
  menu.addEventListener('focusout', (e) => {
    const to = /** @type {Node | null} */ (e.relatedTarget);
    if (to && menu && !menu.contains(to)) close(false);
  });
  (document.querySelector('main') ?? document.body).append(menu);
  const at = button.getBoundingClientRect();
  const up = at.bottom + menu.offsetHeight + 8 > innerHeight;
  menu.style.top = `${up ? Math.max(8, at.top - menu.offsetHeight - 4) : at.bottom + 4}px`;
  menu.style.left = `${Math.max(8, Math.min(at.right, innerWidth - 8) - menu.offsetWidth)}px`;
  focusAt(0);
}

/** @param {boolean} back whether the button gets the focus */
function close(back) {
  const button = opener;
  menu?.remove();
  menu = opener = null;
  button?.removeAttribute('aria-expanded');
  if (back) button?.focus();
}

/** @param {string} icon @param {string} label @param {() => void} act */
function item(icon, label, act) {
  const b = document.createElement('button');
  b.type = 'button';
  b.className = 'item';
  b.tabIndex = -1;
  b.setAttribute('role', 'menuitem');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'i');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${icon}`);
  svg.append(use);
  b.append(svg, label);
  b.addEventListener('click', () => {
    close(true);
    act();
  });
  return b;
}

/** @returns {HTMLElement[]} */
const entries = () => /** @type {HTMLElement[]} */ ([...(menu?.querySelectorAll('.item') ?? [])]);
/** @param {number} n */
const focusAt = (n) => entries().at(n % entries().length)?.focus();

/** @param {KeyboardEvent} e */
function keys(e) {
  const list = entries();
  const at = list.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (e.key === 'ArrowDown') focusAt(at + 1);
  else if (e.key === 'ArrowUp') focusAt(at - 1);
  else if (e.key === 'Home') focusAt(0);
  else if (e.key === 'End') focusAt(-1);
  else if (e.key === 'Escape') close(true);
  else if (e.key === 'Tab') {
    close(true);
    return;
  } else if (e.key.length === 1 && e.key !== ' ') {
    list.find((b) => b.textContent?.toLowerCase().startsWith(e.key.toLowerCase()))?.focus();
  } else return;
  e.preventDefault();
  e.stopPropagation();
}

addEventListener('resize', () => close(false));
document.addEventListener('scroll', () => close(false), true);

/** Opens the launcher of an asset, which asks the gateway anew. @param {string} asset */
async function launch(asset) {
  await customElements.whenDefined('sp-launcher');
  document.querySelector('body > sp-launcher')?.remove();
  const launcher = /** @type {HTMLElement & { open(): Promise<void>, updateComplete: Promise<boolean> }} */ (document.createElement('sp-launcher'));
  launcher.setAttribute('asset', asset);
  document.body.append(launcher);
  await launcher.updateComplete;
  await launcher.open();
}
