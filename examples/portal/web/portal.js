// What every page has: times in the browser's zone, the theme switch without a reload, dialogs that keep the focus.
// Every page works without any of the scripts.
// @ts-check

/** @param {ParentNode} root */
function localTimes(root) {
  for (const time of root.querySelectorAll('time')) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
    if ('local' in time.dataset) {
      const clock = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
      time.textContent = time.dataset.local === 'time' ? clock : `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${clock}`;
    }
  }
}
localTimes(document);
document.addEventListener('sp-rows', (e) => localTimes(/** @type {Element} */ (e.target)));

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll('form.theme'))) {
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    const theme = /** @type {HTMLButtonElement | null} */ (e.submitter)?.value;
    if (!theme) return;
    document.documentElement.dataset.theme = theme;
    /** @type {HTMLElement | null} */ (form.querySelector(theme === 'dark' ? '.to-light' : '.to-dark'))?.focus();
    // Kept though the page is left at once.
    await fetch(form.action, { method: 'POST', body: new URLSearchParams({ theme }), redirect: 'manual', keepalive: true });
  });
}

// The server opens a dialog by its address; here it becomes modal, and leaving it leads to the address behind it.
for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll('dialog[data-modal]'))) {
  dialog.close();
  dialog.showModal();
  const opener = location.href;
  const behind = dialog.dataset.modal ?? '/';
  // The page behind is there already: the focus goes back to what led here, and nothing is loaded anew.
  const leave = (/** @type {Event} */ e) => {
    e.preventDefault();
    dialog.remove();
    history.replaceState(null, '', behind);
    [...document.links].find((a) => a.href === opener)?.focus();
  };
  dialog.addEventListener('cancel', leave);
  for (const a of dialog.querySelectorAll('a')) {
    if (a.getAttribute('href') === behind) a.addEventListener('click', leave);
  }
}
