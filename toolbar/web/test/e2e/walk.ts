import type { Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { expect } from './fixtures.js'

/** What the page tells about one stop of the walk. */
interface Stop {
  /** The element: a number of its own, and a name to read. Number 0: nothing has the focus. */
  id: number
  name: string
  /** What takes every key. */
  terminal: boolean
  /** Something else lies over the middle of it. */
  covered: boolean
}

interface Walker {
  /** Every element that Tab should reach, as `id name`. */
  wanted(): [number, string][]
  here(): Stop
  focus(id: number): void
  /** How an element and those around it look. */
  look(id: number): string
}

/** What takes every key, Tab too: the field behind a terminal or a desktop. */
export const typing = '.xterm-helper-textarea, .desk textarea'

/** Runs in the page: finds what can have the focus, through every shadow tree. */
function install(typing: string): void {
  const ids = new Map<Element, number>()
  const of: Element[] = []
  const idOf = (e: Element): number => {
    let id = ids.get(e)
    if (!id) {
      id = of.push(e)
      ids.set(e, id)
    }
    return id
  }
  const up = (e: Element): Element | null =>
    e.assignedSlot ??
    e.parentElement ??
    (e.getRootNode() instanceof ShadowRoot ? (e.getRootNode() as ShadowRoot).host : null)
  const inside = (e: Element | null, of: Element): boolean => {
    for (let at = e; at; at = up(at)) if (at === of) return true
    return false
  }
  const nameOf = (e: Element): string =>
    `<${e.localName}> ${(e.getAttribute('aria-label') ?? e.getAttribute('title') ?? e.id) || (e.textContent ?? '').trim().slice(0, 40)}`
  const all = (root: ParentNode): Element[] =>
    [...root.querySelectorAll('*')].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])])
  const modal = (): Element | undefined =>
    all(document).findLast((e) => e instanceof HTMLDialogElement && e.open && e.matches(':modal'))
  const usable = (e: Element): boolean => {
    if (!(e instanceof HTMLElement) || e.tabIndex < 0 || e.matches(':disabled')) return false
    if (!e.matches('a[href], button, input, select, textarea, summary, [tabindex]')) return false
    if (!e.checkVisibility({ visibilityProperty: true }) || e.getBoundingClientRect().width === 0) return false
    for (let at: Element | null = e; at; at = up(at)) if (at.hasAttribute('inert')) return false
    const top = modal()
    if (top && !inside(e, top)) return false
    // Of a group of radio buttons Tab reaches the chosen one.
    if (e instanceof HTMLInputElement && e.type === 'radio' && !e.checked) return false
    return !e.matches(typing)
  }
  const deepest = (): Element => {
    let e = document.activeElement ?? document.body
    while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement
    return e
  }
  const covered = (e: Element): boolean => {
    const box = e.getBoundingClientRect()
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
    let over: Element | null = document.elementFromPoint(x, y)
    while (over?.shadowRoot) {
      const deeper: Element | null = over.shadowRoot.elementFromPoint(x, y)
      if (!deeper || deeper === over) break
      over = deeper
    }
    // What lies over it belongs to it, as an icon or the box of a hidden radio button does.
    return !over || !(inside(over, e) || inside(e, over) || inside(over, e.closest('label') ?? e))
  }
  const walker: Walker = {
    wanted: () =>
      all(document)
        .filter(usable)
        .map((e) => [idOf(e), nameOf(e)]),
    here: () => {
      const e = deepest()
      const none = e === document.body || e === document.documentElement
      return {
        id: none ? 0 : idOf(e),
        name: nameOf(e),
        terminal: e.matches(typing),
        covered: !none && covered(e),
      }
    },
    focus: (id) => (of[id - 1] as HTMLElement | undefined)?.focus(),
    look: (id) => {
      const looks: string[] = []
      let at: Element | null = of[id - 1] ?? null
      for (let i = 0; at && i < 4; i++, at = up(at)) {
        const s = getComputedStyle(at)
        const outline = s.outlineStyle === 'none' ? 'none' : `${s.outlineStyle} ${s.outlineWidth} ${s.outlineColor}`
        looks.push([outline, s.boxShadow, s.borderColor, s.backgroundColor, s.textDecorationLine].join('|'))
      }
      return looks.join('\n')
    },
  }
  Object.assign(window, { walker })
}

const ask = <T>(page: Page, what: (w: Walker) => T): Promise<T> =>
  page.evaluate(`(${what.toString()})(window.walker)`) as Promise<T>

/**
 * Walks over the page with Tab from where the focus is, once around or up to the terminal, and expects that it reaches
 * everything that can be used, that each stop looks different while it has the focus, and that nothing lies over it.
 */
export async function expectWalkable(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' }) // a colour that is on its way tells nothing
  await page.evaluate(install, typing)
  const wanted = new Map(await ask(page, (w) => w.wanted()))
  const faults: string[] = []
  const reached = new Set<number>()
  const start = (await ask(page, (w) => w.here())).id
  let around = false
  for (const key of ['Tab', 'Shift+Tab']) {
    let blank = 0
    let first = 0
    let last = 0
    if (start && key !== 'Tab') await page.evaluate(`window.walker.focus(${start})`)
    for (let presses = 0; presses <= wanted.size + 40; presses++) {
      const at = await ask(page, (w) => w.here())
      if (at.terminal) break
      around = blank > 1 || (first !== 0 && at.id === first && last !== first)
      if (around) break
      if (at.id === 0) blank++
      else first ||= at.id
      const news = wanted.has(at.id) && !reached.has(at.id)
      if (news && at.covered) faults.push(`covered: ${at.name}`)
      const focused = news ? await page.evaluate(`window.walker.look(${at.id})`) : ''
      await page.keyboard.press(key)
      last = at.id
      // A field for a date keeps the focus while Tab goes through its parts.
      if (!news || (await ask(page, (w) => w.here())).id === at.id) continue
      reached.add(at.id)
      const after = await page.evaluate(`window.walker.look(${at.id})`)
      if (after === focused && wanted.size > 1) faults.push(`focus is not visible: ${at.name}`)
    }
    if (around) break // else the terminal stood in the way, and the other way leads to the rest
  }
  for (const [id, name] of wanted) if (!reached.has(id)) faults.push(`not reached: ${name}`)
  await page.emulateMedia({ reducedMotion: null })
  expect(faults, page.url()).toEqual([])
}

/** Expects that a page is walked with Tab, and that axe finds nothing. */
export async function expectBoth(page: Page): Promise<void> {
  await expectWalkable(page)
  await expectAccessible(page)
}
