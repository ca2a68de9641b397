import { html, nothing, type TemplateResult } from 'lit'
import { live } from 'lit/directives/live.js'
import { fixed, type Param } from '../core/launch.js'
import { choiceLabel, locale, paramLabel, paramPlaceholder, t } from '../i18n/index.js'
import { icon } from './icons.js'

/** The parameters as they stand in the launcher. */
export interface ParamForm {
  params: Param[]
  values: Readonly<Record<string, string>>
  /** What is wrong, in words, by name. */
  faults: Readonly<Record<string, string>>
  set(name: string, value: string): void
}

/** What is no question of yes or no: a field each, in two columns. One that is left over takes both. */
export function paramFields(form: ParamForm): TemplateResult[] {
  const params = form.params.filter((p) => p.kind !== 'bool')
  return params.map((p, i) => field(form, p, i === params.length - 1 && i % 2 === 0))
}

function field(form: ParamForm, p: Param, wide: boolean): TemplateResult {
  const id = `p-${p.name}`
  const fault = form.faults[p.name]
  const value = shown(form, p)
  const set = (e: Event): void => form.set(p.name, (e.target as HTMLInputElement | HTMLSelectElement).value)
  const hint = `${id}-hint`
  const described = fault || fixed(p) ? hint : nothing
  const input =
    p.kind === 'choice'
      ? html`<select id=${id} ?disabled=${fixed(p)} aria-invalid=${fault ? 'true' : 'false'} aria-describedby=${described} @change=${set}>
          ${p.choices.map((c) => html`<option value=${c.value} ?selected=${c.value === value}>${choiceLabel(p.name, c.value, c.label)}</option>`)}
        </select>`
      : html`<input id=${id} type="text" inputmode=${p.kind === 'int' ? 'numeric' : nothing} dir="auto" spellcheck="false" placeholder=${paramPlaceholder(p.name) || nothing} ?disabled=${fixed(p)}
          aria-invalid=${fault ? 'true' : 'false'} aria-describedby=${described} .value=${live(value)} @input=${set} />`
  return html`<div class=${wide ? 'span2' : nothing}>
    <label class="label" for=${id}>${paramLabel(p.name, p.label)}</label>
    <span class="field">${input}${fixed(p) ? icon('lock') : p.kind === 'choice' ? icon('down') : nothing}</span>
    ${fault ? html`<p class="hint bad" id=${hint} role="alert">${fault}</p>` : fixed(p) ? html`<p class="hint" id=${hint}>${why(p)}</p>` : nothing}
  </div>`
}

/** The questions of yes or no: a row of boxes to check, and below it what holds some of them. */
export function paramChecks(form: ParamForm): TemplateResult | typeof nothing {
  const params = form.params.filter((p) => p.kind === 'bool')
  if (params.length === 0) return nothing
  return html`<fieldset class="checks">
    <legend class="vh">${t('options')}</legend>
    <div class="row">${params.map((p) => box(form, p))}</div>
    ${params.map((p) => {
      const fault = form.faults[p.name]
      return fault
        ? html`<p class="hint bad" id=${`p-${p.name}-hint`} role="alert"><b>${paramLabel(p.name, p.label)}</b> ${fault}</p>`
        : nothing
    })}
    ${held(params.filter((p) => p.pinned))} ${held(params.filter((p) => p.denied))}
  </fieldset>`
}

function box(form: ParamForm, p: Param): TemplateResult {
  const fault = form.faults[p.name]
  return html`<label class="check ${fixed(p) ? 'fixed' : ''}" title=${fixed(p) ? why(p) : nothing}>
    <input id=${`p-${p.name}`} type="checkbox" .checked=${live(shown(form, p) === 'true')} ?disabled=${fixed(p)} aria-invalid=${fault ? 'true' : 'false'}
      aria-describedby=${fault ? `p-${p.name}-hint` : fixed(p) ? heldBy(p) : nothing}
      @change=${(e: Event) => form.set(p.name, String((e.target as HTMLInputElement).checked))} />
    ${paramLabel(p.name, p.label)}${fixed(p) ? icon('lock', 'i i-s') : nothing}
  </label>`
}

// One line for all boxes of one reason: which, and why.
function held(params: Param[]): TemplateResult | typeof nothing {
  const first = params[0]
  if (!first) return nothing
  const names = new Intl.ListFormat(locale(), { type: 'unit' }).format(params.map((p) => paramLabel(p.name, p.label)))
  return html`<p class="hint"><b>${names}</b> <span id=${heldBy(first)}>${why(first)}</span></p>`
}

function heldBy(p: Param): string {
  return p.pinned ? 'checks-pinned' : 'checks-denied'
}

function why(p: Param): string {
  return p.pinned ? t('pinned') : t('param_denied')
}

// What does nothing is shown as off, or empty, whatever its default.
function shown(form: ParamForm, p: Param): string {
  if (p.pinned) return p.value
  if (p.denied) return p.kind === 'bool' ? 'false' : p.kind === 'text' ? '' : p.default
  return form.values[p.name] ?? ''
}
