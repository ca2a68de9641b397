import { test as base, expect, type Page } from '@playwright/test'
import { expectAccessible } from './axe.js'
import { HostApp } from './host.js'
import { SessionPage } from './session.js'

const test = base.extend<object, { host: HostApp }>({
  host: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures' names from the pattern
    async ({}, use) => {
      const host = new HostApp()
      try {
        await host.start()
        await use(host)
      } finally {
        await host.stop()
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})

const where = '/a/b/c'

/** What a page complains of: violations of its policy, and errors. */
function complaints(page: Page): string[] {
  const said: string[] = []
  page.on('console', (m) => {
    if (/Content Security Policy|Trusted ?Type/i.test(m.text())) said.push(m.text())
  })
  page.on('pageerror', (e) => said.push(e.message))
  return said
}

/** Opens a session in the page, by one of its buttons. */
async function embed(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button }).click()
  const dialog = page.getByRole('dialog', { name: /demo/ })
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  await expect(dialog).toBeHidden()
}

/** The address of the page of a new session. */
async function launch(page: Page, host: HostApp): Promise<string> {
  const r = await page.request.post(`${host.url}${where}/pam/api/asset/demo/sessions`, {
    data: {},
    headers: { Origin: host.url },
  })
  expect(r.status(), await r.text()).toBe(201)
  return `${host.url}${where}/pam/s/${((await r.json()) as { id: string }).id}`
}

const sockets = (page: Page): { open: number } => {
  const count = { open: 0 }
  page.on('websocket', (ws) => {
    count.open++
    ws.on('close', () => count.open--)
  })
  return count
}

