import { type CSSResultGroup, LitElement } from 'lit'
import { onLocale } from '../i18n/index.js'
import { base } from './base.styles.js'
import { installTokens } from './tokens.js'

/** What all elements have in common: the design's values, the language, and listeners that go with the element. */
export abstract class SpElement extends LitElement {
  static override styles: CSSResultGroup = [base]

  /** Aborted when the element leaves the document; made anew when it comes back. */
  protected live = new AbortController()

  override connectedCallback(): void {
    super.connectedCallback()
    installTokens()
    this.live = new AbortController()
    const off = onLocale(() => this.requestUpdate())
    this.live.signal.addEventListener('abort', off)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.live.abort()
  }

  /** The element of the shadow tree that matches. */
  protected part$<E extends Element = HTMLElement>(selector: string): E | null {
    return this.renderRoot.querySelector<E>(selector)
  }
}

/** Defines an element, unless the page has it already: two bundles on one page are no reason to fail. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element)
}
