import type { Notice, State } from '../core/types.js'
import { t } from '../i18n/index.js'
import type { Copied } from './late-copy.js'
import type { SpToasts, Toast } from './sp-toasts.js'

/** What becomes of a text on its way into the user's clipboard, in words. */
const copies = {
  copied: ['text_copied', 'ok'],
  waits: ['text_waits', 'info'],
  refused: ['copy_failed', 'warn'],
} as const

/** SessionMessages is what a session says at its corner, in the user's language. */
export class SessionMessages {
  readonly #toasts: () => SpToasts | null
  readonly #cursor: () => { x: number; y: number } | undefined

  /** cursor: where a terminal's cursor is, as shares of width and height: no message covers it. */
  constructor(toasts: () => SpToasts | null, cursor: () => { x: number; y: number } | undefined) {
    this.#toasts = toasts
    this.#cursor = cursor
  }

  say(text: string, kind: Toast['kind'] = 'info'): void {
    const toasts = this.#toasts()
    if (!toasts) return
    const cursor = this.#cursor()
    toasts.top = !!cursor && cursor.x > 2 / 3 && cursor.y > 2 / 3
    toasts.show(text, kind)
  }

  /** Says what will end the session before long, once, and takes it back when it is not true any more. */
  ends(before: State | undefined, now: State | undefined): void {
    const ends = now?.ends
    if (!ends) return this.#toasts()?.withdraw('ends')
    if (before?.ends?.code === ends.code) return
    const text = {
      idle: t('ends_idle', { n: ends.after }),
      max_duration: t('ends_max', { n: ends.after }),
      expired: t('ends_expired', { n: ends.after }),
    }[ends.code]
    this.#toasts()?.show(text ?? t('ends_other', { n: ends.after }), 'warn', 'ends')
  }

  /** Warns that the approved time ends in so many minutes (I2), or takes that back. */
  expires(minutes: number | undefined): void {
    if (minutes === undefined) this.#toasts()?.withdraw('expiry')
    else this.#toasts()?.show(t('expiry_warning', { n: minutes }), 'warn', 'expiry')
  }

  /** The browser holds the sound back, or does not any more. */
  soundHeld(held: boolean): void {
    if (held) this.#toasts()?.show(t('sound_held'), 'warn', 'sound')
    else this.#toasts()?.withdraw('sound')
  }

  /** A notice of the gateway. */
  notice(notice: Notice): void {
    switch (notice.code) {
      case 'env_refused':
        return this.say(t('notice_env', { names: notice.text }))
      case 'capability_denied':
        return this.say(t('notice_denied', { what: notice.text }), 'warn')
      default:
        this.say(notice.text || notice.code)
    }
  }

  /** What has become of a text of the session's clipboard. */
  copied(how: Copied): void {
    const [what, kind] = copies[how]
    this.say(t(what), kind)
  }

  /** Copies a text because the user wants it, and says how that went. */
  async copy(text: string, done: string, failed: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      this.say(done, 'ok')
    } catch {
      this.say(failed, 'warn')
    }
  }
}
