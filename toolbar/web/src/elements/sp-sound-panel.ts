import { css, html, nothing } from 'lit'
import { t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import type { SoundLook } from './sound-keeper.js'
import { panelStyles } from './sp-toolbar.styles.js'

/** What the user has changed. */
export type SoundChange = Partial<Pick<SoundLook, 'volume' | 'muted'>>

/**
 * The panel of a session's sound: whether it is heard, and how loud.
 *
 * @fires sp-sound - detail: a SoundChange
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpSoundPanel extends SpElement {
  static override styles = [
    SpElement.styles,
    panelStyles,
    css`
      @media (min-width: 721px) { :host { width: 280px; } }
      .volume { display: grid; grid-template-columns: 1fr auto; gap: var(--sp-1) var(--sp-2); align-items: center; }
      .volume input { grid-column: 1 / -1; width: 100%; height: 20px; margin: 0; accent-color: var(--sp-accent); }
      .volume output { font-size: var(--sp-fs-s); color: var(--sp-text-2); }
      @media (pointer: coarse) { .volume input { height: var(--sp-h-touch); } }
    `,
  ]
  static override properties = { look: { attribute: false } }
  declare look: SoundLook

  constructor() {
    super()
    this.look = { volume: 0.8, muted: false, state: 'starting' }
  }

  override focus(): void {
    this.part$<HTMLInputElement>('.check input')?.focus()
  }

  protected override firstUpdated(): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('sound'))
  }

  override render() {
    const { volume, muted, state } = this.look
    const percent = Math.round(volume * 100)
    const hint = state === 'held' ? t('sound_held') : state === 'failed' ? t('sound_failed') : ''
    return html`<div class="head">
        ${icon(muted ? 'mute' : 'sound')}
        <h2 class="grow">${t('sound')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')}
          @click=${(e: MouseEvent) => this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: e.detail === 0 }))}>${icon('x')}</button>
      </div>
      <div class="body">
        <label class="check"><input type="checkbox" .checked=${muted} @change=${(e: Event) => {
          if (e.target instanceof HTMLInputElement) this.#change({ muted: e.target.checked })
        }} /><span>${t('mute')}</span></label>
        <div class="volume"><label class="label" for="volume">${t('volume')}</label><output class="num" for="volume">${percent} %</output>
          <input id="volume" type="range" min="0" max="100" step="5" .value=${String(percent)} @input=${(e: Event) => {
            if (e.target instanceof HTMLInputElement) this.#change({ volume: e.target.valueAsNumber / 100 })
          }} /></div>
        ${hint ? html`<p class="hint" role="status">${hint}</p>` : nothing}
      </div>`
  }

  #change(detail: SoundChange): void {
    this.dispatchEvent(new CustomEvent<SoundChange>('sp-sound', { detail }))
  }
}
