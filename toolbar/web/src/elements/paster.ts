import { examine, mustAsk } from '../core/paste.js'
import type { PasteResult, Session } from '../core/session.js'
import { t } from '../i18n/index.js'

/** What pasting needs of the element around it. */
export interface PasteHost {
  session(): Session | undefined
  /** Whether the program on a terminal wants to be told what is pasted. */
  bracketed(): boolean
  /** Shows the text and asks; undefined: the user does not want it. */
  ask(text: string, bracketed: boolean): Promise<string | undefined>
  warn(text: string): void
}

/** Paster sends what the user pastes, and asks first where it could do what they do not see (I6). */
export class Paster {
  readonly #host: PasteHost

  constructor(host: PasteHost) {
    this.#host = host
  }

  /** read: the user has the text before their eyes, and has said so; what cannot be seen is asked for all the same. */
  async paste(text: string, read: boolean): Promise<void> {
    const host = this.#host
    const session = host.session()
    const possible = session?.canPaste(text) ?? 'not_live'
    if (!session || possible !== 'sent') return this.#say(possible)
    const seen = examine(text)
    if (read ? seen.hidden === 0 : !mustAsk(seen)) return this.#say(session.paste(text, host.bracketed()))
    const answer = await host.ask(text, host.bracketed())
    if (answer !== undefined && session === host.session()) this.#say(session.paste(answer, host.bracketed()))
  }

  #say(result: PasteResult): void {
    switch (result) {
      case 'sent':
      case 'empty':
        return
      case 'denied':
        return this.#host.warn(t('paste_denied'))
      case 'too_large':
        return this.#host.warn(t('paste_too_large'))
      case 'not_live':
        return this.#host.warn(t('paste_not_live'))
      default:
        result satisfies never
    }
  }
}
