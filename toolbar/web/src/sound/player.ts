import { worklet } from 'built:sound'
import type { SoundStats } from './core/mixer.js'
import { type FromWorklet, PROCESSOR, type ToWorklet } from './messages.js'

/** What a player does: it starts, waits for the user because the browser wants that, plays, is muted, or cannot. */
export type SoundState = 'starting' | 'held' | 'playing' | 'muted' | 'failed'

/** How loud, from 0 to 1, and whether at all. */
export interface Loudness {
  volume: number
  muted: boolean
}

/** What the user does that lets a browser sound. */
const GESTURES = ['pointerdown', 'pointerup', 'keydown', 'touchend'] as const

/**
 * Player plays a session's sound through an AudioWorklet. While it is muted its context is suspended, which costs nothing; changed tells
 * when that is so, and when it plays: the gateway need not send what nobody hears.
 */
export class Player {
  state: SoundState = 'starting'
  readonly #changed: () => void
  readonly #stop = new AbortController()
  #loudness: Loudness
  #context: AudioContext | undefined
  #node: AudioWorkletNode | undefined
  #gain: GainNode | undefined
  #stats: SoundStats | undefined

  constructor(loudness: Loudness, changed: () => void) {
    this.#loudness = loudness
    this.#changed = changed
    for (const gesture of GESTURES) {
      window.addEventListener(gesture, () => this.#wake(), { signal: this.#stop.signal, capture: true, passive: true })
    }
    // A context that is made before the user has done anything is held back, and the browser complains.
    if (navigator.userActivation?.hasBeenActive === false) this.#set(loudness.muted ? 'muted' : 'held')
    else void this.#start()
  }

  /** Plays a payload; dropped unless it can be heard now. */
  play(payload: Uint8Array): void {
    if (this.state !== 'playing') return
    const own = payload.slice() // its buffer is the message's
    this.#node?.port.postMessage({ type: 'payload', payload: own } satisfies ToWorklet, [own.buffer])
  }

  set(loudness: Loudness): void {
    this.#loudness = loudness
    if (this.#gain && this.#context) {
      // Ears hear powers: half way is a quarter. A step would click.
      this.#gain.gain.setTargetAtTime(loudness.volume ** 2, this.#context.currentTime, 0.02)
    }
    this.#wake()
  }

  /** What has become of the sound so far. */
  stats(): SoundStats | undefined {
    return this.#stats
  }

  /** What is heard, for whoever wants to look at it: a node of the player's context. */
  get output(): AudioNode | undefined {
    return this.#gain
  }

  close(): void {
    this.#stop.abort()
    const context = this.#context
    this.#context = undefined
    this.#node = undefined
    void context?.close()
  }

  async #start(): Promise<void> {
    try {
      const context = new AudioContext({ latencyHint: 'interactive' })
      this.#context = context
      await context.audioWorklet.addModule(new URL(worklet, import.meta.url).href)
      if (this.#context !== context) return // closed meanwhile
      const node = new AudioWorkletNode(context, PROCESSOR, { numberOfInputs: 0, outputChannelCount: [2] })
      const gain = new GainNode(context, { gain: this.#loudness.volume ** 2 })
      node.connect(gain).connect(context.destination)
      node.port.onmessage = ({ data }: MessageEvent<FromWorklet>) => {
        this.#stats = data
      }
      node.onprocessorerror = () => this.#fail()
      this.#node = node
      this.#gain = gain
      context.onstatechange = () => this.#look()
      this.#wake()
      this.#look()
    } catch (err) {
      console.error('sallyport: sound:', err)
      this.#fail()
    }
  }

  // Brings the context to what the user wants, as far as the browser lets it.
  #wake(): void {
    if (this.state === 'failed' || this.#stop.signal.aborted) return
    const context = this.#context
    if (!context) {
      if (!this.#loudness.muted && navigator.userActivation?.hasBeenActive !== false) void this.#start()
      else this.#set(this.#loudness.muted ? 'muted' : 'held')
      return
    }
    if (!this.#node) return
    if (this.#loudness.muted) {
      if (context.state === 'running') {
        this.#node.port.postMessage({ type: 'clear' } satisfies ToWorklet)
        void context.suspend()
      }
    } else if (context.state !== 'running' && context.state !== 'closed') context.resume().catch(() => {})
    this.#look()
  }

  #look(): void {
    if (!this.#context || !this.#node || this.state === 'failed') return
    if (this.#loudness.muted) this.#set('muted')
    else this.#set(this.#context.state === 'running' ? 'playing' : 'held')
  }

  #fail(): void {
    if (this.#stop.signal.aborted) return
    this.close()
    this.#set('failed')
  }

  #set(state: SoundState): void {
    if (state === this.state) return
    this.state = state
    this.#changed()
  }
}
