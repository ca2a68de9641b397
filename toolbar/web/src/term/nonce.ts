// The terminal makes style elements for its scroll bar and, where there is no WebGL, for its rows. A content policy
// lets them in by the page's nonce only, which has to be on an element before it is inserted; the terminal knows no
// nonces. So its elements are made while document.createElement is ours, for the length of one synchronous call.

/** The nonce of the page, from any element that carries one; empty if none does. */
export function pageNonce(): string {
  return document.querySelector<HTMLElement>('script[nonce], style[nonce], link[nonce]')?.nonce ?? ''
}

/** Runs fn; style elements that it makes get the nonce. */
export function withNonce<T>(nonce: string, fn: () => T): T {
  if (!nonce) return fn()
  const make = document.createElement
  const stamped = function (this: Document, name: string, options?: ElementCreationOptions): HTMLElement {
    const element = make.call(this, name, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    return element
  }
  document.createElement = stamped as typeof document.createElement
  try {
    return fn()
  } finally {
    // Our property shadows the prototype's; without it that one shows again.
    if (make === Document.prototype.createElement) Reflect.deleteProperty(document, 'createElement')
    else document.createElement = make
  }
}
