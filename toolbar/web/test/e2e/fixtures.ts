import { type BrowserContext, test as base, expect, type Page, type WorkerFixture } from '@playwright/test'
import { SessionPage } from './session.js'
import { password, World } from './world.js'

/** A browser of its own for one person, signed in. */
export interface Person {
  context: BrowserContext
  page: Page
  /** Creates a session by the API, as the launcher does, and returns the path of its page. */
  launch(asset: string, params?: Record<string, string>): Promise<string>
  /** Creates a session and opens its page. */
  open(asset: string, params?: Record<string, string>): Promise<SessionPage>
}

interface TestFixtures {
  /** Signs somebody in, in a new browser context. */
  as(name: string): Promise<Person>
  anna: Person
}

interface WorkerFixtures {
  world: World
}

/** The worker's fixture: a world that runs as long as the worker does. */
export function worldOf(make: () => World): [WorkerFixture<World, object>, { scope: 'worker'; timeout: number }] {
  return [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures' names from the pattern
    async ({}, use) => {
      const world = make()
      try {
        await world.start()
        await use(world)
      } finally {
        await world.stop()
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ]
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  world: worldOf(() => new World()),

  as: async ({ browser, world }, use, info) => {
    const contexts: BrowserContext[] = []
    const said: string[] = []
    await use(async (name) => {
      const context = await browser.newContext({ baseURL: world.url })
      contexts.push(context)
      context.on('console', (m) => {
        if (!m.page()?.url().startsWith(world.url)) return // another site's page is another site's business
        if (m.type() === 'error' || m.type() === 'warning') said.push(`${m.type()}: ${m.text()}`)
      })
      context.on('weberror', (e) => said.push(`error: ${e.error().message}`))
      const page = await context.newPage()
      await signIn(context, world, name)
      const launch = (asset: string, params: Record<string, string> = {}) => launchOn(context, world, asset, params)
      return {
        context,
        page,
        launch,
        open: async (asset, params) => {
          await page.goto(await launch(asset, params))
          const session = new SessionPage(page)
          await session.ready()
          return session
        },
      }
    })
    for (const c of contexts) await c.close()
    if (info.status !== info.expectedStatus) {
      await info.attach('portal.log', { body: world.log, contentType: 'text/plain' })
      await info.attach('console.log', { body: said.join('\n'), contentType: 'text/plain' })
    }
    // A page of ours never breaks its own content policy and never throws.
    expect(
      said.filter((s) =>
        /Content Security Policy|TrustedHTML|Trusted Type|^error: \w*Error|Close received after close/.test(s),
      ),
    ).toEqual([])
  },

  anna: async ({ as }, use) => {
    await use(await as('anna'))
  },
})

export { expect }

/** Signs in without the page, which has a test of its own. */
export async function signIn(context: BrowserContext, world: World, name: string): Promise<void> {
  const r = await context.request.post(`${world.url}/login`, { form: { name, password }, maxRedirects: 0 })
  expect(r.status()).toBe(303)
}

async function launchOn(context: BrowserContext, world: World, asset: string, params: Record<string, string>) {
  const r = await context.request.post(`${world.url}/pam/api/asset/${asset}/sessions`, {
    data: { params },
    headers: { Origin: world.url },
  })
  expect(r.status(), await r.text()).toBe(201)
  const { id } = (await r.json()) as { id: string }
  return `/pam/s/${id}`
}
