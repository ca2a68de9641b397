import { Bell } from '../core/bell.js'
import { windowClock } from '../net/window.js'

/** How long the edge of the terminal lights up, in milliseconds; it stays so, and does not fade, for reduced motion. */
const FLASH = 220
const STILL = 500

let audio: AudioContext | undefined

/** SessionBell shows, and if wanted sounds, the target's bell, at most once a second. */
export class SessionBell {
  readonly #bell = new Bell(windowClock)

  /** Whether the ring is to be noticed. light: what lights up; sound: whether it is heard. */
  ring(light: HTMLElement | null, sound: boolean): boolean {
    if (!this.#bell.ring()) return false
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    light?.animate([{ opacity: 1 }, { opacity: still ? 1 : 0 }], {
      duration: still ? STILL : FLASH,
      easing: 'ease-out',
    })
    if (sound) beep()
    return true
  }
}

// Browsers sound only on pages that the user has used; elsewhere this is silent.
function beep(): void {
  try {
    audio ??= new AudioContext()
    if (audio.state === 'suspended') void audio.resume()
    const [tone, volume] = [audio.createOscillator(), audio.createGain()]
    const now = audio.currentTime
    tone.frequency.value = 660
    volume.gain.setValueAtTime(0.06, now)
    volume.gain.exponentialRampToValueAtTime(0.0001, now + 0.14)
    tone.connect(volume).connect(audio.destination)
    tone.start(now)
    tone.stop(now + 0.15)
  } catch {
    // No sound here: the light has to do.
  }
}
