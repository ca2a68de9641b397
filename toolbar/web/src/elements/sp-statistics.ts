import { css, html, nothing } from 'lit'
import { numbers, t } from '../i18n/index.js'
import { SpElement } from './base.js'
import { icon } from './icons.js'
import type { Reading } from './statistics.js'

/** Codecs as people know them. */
const NAMES: Readonly<Record<string, string>> = {
  raw15: 'Raw',
  raw16: 'Raw',
  raw24: 'Raw',
  raw32: 'Raw',
  rle15: 'RLE',
  rle16: 'RLE',
  rle24: 'RLE',
  planar: 'Planar',
  surface16: 'Raw',
  surface24: 'Raw',
  surface32: 'Raw',
  nscodec: 'NSCodec',
  remotefx: 'RemoteFX',
}

/** The curve, in units of its own. */
const WIDTH = 120
const HEIGHT = 24

/**
 * What a session does at present, in the corner. It takes no focus by itself, lets the pointer through to what is below, and is announced to
 * nobody: who wants its figures goes there.
 *
 * @fires sp-panel-close - the user hides it
 */
export class SpStatistics extends SpElement {
  static override styles = [
    SpElement.styles,
    css`
      :host { position: absolute; z-index: 30; inset-inline-start: 16px; bottom: 56px; width: 264px; max-width: calc(100% - 32px); padding: 6px 14px 12px; border: 1px solid var(--sp-line-strong); border-radius: var(--sp-r-l); background: var(--sp-glass); backdrop-filter: var(--sp-blur); box-shadow: var(--sp-e2); pointer-events: none; }
      .head { display: flex; align-items: center; gap: 6px; margin-inline-end: -8px; }
      h2 { font-size: inherit; font-weight: var(--sp-w-bold); }
      .head .i { color: var(--sp-text-2); }
      .head .btn { pointer-events: auto; }
      .spark { display: block; width: 100%; height: 28px; margin-bottom: 8px; border-bottom: 1px solid var(--sp-line); color: var(--sp-accent-text); }
      dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; margin: 0; font-size: var(--sp-fs-s); }
      dt { color: var(--sp-text-2); }
      dd { margin: 0; text-align: end; font-variant-numeric: tabular-nums; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
      @media (max-width: 720px) { :host { inset-inline: 8px auto; bottom: 8px; } }
    `,
  ]
  static override properties = { reading: { attribute: false } }
  declare reading: Reading | undefined

  constructor() {
    super()
    this.reading = undefined
  }

  protected override firstUpdated(): void {
    this.setAttribute('role', 'group')
    this.setAttribute('aria-label', t('statistics'))
  }

  override render() {
    const r = this.reading
    const p = r?.picture
    return html`<div class="head">
        ${icon('gauge')}
        <h2 class="grow">${t('statistics')}</h2>
        <button class="btn ghost icon small" aria-label=${t('statistics_hide')} title=${t('statistics_hide')}
          @mousedown=${(e: Event) => e.preventDefault()}
          @click=${() => this.dispatchEvent(new CustomEvent('sp-panel-close'))}>${icon('x')}</button>
      </div>
      ${curve(r?.trips ?? [])}
      <dl>
        ${row('round_trip', t('stats_round_trip'), ms(r?.roundTrip))}
        ${
          p
            ? html`${row('input', t('stats_input'), ms(r?.inputToPicture))}
              ${row('frames', t('stats_frames'), t('stats_frames_value', { n: numbers(p.frames, 0), dropped: numbers(p.dropped, 0) }))}
              ${row('decode', t('stats_decode'), p.decodeMs === undefined ? '–' : t('stats_decode_value', { n: ms(p.decodeMs) }))}
              ${row('codec', t('stats_codec'), codecs(r))}`
            : nothing
        }
        ${row('received', t('stats_received'), r ? bits(r.received * 8) : '–')}
        ${row('size', p ? t('stats_picture') : t('stats_terminal'), size(r))}
        ${r?.gateway ? row('gateway', t('stats_gateway'), r.gateway) : nothing}
      </dl>`
  }
}

const row = (id: string, label: string, value: string) =>
  html`<dt>${label}</dt><dd data-id=${id} title=${value}>${value}</dd>`

const ms = (n: number | undefined): string => (n === undefined ? '–' : `${numbers(n, n < 1 ? 2 : n < 10 ? 1 : 0)} ms`)

const codecs = (r: Reading | undefined): string => [...new Set(r?.codecs.map((c) => NAMES[c] ?? c))].join(', ') || '–'

function bits(n: number): string {
  if (n >= 1e6) return `${numbers(n / 1e6, 1)} Mbit/s`
  return `${numbers(n / 1e3, n < 1e4 ? 1 : 0)} kbit/s`
}

function size(r: Reading | undefined): string {
  if (!r) return '–'
  const { width, height, percent } = r.size
  return percent === undefined
    ? `${width} × ${height}`
    : t('stats_picture_value', { size: `${width} × ${height}`, n: numbers(percent, 0) })
}

// The last round trips, the highest of them at the top.
function curve(trips: readonly number[]) {
  const top = Math.max(1, ...trips)
  const step = WIDTH / 59
  const from = WIDTH - step * (trips.length - 1)
  const points = trips.map(
    (v, i) => `${(from + i * step).toFixed(1)},${(HEIGHT - 2 - (v / top) * (HEIGHT - 6)).toFixed(1)}`,
  )
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    <polyline points=${points.join(' ')} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"></polyline>
  </svg>`
}
