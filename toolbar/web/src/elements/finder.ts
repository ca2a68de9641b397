import { html, nothing } from 'lit'
import type { LinkTarget } from '../term/link.js'
import type { TextScreen } from '../term/screen.js'
import type { SpFind } from './sp-find.js'
import type { SpLinks } from './sp-links.js'

/** What the finder needs of the element around it. */
export interface FinderHost {
  text(): TextScreen | undefined
  /** Draws anew; resolved when it is done. */
  draw(): Promise<unknown>
  part<E extends Element>(selector: string): E | null
  /** The terminal has the focus again. */
  refocus(): void
  /** The user has taken a link's address out of the session. */
  copied(address: string): void
}

/** Finder is the panels over a terminal with which its text is searched and its links are followed. */
export class Finder {
  readonly #host: FinderHost
  #finding = false
  #missing = false
  #links: { targets: LinkTarget[]; at: { x: number; y: number } | undefined } | undefined

  constructor(host: FinderHost) {
    this.#host = host
  }

  async find(): Promise<void> {
    this.#finding = true
    this.#missing = false
    await this.#host.draw()
    this.#host.part<SpFind>('sp-find')?.focus()
  }

  /** at: where a link was clicked, in pixels of the element. */
  async links(targets: LinkTarget[], at: { x: number; y: number } | undefined): Promise<void> {
    this.#links = { targets, at }
    await this.#host.draw()
    const panel = this.#host.part<SpLinks>('sp-links')
    await panel?.updateComplete
    panel?.focus()
  }

  /** Another session is to be shown. */
  forget(): void {
    this.#finding = false
    this.#links = undefined
  }

  render() {
    return html`${
      this.#finding
        ? html`<sp-find ?missing=${this.#missing} @sp-find=${(e: CustomEvent) => this.#look(e.detail)}
            @sp-panel-close=${() => this.#endFind()}></sp-find>`
        : nothing
    }${
      this.#links
        ? html`<sp-links .targets=${this.#links.targets} .at=${this.#links.at}
            @sp-link-open=${(e: CustomEvent<string>) => this.#host.copied(e.detail)} @sp-panel-close=${() => this.#endLinks()}></sp-links>`
        : nothing
    }`
  }

  #look({ text, direction }: { text: string; direction: 'next' | 'previous' }): void {
    this.#missing = !(this.#host.text()?.find(text, direction) ?? true)
    void this.#host.draw()
  }

  #endFind(): void {
    this.#finding = false
    this.#host.text()?.find('', 'next')
    void this.#host.draw()
    this.#host.refocus()
  }

  #endLinks(): void {
    this.#links = undefined
    void this.#host.draw()
    this.#host.refocus()
  }
}
