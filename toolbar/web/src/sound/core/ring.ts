/**
 * Ring holds the sound that is to be heard next. It drops rather than lags: what does not fit pushes out what has waited longest, so much of
 * it that the rest is again as short as it should be. After a silence it waits until there is enough to go on with.
 */
export class Ring {
  readonly #left: Float32Array
  readonly #right: Float32Array
  readonly #start: number
  readonly #keep: number
  #read = 0
  #filled = 0
  #playing = false
  #waited = 0
  /** Samples that were pushed out, and silences between what was heard. */
  dropped = 0
  gaps = 0

  /** room: the most that waits; start: so much before anything is heard; keep: what stays when some is dropped; all in samples. */
  constructor(room: number, start: number, keep: number) {
    this.#left = new Float32Array(room)
    this.#right = new Float32Array(room)
    this.#start = start
    this.#keep = keep
  }

  /** Samples that wait. */
  get filled(): number {
    return this.#filled
  }

  /** Takes samples that follow. */
  push(left: Float32Array, right: Float32Array): void {
    const room = this.#left.length
    const skip = Math.max(0, left.length - room)
    const n = left.length - skip
    this.dropped += skip
    if (this.#filled + n > room) {
      const stays = Math.max(0, this.#keep - n)
      this.dropped += this.#filled - stays
      this.#read = (this.#read + this.#filled - stays) % room
      this.#filled = stays
    }
    for (let i = 0; i < n; i++) {
      const at = (this.#read + this.#filled + i) % room
      this.#left[at] = left[skip + i] ?? 0
      this.#right[at] = right[skip + i] ?? 0
    }
    this.#filled += n
  }

  /** Fills what is to be heard now: with silence where there is nothing. It returns how many samples there were. */
  pull(left: Float32Array, right: Float32Array): number {
    const room = this.#left.length
    const wants = left.length
    if (!this.#playing) {
      // The end of a sound may be less than what it takes to begin: it is heard all the same, a little later.
      this.#waited = this.#filled > 0 ? this.#waited + wants : 0
      this.#playing = this.#filled >= this.#start || this.#waited > this.#start
    }
    const n = this.#playing ? Math.min(wants, this.#filled) : 0
    for (let i = 0; i < n; i++) {
      const at = (this.#read + i) % room
      left[i] = this.#left[at] ?? 0
      right[i] = this.#right[at] ?? 0
    }
    left.fill(0, n)
    right.fill(0, n)
    this.#read = (this.#read + n) % room
    this.#filled -= n
    if (this.#playing && n < wants) {
      this.#playing = false
      this.#waited = 0
      this.gaps++
    }
    return n
  }

  /** Forgets what waits. */
  clear(): void {
    this.#filled = 0
    this.#playing = false
    this.#waited = 0
  }
}
