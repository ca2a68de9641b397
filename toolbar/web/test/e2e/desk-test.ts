import type { Page } from '@playwright/test'
import type { Desk } from '../../src/desk/desk.js'
import { test as base, expect, worldOf } from './fixtures.js'
import { type Target, World } from './world.js'

/** A portal with a desktop of its own: the scripted server of rdp/rdptest. */
export class DeskWorld extends World {
  protected override async settings(t: Target) {
    const settings = await super.settings(t)
    return {
      ...settings,
      asset_types: [...settings.asset_types, { id: 'windows', name: 'Windows server', protocol: 'rdp', os: 'windows' }],
      assets: [
        ...settings.assets,
        { id: 'desk', name: 'Leitstand', type: 'windows', parent: 'lab', demo: true },
        { id: 'desk-plain', type: 'windows', parent: 'lab', demo: true },
        {
          id: 'desk-stranger',
          type: 'windows',
          parent: 'lab',
          address: '127.0.0.1:1',
          account: 'x',
          password_env: 'E2E_PASSWORD',
          certificates: [`sha256:${'ab'.repeat(32)}`],
        },
      ],
    }
  }
}

/** The fixtures, on a world with desktops. */
export const test = base.extend({ world: worldOf(() => new DeskWorld()) })

export { expect }

/** What a desktop is made of before its picture comes. */
const BLACK = 0xff000000

/** A session page with a desktop. */
export class DeskPage {
  constructor(readonly page: Page) {}

  get canvas() {
    return this.page.locator('.desk canvas')
  }

  /**
   * Waits until all of the picture is there: it comes in hundreds of parts on what is black at first, which nothing of this desktop is. What a
   * test compares with a picture that was not whole would change without its doing.
   */
  async ready(): Promise<void> {
    await expect
      .poll(async () => {
        const { pixels } = await this.pixels(8)
        return pixels.length > 0 && !pixels.includes(BLACK)
      })
      .toBe(true)
  }

  /** Every nth pixel of the desktop, as numbers. */
  async pixels(step: number): Promise<{ width: number; height: number; pixels: number[] }> {
    return this.page.evaluate(async (step) => {
      const session = document.querySelector('sp-session') as unknown as { desk?: Desk }
      const shot = await session.desk?.snapshot()
      if (!shot || shot.width === 0) return { width: 0, height: 0, pixels: [] }
      const words = new Uint32Array(shot.pixels.buffer, shot.pixels.byteOffset, shot.width * shot.height)
      const pixels: number[] = []
      for (let y = 0; y < shot.height; y += step) {
        for (let x = 0; x < shot.width; x += step) pixels.push(words[y * shot.width + x] ?? 0)
      }
      return { width: shot.width, height: shot.height, pixels }
    }, step)
  }

  /** The pixels of a part of the desktop, as numbers. */
  async part(at: { x: number; y: number; width: number; height: number }): Promise<number[]> {
    return this.page.evaluate(async ({ x, y, width, height }) => {
      const session = document.querySelector('sp-session') as unknown as { desk?: Desk }
      const shot = await session.desk?.snapshot()
      if (!shot || x + width > shot.width || y + height > shot.height) return []
      const words = new Uint32Array(shot.pixels.buffer, shot.pixels.byteOffset, shot.width * shot.height)
      return Array.from({ length: height }, (_, row) => {
        const from = (y + row) * shot.width + x
        return [...words.subarray(from, from + width)]
      }).flat()
    }, at)
  }

  async size(): Promise<string> {
    const { width, height } = await this.pixels(1000)
    return `${width}x${height}`
  }
}
