import { html, nothing } from 'lit'
import { tail } from './names.js'

/** A name that gives way in its middle, as far as the width of its flex box asks for it: the end tells machines apart. */
export function cutName(name: string) {
  const end = tail(name)
  return html`<span class="cut">${name.slice(0, name.length - end.length)}</span>${end ? html`<span>${end}</span>` : nothing}`
}
