/**
 * PageTitle is the title of a session's page: the asset's name, then what the target says itself, and whether its bell has rung while
 * nobody looked.
 */
export class PageTitle {
  readonly #name: () => string | undefined
  #target = ''
  #rung = false

  /** name is the asset's; undefined: the title of this page is not ours to set. */
  constructor(name: () => string | undefined) {
    this.#name = name
  }

  /** The target names its window. */
  named(title: string): void {
    this.#target = title
    this.show()
  }

  /** The target rings the bell, unseen. */
  rang(): void {
    this.#rung = true
    this.show()
  }

  /** The page is looked at. */
  seen(): void {
    if (!this.#rung) return
    this.#rung = false
    this.show()
  }

  /** Another session is to be shown. */
  forget(): void {
    this.#target = ''
    this.#rung = false
  }

  show(): void {
    const name = this.#name()
    if (name === undefined) return
    const title = this.#target
    document.title = (this.#rung ? '\u25cf ' : '') + (title && name ? `${name}: ${title}` : name || title)
  }
}
