// The AudioWorklet that plays a session's sound. It has no more to do with the page than what is posted to it.
import { Mixer } from './core/mixer.js'
import { type FromWorklet, PROCESSOR, type ToWorklet } from './messages.js'

/** What of a worklet's global scope is used here: the page's types are another world. */
declare const sampleRate: number
declare function registerProcessor(name: string, processor: new () => Processor): void
declare class AudioWorkletProcessor {
  readonly port: { postMessage(message: FromWorklet): void; onmessage: ((event: { data: ToWorklet }) => void) | null }
}

/** How often it tells what it has done, in samples. */
const TOLD = Math.round(sampleRate / 2)

class Processor extends AudioWorkletProcessor {
  readonly #mixer = new Mixer(sampleRate)
  #since = 0

  constructor() {
    super()
    this.port.onmessage = ({ data }) => {
      switch (data.type) {
        case 'payload':
          return this.#mixer.push(data.payload)
        case 'clear':
          return this.#mixer.clear()
        default:
          data satisfies never
      }
    }
  }

  process(_: unknown, outputs: Float32Array[][]): boolean {
    const [left, right] = outputs[0] ?? []
    if (left && right) this.#mixer.pull(left, right)
    this.#since += left?.length ?? 0
    if (this.#since >= TOLD) {
      this.#since = 0
      this.port.postMessage(this.#mixer.stats())
    }
    return true
  }
}

registerProcessor(PROCESSOR, Processor)
