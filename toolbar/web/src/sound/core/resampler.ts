/** Samples on each side of one that weigh in. */
const REACH = 16
/** Places between two samples for which there are weights. */
const PLACES = 256

/**
 * Resampler brings samples of one channel to another rate, piece after piece without a seam: a sinc in a window of Blackman, from a table.
 * What comes out is late by REACH samples.
 */
export class Resampler {
  readonly #step: number // samples of the source for one that comes out
  readonly #weights: Float32Array | undefined
  #before = new Float32Array(2 * REACH) // the end of what came
  #at = 0 // of the next that comes out, within before and what follows it

  constructor(from: number, to: number) {
    this.#step = from / to
    if (from !== to) this.#weights = table(Math.min(1, to / from))
  }

  /** What the samples become. */
  next(samples: Float32Array): Float32Array {
    const weights = this.#weights
    if (!weights) return samples
    const all = new Float32Array(this.#before.length + samples.length)
    all.set(this.#before)
    all.set(samples, this.#before.length)
    const last = all.length - 2 * REACH // where the last window begins
    const out = new Float32Array(Math.max(0, Math.ceil((last - this.#at) / this.#step)))
    let at = this.#at
    for (let i = 0; i < out.length; i++) {
      const whole = Math.floor(at)
      const row = Math.round((at - whole) * PLACES) * 2 * REACH
      let sum = 0
      for (let k = 0; k < 2 * REACH; k++) sum += (all[whole + k] ?? 0) * (weights[row + k] ?? 0)
      out[i] = sum
      at += this.#step
    }
    this.#at = at - last
    this.#before = all.slice(last)
    return out
  }
}

// Rows of weights, one for each place; cut: the highest frequency that is kept, as a share of the source's.
function table(cut: number): Float32Array {
  const weights = new Float32Array((PLACES + 1) * 2 * REACH)
  for (let place = 0; place <= PLACES; place++) {
    const row = place * 2 * REACH
    let sum = 0
    for (let k = 0; k < 2 * REACH; k++) {
      const x = k - (REACH - 1) - place / PLACES // from the place to the sample
      const window = 0.42 + 0.5 * Math.cos((Math.PI * x) / REACH) + 0.08 * Math.cos((2 * Math.PI * x) / REACH)
      const w = (x === 0 ? cut : Math.sin(Math.PI * cut * x) / (Math.PI * x)) * window
      weights[row + k] = w
      sum += w
    }
    for (let k = 0; k < 2 * REACH; k++) weights[row + k] = (weights[row + k] ?? 0) / sum
  }
  return weights
}