test('S33 components work in a host page, deep in its paths, behind middleware, under the policy that is documented', async ({
  page,
  host,
}) => {
  const said = complaints(page)
  const answer = await page.goto(`${host.url}${where}/`)
  const policy = (await answer?.headerValue('content-security-policy')) ?? ''
  expect(policy.replace("script-src 'self' 'wasm-unsafe-eval';", '')).not.toMatch(/unsafe|\*|http/)
  await expect(page.getByRole('button', { name: 'Access', exact: true })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Second' })).toBeVisible()
  await expectAccessible(page)

  // Two sessions on one page, each with a socket of its own; what is typed in one is not in the other.
  const open = sockets(page)
  await embed(page, 'Access')
  const one = page.locator('sp-session').nth(0)
  await expect(one.locator('.xterm-rows')).toContainText(/[$#>] ?\s*$/)
  await embed(page, 'Second')
  const two = page.locator('sp-session').nth(1)
  await expect(two.locator('.xterm-rows')).toContainText(/[$#>] ?\s*$/)
  await one.locator('.xterm-helper-textarea').focus()
  await page.keyboard.type('echo for-the-first')
  await page.keyboard.press('Enter')
  await expect(one.locator('.xterm-rows')).toContainText('for-the-first')
  await expect(two.locator('.xterm-rows')).not.toContainText('for-the-first')
  expect(open.open).toBe(2)

  // The host's styles stay out of the components, and the components' out of the page.
  const look = await page.evaluate(() => {
    const style = (e: Element | null | undefined) => (e ? getComputedStyle(e) : undefined)
    const button = document.querySelector('sp-access-button')?.shadowRoot?.querySelector('button')
    const own = document.getElementById('own')
    return {
      ours: [style(button)?.textTransform, style(button)?.borderRadius, style(button)?.backgroundColor],
      inherited: [...(document.querySelector('sp-session')?.shadowRoot?.children ?? [])]
        .filter((e) => e.localName !== 'style')
        .map(
          (e) =>
            `${style(e)?.letterSpacing} ${/serif$/.test(style(e)?.fontFamily ?? '') && !/sans-serif$/.test(style(e)?.fontFamily ?? '')}`,
        ),
      opacity: style(document.querySelector('sp-session')?.shadowRoot?.querySelector('.screen'))?.opacity,
      own: [style(own)?.backgroundColor, style(own)?.textTransform, style(own)?.borderRadius],
      head: [...document.head.querySelectorAll('style')].every((s) => s.nonce !== ''),
    }
  })
  expect(look).toEqual({
    ours: ['none', '6px', 'rgb(74, 72, 200)'],
    inherited: ['normal false'],
    opacity: '1',
    own: ['rgb(255, 0, 0)', 'uppercase', '0px'],
    head: true,
  })
  expect(said).toEqual([])
})

test('S33 of the documented policy each directive that grants something is needed', async ({ page, host }) => {
  test.slow()
  await page.addInitScript(() => {
    const broken: string[] = []
    document.addEventListener('securitypolicyviolation', (e) => broken.push(e.effectiveDirective))
    Object.assign(window, { broken })
  })
  const broken = () => page.evaluate(() => (window as unknown as { broken: string[] }).broken)
  let without = ''
  await page.route(`${host.url}${where}/`, async (route) => {
    const answer = await route.fetch()
    const headers = answer.headers()
    const policy = headers['content-security-policy'] ?? ''
    expect(policy).toContain(`; ${without} `)
    headers['content-security-policy'] = policy
      .split('; ')
      .filter((d) => !d.startsWith(`${without} `))
      .join('; ')
    await route.fulfill({ response: answer, headers })
  })
  const open = async () => {
    await page.goto(`${host.url}${where}/`)
    await embed(page, 'Access')
    await expect(page.locator('sp-session .xterm')).toHaveCount(1)
  }
  for (const [directive, go] of [
    ['script-src', () => page.goto(`${host.url}${where}/`)],
    ['connect-src', () => page.goto(`${host.url}${where}/`)],
    ['style-src-elem', open],
  ] as const) {
    without = directive
    await go()
    await expect.poll(async () => (await broken()).some((d) => d.startsWith(directive)), directive).toBe(true)
  }
})

test('S33 components that are taken out leave nothing behind, and work when they are put back', async ({
  page,
  host,
}) => {
  const said = complaints(page)
  // Every listener that is added to the window, the document or a media query, and every timer that repeats.
  await page.addInitScript(() => {
    const held = new Map<string, number>()
    const note = (name: string, by: number) => held.set(name, (held.get(name) ?? 0) + by)
    for (const [name, target] of [
      ['window', window],
      ['document', document],
    ] as const) {
      const add = target.addEventListener.bind(target)
      target.addEventListener = (type: string, fn: never, options?: AddEventListenerOptions | boolean) => {
        note(`${name} ${type}`, 1)
        if (typeof options === 'object') {
          options.signal?.addEventListener('abort', () => note(`${name} ${type}`, -1))
        }
        add(type, fn, options)
      }
      const remove = target.removeEventListener.bind(target)
      target.removeEventListener = (type: string, fn: never, options?: EventListenerOptions | boolean) => {
        note(`${name} ${type}`, -1)
        remove(type, fn, options)
      }
    }
    const intervals = new Set<unknown>()
    const start = window.setInterval.bind(window)
    window.setInterval = ((fn: () => void, ms: number) => {
      const id = start(fn, ms)
      intervals.add(id)
      return id
    }) as typeof window.setInterval
    const end = window.clearInterval.bind(window)
    window.clearInterval = (id) => {
      intervals.delete(id)
      end(id)
    }
    Object.assign(window, {
      held: () => ({
        listeners: Object.fromEntries(
          [...held].filter(([name, n]) => n > 0 && /key|blur|online|unload|visib|resize/.test(name)),
        ),
        intervals: intervals.size,
      }),
    })
  })
  const open = sockets(page)
  await page.goto(`${host.url}${where}/`)
  const held = () => page.evaluate(() => (window as unknown as { held(): unknown }).held())
  await expect(page.getByRole('button', { name: 'Access', exact: true })).toBeVisible()
  await embed(page, 'Access')
  const rows = page.locator('sp-session .xterm-rows')
  await expect(rows).toContainText(/[$#>] ?\s*$/)
  const session = await page.evaluateHandle(() => document.querySelector('sp-session') as HTMLElement)
  const away = () => session.evaluate((e) => e.remove())
  await away()
  await expect.poll(() => open.open).toBe(0)
  const before = await held()
  for (let i = 0; i < 3; i++) {
    await session.evaluate((e) => document.getElementById('sessions')?.append(e))
    await expect(rows).toHaveCount(1)
    await expect(rows).toContainText(/[$#>] ?\s*$/)
    expect(open.open).toBe(1)
    await away()
    await expect.poll(() => open.open).toBe(0)
    await expect.poll(held).toEqual(before)
  }
  expect(said).toEqual([])
})

test('S33 middleware that hides the connection is named in a clear error', async ({ page, host }) => {
  const r = await page.request.post(`${host.url}/opaque/pam/api/asset/demo/sessions`, {
    data: {},
    headers: { Origin: host.url },
  })
  const { id } = (await r.json()) as { id: string }
  await page.goto(`${host.url}/opaque/pam/s/${id}`)
  await expect.poll(() => host.log).toMatch(/main\.sealedWriter.*implements neither http\.Hijacker nor Unwrap/)
  await expect(page.getByRole('heading', { name: 'Connection lost, trying again' })).toBeVisible()
  await page.getByRole('button', { name: 'Leave' }).click()
  await expect(page.getByRole('heading', { name: 'Session disconnected' })).toBeVisible()
})

test('S36 a page that is older than the gateway reloads itself once, and the session goes on', async ({
  page,
  host,
}) => {
  test.slow()
  const said = complaints(page)
  await host.deploy(0)
  await page.goto(await launch(page, host))
  const session = new SessionPage(page)
  await expect(session.rows).toContainText(/[$#>] ?\s*$/)
  await session.focus()
  await session.run('echo before-the-deploy')
  await expect(session.rows).toContainText('before-the-deploy')
  const script = () => page.locator('script[src]').getAttribute('src')
  const first = await script()
  let loads = 0
  page.on('load', () => loads++)
  // The card is there for a moment only, so the reload waits until it was seen.
  let seen = (): void => {}
  const held = new Promise<void>((resolve) => {
    seen = resolve
  })
  await page.route(page.url(), async (route) => {
    await held
    await route.continue()
  })

  await host.deploy(1)
  const old = await page.request.get(new URL(first ?? '', page.url()).href)
  expect(old.status()).toBe(404)
  expect(old.headers()['cache-control']).toBe('no-store')
  host.network.cut()
  await expect(session.card('Connection lost, trying again')).toBeVisible()
  host.network.mend()
  await expect(session.card('A new version is there')).toBeVisible()
  await expect(page.getByText('This page reloads by itself.')).toBeVisible()
  await expect(session.rows).toContainText('before-the-deploy')
  seen()
  await expect.poll(() => loads).toBe(1)
  await expect(session.handle).toBeVisible()
  await expect(session.rows).toContainText('before-the-deploy')
  expect(await script()).not.toBe(first)
  await session.focus()
  await session.run('echo after-the-deploy')
  await expect(session.rows).toContainText('after-the-deploy')

  // Never a loop: where a reload brings the old client again, the page goes on with it.
  await host.deploy(0)
  await page.evaluate((build) => sessionStorage.setItem('sallyport.reloaded', build), first?.split('/').pop() ?? '')
  host.network.cut()
  await expect(session.card('Connection lost, trying again')).toBeVisible()
  host.network.mend()
  await expect(session.bar.or(session.handle)).toBeVisible()
  await session.focus()
  await session.run('echo still-the-same-page')
  await expect(session.rows).toContainText('still-the-same-page')
  expect(loads).toBe(1)
  expect(said).toEqual([])
})

test('S36 a part of an old client that is gone is answered by the same card, without a loop', async ({
  page,
  host,
}) => {
  await host.deploy(0)
  const address = await launch(page, host)
  // The deploy comes between the page and the part that draws the terminal.
  let gone = 0
  await page.route(/assets\/chunk-/, async (route) => {
    const r = await route.fetch()
    if ((await r.text()).includes('classList.add("xterm-helper-textarea")')) {
      gone++
      await route.fulfill({ status: 404, body: 'not found' })
    } else await route.fulfill({ response: r })
  })
  await page.goto(address)
  const card = page.getByRole('heading', { name: 'A new version is there' })
  await expect(card).toBeVisible()
  await expect.poll(() => gone).toBe(2) // it reloads itself once, and meets the same
  await expect(card).toBeVisible()
  await expect(page.getByText('This page reloads by itself.')).toBeHidden()
  await expect(page.getByRole('button', { name: 'Reload' })).toBeVisible()
  await expectAccessible(page)
  await page.unroute(/assets\/chunk-/)
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.locator('.xterm-rows')).toContainText(/[$#>] ?\s*$/)
  expect(gone).toBe(2)
})

test('S36 a page whose first script is gone says so in place of being blank, and a reload opens the session', async ({
  page,
  host,
}) => {
  await host.deploy(0)
  const address = await launch(page, host)
  // The deploy comes between the page and its script.
  await page.route(/assets\/session-/, async (route) => {
    await host.deploy(1)
    await route.continue()
  })
  const gone = page.waitForResponse((r) => /assets\/session-/.test(r.url()))
  await page.goto(address)
  expect((await gone).status()).toBe(404)
  await expect(page.getByRole('heading', { name: 'This page has not loaded' })).toBeVisible()
  await expectAccessible(page)
  await page.unroute(/assets\/session-/)
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Reload the page' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.locator('.xterm-rows')).toContainText(/[$#>] ?\s*$/)
  await expect(page.getByRole('heading', { name: 'This page has not loaded' })).toBeHidden()
  await host.deploy(0)
})
