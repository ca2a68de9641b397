import type { Browser, Page } from '@playwright/test'
import { DeskPage } from './desk-test.js'
import { test as base, expect, type Person, signIn, worldOf } from './fixtures.js'
import { Network } from './network.js'
import { colours, difference, type Picture, picture } from './picture.js'
import { RealServer } from './real-server.js'
import { everything, type Target, World } from './world.js'

/** What the policy pins on the asset "fixed" (L3). */
export const pins = { resolution: '1024x768', color_depth: '24', wallpaper: 'false', keyboard_layout: 'de-de' } as const

/** A portal whose desktops are those of a real server. */
export class RealWorld extends World {
  readonly server: RealServer
  /** A second way to the portal, which can be slow. */
  readonly aside = new Network(true)
  asideURL = ''

  constructor(kind: 'xrdp' | 'shadow') {
    super()
    this.server = new RealServer(kind)
  }

  override async start(): Promise<void> {
    await super.start()
    this.aside.target = this.network.target
  }

  override async stop(): Promise<void> {
    await this.aside.close()
    await super.stop()
    await this.server.stop()
  }

  protected override async settings(t: Target) {
    const [settings, about] = await Promise.all([super.settings(t), this.server.about])
    this.asideURL = await this.aside.listen()
    this.environment.E2E_DESKTOP = about.password
    const desktop = (id: string, rest: object = {}) => ({
      id,
      type: 'windows',
      parent: 'lab',
      address: about.addresses.tls,
      account: about.user,
      password_env: 'E2E_DESKTOP',
      certificates: [about.certificate],
      ...rest,
    })
    const nla = { address: about.addresses.nla, security: 'nla' }
    const joining = { join_monitor: 'allow', join_participate: 'allow' }
    return {
      ...settings,
      origins: [this.url, this.asideURL],
      asset_types: [...settings.asset_types, { id: 'windows', name: 'Windows server', protocol: 'rdp', os: 'windows' }],
      roles: [...settings.roles, { to: 'user:cleo', on: 'shared', role: 'manager' }],
      profiles: [
        ...settings.profiles,
        { id: 'pinned', declarations: everything, pins },
        { id: 'carrying', declarations: { ...everything, file_upload: 'record', file_download: 'record' } },
        { id: 'joining', declarations: { ...everything, ...joining } },
      ],
      assignments: [
        ...settings.assignments,
        { profile: 'pinned', to: 'group:operators', on: 'fixed' },
        { profile: 'carrying', to: 'group:operators', on: 'drive' },
        { profile: 'joining', to: 'group:operators', on: 'shared' },
      ],
      assets: [
        ...settings.assets,
        desktop('desk', { name: 'Leitstand' }),
        desktop('fixed'),
        desktop('shared'),
        desktop('drive'),
        desktop('stranger', { certificates: [`sha256:${'ab'.repeat(32)}`] }),
        ...(nla.address
          ? [desktop('guarded-desk', nla), desktop('locked-out', { ...nla, password_env: 'E2E_PASSWORD' })]
          : []),
      ],
    }
  }
}

/** The fixtures, on a world with a real server. */
export const testOn = (kind: 'xrdp' | 'shadow') =>
  base.extend<object, { world: RealWorld }>({ world: worldOf(() => new RealWorld(kind)) })

/** A session page with a desktop of a real server. */
export class RealDesk extends DeskPage {
  constructor(
    page: Page,
    readonly server: RealServer,
  ) {
    super(page)
  }

  get id(): string {
    return this.page.url().split('/').pop() ?? ''
  }

  /** What the page shows. */
  async picture(): Promise<Picture> {
    const { width, height, base64 } = await this.page.evaluate(async () => {
      const session = document.querySelector('sp-session') as unknown as {
        desk?: { snapshot(): Promise<{ width: number; height: number; pixels: Uint8Array }> }
      }
      const shot = await session.desk?.snapshot()
      if (!shot || shot.width === 0) return { width: 0, height: 0, base64: '' }
      const blob = new Blob([Uint8Array.from(shot.pixels)])
      const address = await new Promise<string>((resolve) => {
        const reader = new FileReader()
        reader.onload = () => resolve(String(reader.result))
        reader.readAsDataURL(blob)
      })
      return { width: shot.width, height: shot.height, base64: address.slice(address.indexOf(',') + 1) }
    })
    return picture(width, height, Buffer.from(base64, 'base64'))
  }

