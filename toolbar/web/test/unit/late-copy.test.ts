// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { type Copied, LateCopy } from '../../src/elements/late-copy.js'

describe('I7 texts of a session that come while the page has no focus', () => {
  const setUp = () => {
    const w = { may: false, texts: [] as string[], heard: [] as Copied[], end: new AbortController() }
    const writeText = async (text: string): Promise<void> => {
      if (!w.may) throw new DOMException('no focus', 'NotAllowedError')
      w.texts.push(text)
    }
    const late = new LateCopy({ writeText }, w.end.signal, (how) => w.heard.push(how))
    const focus = async (): Promise<void> => {
      window.dispatchEvent(new Event('focus'))
      await new Promise<void>((done) => setTimeout(done))
    }
    return { w, late, focus }
  }

  it('I7 the newest is written once when the focus is back', async () => {
    const { w, late, focus } = setUp()
    await late.take('one')
    await late.take('two')
    w.may = true
    await focus()
    await focus()
    expect(w.texts).toEqual(['two'])
    expect(w.heard).toEqual(['waits', 'waits', 'copied'])
  })

  it('I7 nothing old comes after something newer, and nothing after the end', async () => {
    const { w, late, focus } = setUp()
    await late.take('one')
    w.may = true
    await late.take('two')
    await focus()
    expect(w.texts).toEqual(['two'])
    w.may = false
    await late.take('three')
    await focus() // refused although the focus is here: it is given up
    w.may = true
    await focus()
    await late.take('four')
    w.may = false
    await late.take('five')
    w.end.abort()
    w.may = true
    await focus()
    expect(w.texts).toEqual(['two', 'four'])
    expect(w.heard).toEqual(['waits', 'copied', 'waits', 'refused', 'copied', 'waits'])
  })
})
