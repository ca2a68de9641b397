import { css, html } from 'lit'
import type { Zoom } from '../desk/viewport.js'
import { choiceLabel, paramLabel, t } from '../i18n/index.js'
import type { Prefs } from '../net/prefs.js'
import { MAX_FONT, MIN_FONT, type SchemeName, schemeColours, schemeNames } from '../term/schemes.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import { panelStyles } from './sp-toolbar.styles.js'

/** How a terminal looks: what the panel shows and changes. */
export interface Look {
  scheme: SchemeName
  fontSize: number
}

/** What the user has changed. */
export type DisplayChange = Partial<Look & { zoom: Zoom } & Prefs>

/**
 * The display panel: colours, size, bell, and how the terminal meets those who do not see it (T8).
 *
 * @fires sp-display - detail: a DisplayChange
 * @fires sp-panel-close - the user closes the panel; detail: whether by a key
 */
export class SpDisplayPanel extends SpElement {
  static override styles = [
    SpElement.styles,
    panelStyles,
    css`
      fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
      legend { padding: 0; margin-bottom: 6px; }
      .schemes { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; }
      .schemes label { position: relative; display: grid; align-content: start; gap: 7px; font-size: var(--sp-fs-xs); line-height: 14px; color: var(--sp-text-2); }
      .schemes input { position: absolute; inset: 0; opacity: 0; margin: 0; }
      .schemes svg { display: block; width: 100%; height: 38px; border-radius: var(--sp-r); box-shadow: 0 0 0 1px var(--sp-line-strong); }
      .schemes input:checked + svg { box-shadow: 0 0 0 1px var(--sp-raised), 0 0 0 3px var(--sp-accent); }
      .schemes input:focus-visible + svg { outline: 2px solid var(--sp-focus); outline-offset: 4px; }
      .schemes input:checked ~ span { color: var(--sp-text); font-weight: var(--sp-w-medium); }
      .size { display: flex; align-items: center; gap: var(--sp-2); }
      .size output { min-width: 48px; text-align: center; }
      .rule { height: 1px; background: var(--sp-line); margin: 4px calc(-1 * var(--sp-4)); }
      :host { max-height: calc(100vh - 80px); overflow: auto; }
    `,
  ]
  static override properties = { look: { attribute: false }, prefs: { attribute: false } }
  declare look: Look
  declare prefs: Prefs

  constructor() {
    super()
    this.look = { scheme: 'auto', fontSize: 14 }
    this.prefs = { bellSound: false, copyOnSelect: false, screenReader: false, statistics: false }
  }

  override focus(): void {
    this.part$<HTMLInputElement>('input:checked')?.focus()
  }

  protected override firstUpdated(): void {
    this.setAttribute('role', 'dialog')
    this.setAttribute('aria-label', t('display'))
  }

  override render() {
    const { scheme, fontSize } = this.look
    return html`<div class="head">
        ${icon('palette')}
        <h2 class="grow">${t('display')}</h2>
        <button class="btn ghost icon small" aria-label=${t('close_panel')} title=${t('close_panel')}
          @click=${(e: MouseEvent) => this.dispatchEvent(new CustomEvent('sp-panel-close', { detail: e.detail === 0 }))}>${icon('x')}</button>
      </div>
      <div class="body">
        <fieldset>
          <legend class="label">${paramLabel('color_scheme', '')}</legend>
          <div class="schemes">
            ${schemeNames.map(
              (name) => html`<label>
                <input type="radio" name="scheme" .checked=${name === scheme} @change=${() => this.#change({ scheme: name })} />
                ${swatch(name)}<span>${choiceLabel('color_scheme', name, name)}</span>
              </label>`,
            )}
          </div>
        </fieldset>
        <div class="size" role="group" aria-label=${paramLabel('font_size', '')}>
          <span class="label grow">${paramLabel('font_size', '')}</span>
          <button class="btn icon small" aria-label=${t('font_smaller')} title=${t('font_smaller')} ?disabled=${fontSize <= MIN_FONT}
            @click=${() => this.#change({ fontSize: fontSize - 1 })}>${icon('minus')}</button>
          <output class="num" aria-live="polite">${fontSize} px</output>
          <button class="btn icon small" aria-label=${t('font_larger')} title=${t('font_larger')} ?disabled=${fontSize >= MAX_FONT}
            @click=${() => this.#change({ fontSize: fontSize + 1 })}>${icon('plus')}</button>
        </div>
        <p class="hint">${t('display_kept')}</p>
        <div class="rule"></div>
        ${this.#check('bellSound', t('bell_sound'))} ${this.#check('copyOnSelect', t('copy_on_select'))}
        ${this.#check('screenReader', t('screen_reader'))}
        <p class="hint">${t('display_keys')}</p>
        <div class="rule"></div>
        ${this.#check('statistics', t('statistics_show'))}
        <p class="hint">${t('statistics_keys')}</p>
      </div>`
  }

  #check(name: keyof Prefs, label: string) {
    return html`<label class="check"><input type="checkbox" .checked=${this.prefs[name]} @change=${(e: Event) => {
      if (e.target instanceof HTMLInputElement) this.#change({ [name]: e.target.checked })
    }} /><span>${label}</span></label>`
  }

  #change(detail: DisplayChange): void {
    this.dispatchEvent(new CustomEvent<DisplayChange>('sp-display', { detail }))
  }
}

const SVG = 'http://www.w3.org/2000/svg'

// A prompt in a scheme's own colours, as a picture: a strict policy permits no style attribute, but any drawing.
function swatch(name: SchemeName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 96 38')
  svg.setAttribute('preserveAspectRatio', 'xMinYMid slice')
  svg.setAttribute('aria-hidden', 'true')
  const rect = (x: number, y: number, w: number, h: number, fill: string | undefined, r = 1.5): void => {
    const e = document.createElementNS(SVG, 'rect')
    for (const [k, v] of Object.entries({ x, y, width: w, height: h, rx: r, fill: fill ?? '' }))
      e.setAttribute(k, String(v))
    svg.append(e)
  }
  const halves =
    name === 'auto' ? [schemeColours('light', false), schemeColours('dark', true)] : [schemeColours(name, true)]
  for (const [i, c] of halves.entries()) {
    const x = (i * 96) / halves.length
    rect(x, 0, 200, 38, c.background, 0)
    rect(x + 8, 9, 14, 3, c.green)
    rect(x + 24, 9, 18, 3, c.foreground)
    if (halves.length === 1) rect(x + 45, 9, 22, 3, c.blue)
    rect(x + 8, 17, 22, 3, c.yellow)
    if (halves.length === 1) rect(x + 33, 17, 12, 3, c.red)
    rect(x + 8, 25, 10, 3, c.magenta)
    rect(x + 21, 25, 12, 3, c.cyan)
    rect(x + 36, 23, 4, 7, c.cursor, 0.5)
  }
  return svg
}