  /** A number that is another one when the picture is. */
  sum(): Promise<number> {
    return this.page.evaluate(async () => {
      const session = document.querySelector('sp-session') as unknown as {
        desk?: { snapshot(): Promise<{ pixels: Uint8Array }> }
      }
      let sum = 0
      for (const b of (await session.desk?.snapshot())?.pixels ?? []) sum = (Math.imul(sum, 31) + b) | 0
      return sum
    })
  }

  /**
   * Waits until the page shows what the server's display does, pixel for pixel, and there is something to be seen: the
   * pattern of the background, and black and white of the terminal.
   */
  async right(): Promise<Picture> {
    let shown: Picture | undefined
    await expect
      .poll(
        async () => {
          const look = [this.server.screen(), this.picture()] as const
          const [want, got] = await Promise.all(look.map((p) => p.catch(() => undefined)))
          if (!want || !got) return 'nothing to look at'
          shown = got
          return difference(got, want) || (colours(want) < 4 ? 'an empty screen' : '')
        },
        { timeout: 60_000 },
      )
      .toBe('')
    if (!shown) throw new Error('no picture')
    return shown
  }

  /** Where a pixel of the desktop is on the page. */
  async at(x: number, y: number): Promise<{ x: number; y: number }> {
    const box = await this.canvas.boundingBox()
    const { width, height } = await this.pixels(1000)
    if (!box) throw new Error('no canvas')
    return { x: box.x + ((x + 0.5) * box.width) / width, y: box.y + ((y + 0.5) * box.height) / height }
  }

  /** Puts the pointer into the terminal, which is where the keys go then. */
  async point(): Promise<void> {
    const { x, y } = await this.at(300, 340)
    await this.page.mouse.move(x, y)
    await this.page.mouse.click(x, y)
  }

  /** Has the shell in the terminal run a command. */
  async type(command: string): Promise<void> {
    for (const c of command) await this.page.keyboard.press(keyOf(c))
    await this.page.keyboard.press('Enter')
  }
}

/** The keys of a US keyboard with shift, and what they are without. */
const SHIFTED = '~!@#$%^&*()_+{}|:"<>?'
const PLAIN = "`1234567890-=[]\\;',./"

/** How a person types a character: with the shift key, if it takes one. */
function keyOf(c: string): string {
  const at = SHIFTED.indexOf(c)
  if (at >= 0) return `Shift+${PLAIN[at]}`
  return c === ' ' ? 'Space' : c === c.toLowerCase() ? c : `Shift+${c.toLowerCase()}`
}

/** Opens a desktop whose picture is coded without loss, and waits until it is there. */
export async function openReal(
  who: Person,
  world: RealWorld,
  asset = 'desk',
  params: Record<string, string> = {},
): Promise<RealDesk> {
  await who.context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await who.page.goto(await who.launch(asset, { codec: 'lossless', ...params }))
  const desk = new RealDesk(who.page, world.server)
  await desk.right()
  await desk.point()
  return desk
}

/** Lets cleo join a session as Monitor, over the way that can be slow. */
export async function joinAside(browser: Browser, world: RealWorld, session: string): Promise<RealDesk> {
  const context = await browser.newContext({ baseURL: world.asideURL })
  await signIn(context, world, 'cleo')
  const r = await context.request.post(`/pam/api/session/${session}/join`, {
    data: { mode: 'monitor' },
    headers: { Origin: world.asideURL },
  })
  expect(r.status(), await r.text()).toBe(201)
  const page = await context.newPage()
  await page.goto(`/pam/s/${session}`)
  const joiner = new RealDesk(page, world.server)
  await joiner.right()
  return joiner
}

export { expect }
