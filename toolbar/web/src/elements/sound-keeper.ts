import type { State } from '../core/types.js'
import { keepLoudness, readLoudness } from '../net/loudness.js'
import type { SoundStats } from '../sound/core/mixer.js'
import type { Loudness, Player, SoundState } from '../sound/player.js'

/** A session's sound, as the toolbar shows it. */
export interface SoundLook extends Loudness {
  state: SoundState
}

/** What the keeper tells. */
export interface SoundEvents {
  /** Whether the page plays sound has changed. */
  listens(listens: boolean): void
  /** What is shown has changed. */
  changed(): void
  /** Whether the browser holds the sound back until the user does something. */
  held(held: boolean): void
}

/**
 * SoundKeeper plays a session's sound while the session has some: it was asked for at the launch, and the policy permits it to this person
 * now. The player is loaded when it is needed.
 */
export class SoundKeeper {
  readonly #events: SoundEvents
  #loudness: Loudness = readLoudness()
  #player: Player | undefined
  #on = false
  #failed = false

  constructor(events: SoundEvents) {
    this.#events = events
  }

  /** What is shown; undefined: the session has no sound. */
  get look(): SoundLook | undefined {
    if (!this.#on) return undefined
    const state = this.#failed ? 'failed' : (this.#player?.state ?? 'starting')
    return { ...this.#loudness, state }
  }

  /** What has become of the sound so far, and where it can be listened to; for tests. */
  get player(): { stats(): SoundStats | undefined; output: AudioNode | undefined } | undefined {
    return this.#player
  }

  /** The session is live in this state; undefined: it has ended. */
  follow(state: State | undefined): void {
    const on = state !== undefined && state.params.audio === 'true' && 'audio' in state.capabilities
    if (on === this.#on) return
    this.#on = on
    if (on) void this.#open()
    else this.#shut()
  }

  /** Plays a payload of kind audio. */
  play(payload: Uint8Array): void {
    this.#player?.play(payload)
  }

  /** The user has chosen. */
  change(change: Partial<Loudness>): void {
    this.#loudness = { ...this.#loudness, ...change }
    keepLoudness(this.#loudness)
    this.#player?.set(this.#loudness)
    this.#events.changed()
  }

  async #open(): Promise<void> {
    try {
      const { Player } = await import('../sound/player.js')
      if (!this.#on || this.#player) return
      this.#failed = false
      this.#player = new Player(this.#loudness, () => this.#look())
      this.#look()
    } catch {
      this.#failed = true
      this.#events.changed()
    }
  }

  #look(): void {
    const state = this.#player?.state
    this.#events.listens(state === 'playing')
    this.#events.held(state === 'held')
    this.#events.changed()
  }

  #shut(): void {
    this.#player?.close()
    this.#player = undefined
    this.#failed = false
    this.#events.listens(false)
    this.#events.held(false)
    this.#events.changed()
  }
}
