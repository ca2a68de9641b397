import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { expect, test } from './fixtures.js'
import { expectFile, kinds, SessionPage, Wire } from './session.js'
import { evilAsset, evilName, password, secrets } from './world.js'

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Serves one page from another origin on this machine; cookies of 127.0.0.1 go there as well, ports do not count. */
async function elsewhere(html: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((_, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(html)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

test('S06 a page of another origin gets nothing and changes nothing', async ({ anna, world }) => {
  const session = await anna.open('shell')
  const evil = await elsewhere('<!doctype html><title>evil</title>')
  try {
    const page = await anna.context.newPage()
    await page.goto(evil.url)
    const before = world.events().length
    const got = await page.evaluate(
      async ({ base, id }) => {
        const read = async (path: string, init?: RequestInit) => {
          try {
            const r = await fetch(base + path, { credentials: 'include', ...init })
            return `${r.status} ${(await r.text()).slice(0, 40)}`
          } catch {
            return 'refused'
          }
        }
        const socket = (protocols?: string[]) =>
          new Promise<string>((resolve) => {
            const ws = new WebSocket(`${base.replace('http', 'ws')}/pam/api/session/${id}/socket`, protocols)
            ws.onopen = () => resolve('open')
            ws.onerror = () => resolve('refused')
          })
        const framed = new Promise<string>((resolve) => {
          const frame = document.createElement('iframe')
          frame.src = `${base}/pam/s/${id}`
          frame.onload = () => {
            try {
              resolve(frame.contentDocument ? 'readable' : 'opaque')
            } catch {
              resolve('opaque')
            }
          }
          document.body.append(frame)
        })
        return {
          list: await read('/pam/api/sessions'),
          assets: await read('/assets'),
          start: await read('/pam/api/asset/shell/sessions', { method: 'POST', body: '{}' }),
          startJson: await read('/pam/api/asset/shell/sessions', {
            method: 'POST',
            body: '{}',
            headers: { 'Content-Type': 'application/json' },
          }),
          startBlind: await fetch(`${base}/pam/api/asset/shell/sessions`, {
            method: 'POST',
            mode: 'no-cors',
            credentials: 'include',
            body: '{}',
          }).then((r) => r.type),
          attach: await read(`/pam/api/session/${id}/attach`, { method: 'POST', body: '{}' }),
          end: await read(`/pam/api/session/${id}/end`, { method: 'POST', body: '{}' }),
          logout: await read('/logout', { method: 'POST', mode: 'no-cors' }),
          socket: await socket(),
          socketV1: await socket(['sallyport.v1']),
          framed: await framed,
        }
      },
      { base: world.url, id: session.id },
    )
    expect(got).toEqual({
      list: 'refused',
      assets: 'refused',
      start: 'refused',
      startJson: 'refused',
      startBlind: 'opaque',
      attach: 'refused',
      end: 'refused',
      logout: 'refused',
      socket: 'refused',
      socketV1: 'refused',
      framed: 'opaque',
    })
    expect(
      world
        .events()
        .slice(before)
        // Sessions that other tests have left behind may end meanwhile.
        .filter((e) => e.verb === 'Start Session' || (e.verb === 'Complete Session' && e.session === session.id)),
    ).toEqual([])

    // The forms that need no script.
    for (const path of ['/logout', '/login', '/theme']) {
      await page.goto(evil.url)
      const answer = page.waitForResponse(world.url + path)
      await page.evaluate((action) => {
        const form = document.createElement('form')
        form.method = 'post'
        form.action = action
        document.body.append(form)
        form.submit()
      }, world.url + path)
      expect((await answer).status()).toBe(403)
      await page.waitForURL(world.url + path)
    }

    // The session of the victim goes on.
    const marker = world.marker('untouched')
    await session.page.bringToFront()
    await session.focus()
    await session.run(`echo untouched > ${marker}`)
    await expectFile(marker, 'untouched')
  } finally {
    await evil.close()
  }

  // DNS rebinding: a name of the attacker's that leads here.
  const rebound = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP rebound.example 127.0.0.1'],
  })
  try {
    const page = await rebound.newPage()
    const port = new URL(world.url).port
    for (const path of ['/login', '/pam/api/openapi.json', '/pam/assets/index.js']) {
      const r = await page.goto(`http://rebound.example:${port}${path}`)
      expect(r?.status(), path).toBeGreaterThanOrEqual(400)
    }
  } finally {
    await rebound.close()
  }
})

const markup = [
  `<img src=x onerror="document.title='owned'">`,
  `<script>document.title='owned'</script>`,
  `"><svg onload=document.title='owned'>`,
  `javascript:document.title='owned'`,
  `<iframe srcdoc="<script>parent.document.title='owned'</script>">`,
  `\${document.title='owned'}`,
  `<a href="javascript:document.title='owned'">click</a>`,
  `<style>*{display:none}</style>`,
  `&lt;img src=x&gt;`,
  `<b id=owned>bold</b>`,
]

test('S08 what the target says is never markup', async ({ as, world }) => {
  const cleo = await as('cleo') // a person with such a name
  const { page } = cleo
  page.on('dialog', (d) => {
    if (d.type() !== 'beforeunload') throw new Error(`dialog: ${d.message()}`)
  })
  const session = await cleo.open('evil') // on an asset with such a name
  expect((await page.title()).startsWith(evilAsset)).toBe(true)
  const dir = world.marker('names')
  mkdirSync(dir)
  for (const [i, name] of markup.entries()) writeFileSync(join(dir, `${i}${name.replaceAll('/', '\u2215')}`), '')
  await session.run(`ls -1 ${dir}; cat > /dev/null << 'X'`)
  await page.keyboard.type('X')
  await page.keyboard.press('Enter')
  await expect(session.rows).toContainText(`<b id=owned>bold<`)
  writeFileSync(join(dir, 'speak'), markup.map((m) => `\x1b]0;${m}\x07\x1b]2;${m}\x1b\\${m}\n`).join(''))
  await session.run(`clear; cat ${dir}/speak; echo the-''end`)
  await expect(session.rows).toContainText('the-end')
  await session.open()
  await expect(session.bar).toContainText('<svg onload=alert(1)')
  await expect(page).not.toHaveTitle('owned')
  await session.focus()
  await session.run('exit')
  await expect(session.card(/You signed out of/)).toBeVisible()
  // Every element in the document and in all shadow trees.
  const made = await page.evaluate(() => {
    const found: string[] = []
    const walk = (root: ParentNode) => {
      for (const e of root.querySelectorAll('*')) {
        if (/^(img|iframe|script|object|embed|b)$/i.test(e.localName) && !(e as HTMLScriptElement).src) {
          if (e.id === 'owned' || e.localName !== 'b') found.push(e.outerHTML.slice(0, 80))
        }
        for (const a of e.attributes) if (/^on/i.test(a.name)) found.push(`${e.localName} ${a.name}`)
        if (e.shadowRoot) walk(e.shadowRoot)
      }
    }
    walk(document)
    return found
  })
  expect(made).toEqual([])
  await page.goto('/sessions')
  await expect(page.locator('tbody .mid').first()).toHaveText(evilAsset)
  await expect(page.locator('.me')).toContainText(evilName)
})

/** Sequences that would make a careless terminal act. */
const corpus: Record<string, string> = {
  'OSC 52 write': '\x1b]52;c;b3duZWQ=\x07',
  'OSC 52 read': '\x1b]52;c;?\x07',
  'OSC 52 primary': '\x1b]52;p;b3duZWQ=\x1b\\',
  'OSC 8 link': '\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\',
  'OSC 8 file': '\x1b]8;;file:///etc/passwd\x07link\x1b]8;;\x07',
  title: '\x1b]0;echo owned\x07',
  'title report': '\x1b]2;touch owned\x07\x1b[21t',
  'icon report': '\x1b]1;touch owned\x07\x1b[20t',
  DECRQSS: '\x1bP$q"p\x1b\\\x1bP$qm\x1b\\',
  XTGETTCAP: '\x1bP+q544e\x1b\\',
  answerback: '\x05',
  'window reports': '\x1b[11t\x1b[13t\x1b[14t\x1b[18t\x1b[19t',
  'media copy': '\x1b[5i0123\x1b[4i\x1b[?5i',
  'iTerm file': '\x1b]1337;File=name=b3duZWQ=;size=5;inline=0:b3duZWQ=\x07',
  'download code': '\x1b]482200;owned\x07\x1b[482200~',
  notification: '\x1b]9;owned\x07\x1b]777;notify;owned;owned\x07\x1b]99;;owned\x1b\\',
  DECUDK: '\x1bP0;1|17/6f776e6564\x1b\\',
  sixel: '\x1bPq#0;2;0;0;0#0~~@@vv@@~~@@~~$\x1b\\',
  bidi: '\u202Etxt.exe\u202C\u2066x\u2069',
  'huge OSC': `\x1b]0;${'A'.repeat(1 << 20)}\x07`,
  'huge DCS': `\x1bP$q${'B'.repeat(1 << 20)}\x1b\\`,
  'huge CSI': `\x1b[${'9;'.repeat(100_000)}m`,
  'never ending': '\x1b]0;no end\x18',
}

test('S21 escape sequences do nothing but draw', async ({ anna, world }) => {
  const { context, page } = anna
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const wire = new Wire(page)
  const session = await anna.open('shell')
  await page.evaluate(() => navigator.clipboard.writeText('mine'))
  let downloads = 0
  page.on('download', () => downloads++)
  context.on('page', () => downloads++)
  const dir = world.marker('corpus')
  mkdirSync(dir)
  let typed = wire.input()
  for (const [i, [name, text]] of Object.entries(corpus).entries()) {
    writeFileSync(join(dir, String(i)), text)
    const command = `clear; cat ${dir}/${i}; printf '\\033\\\\\\033[0m'; echo after-''${i}`
    await session.run(command)
    typed += `${command}\r`
    await expect(session.rows, name).toContainText(`after-${i}`)
    expect(wire.input(), `${name} made the page send input`).toBe(typed)
    expect(await page.evaluate(() => navigator.clipboard.readText()), name).toBe('mine')
  }
  expect(downloads).toBe(0)
  expect(wire.count(kinds.paste)).toBe(0)
  // The terminal still works, and the machine was told nothing.
  const marker = world.marker('after-corpus')
  await session.run(`clear; echo fine > ${marker}`)
  await expectFile(marker, 'fine')
})

test('E1 S13 secrets stay where they are', async ({ as, world }) => {
  const anna = await as('anna')
  const { page, context } = anna
  world.network.listenIn()
  const wire = new Wire(page)
  const said: string[] = []
  page.on('console', (m) => said.push(m.text()))
  const privateKey = readFileSync(world.target?.private_key ?? '', 'utf8').split('\n')[3] ?? ''
  expect(privateKey.length).toBeGreaterThan(40)

  const session = await anna.open('locked') // its key opens with the passphrase only
  const { id } = session
  const marker = world.marker('secret')
  await session.run(`echo visible-control | tee ${marker}`)
  await expectFile(marker, 'visible-control')
  // At a prompt without echo nothing that is typed is kept.
  const typedSecret = 'canary-Typed-7Hw3'
  const asked = world.marker('asked')
  await session.run(`stty -echo; echo now > ${asked}; read -r S; stty echo; echo "\${#S} read" | tee ${marker}`)
  await expectFile(asked, 'now') // before that the shell edits what is typed, and shows it
  await page.keyboard.type(typedSecret)
  await page.keyboard.press('Enter')
  await expectFile(marker, `${typedSecret.length} read`)
  await session.run('exit')
  await expect(session.card(/You signed out of/)).toBeVisible()
  await page.goto(await anna.launch('wrong-password')) // the password is sent to the target, which refuses it
  await expect(page.getByText('target_auth_failed')).toBeVisible()
  await page.goto('/assets/locked')
  await page.goto('/sessions')

  const recording = world.recording(id)
  const storage = await page.evaluate(async () => {
    localStorage.setItem('control', 'visible-storage')
    const databases = await indexedDB.databases()
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, databases, await caches.keys()])
  })
  const sinks: Record<string, [content: string, control: string]> = {
    http: [world.network.heard().toString('latin1'), 'GET /assets/locked'],
    'websocket, sent': [Buffer.concat(wire.sent).toString('latin1'), '{"ticket":'],
    'websocket, received': [Buffer.concat(wire.received).toString('latin1'), 'visible-control'],
    log: [world.log, id],
    events: [JSON.stringify(world.events()), id],
    database: [['portal.db', 'portal.db-wal'].map((f) => readFileSync(join(world.data, f), 'latin1')).join(''), id],
    'recording, raw': [readFileSync(recording, 'latin1'), id],
    'recording, exported': [world.rec('export', '-format', 'cast', recording), 'visible-control'],
    report: [await (await context.request.get('/sessions.json')).text(), id],
    'page storage': [storage, 'visible-storage'],
    'page console': [[...said, 'control'].join('\n'), 'control'],
    page: [await page.content(), 'Anna Richter'],
  }
  for (const [name, [content, control]] of Object.entries(sinks)) {
    expect(content.includes(control), `${name}: the control is not found, so the search proves nothing`).toBe(true)
    for (const secret of [...Object.values(secrets), privateKey]) {
      for (const form of [
        secret,
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
        Buffer.from(secret).toString('hex'),
      ]) {
        expect(content.includes(form), `${name} holds a secret`).toBe(false)
      }
    }
    // What a person types goes to the gateway, and nowhere else.
    if (name !== 'websocket, sent' && name !== 'http')
      expect(content.includes(typedSecret), `${name} holds what was typed`).toBe(false)
    // Nor does anything keep the portal's own password or hash.
    if (name !== 'http') expect(content.includes(password), `${name} holds the sign-in password`).toBe(false)
  }
})

test('S50 nothing is left in the browser', async ({ world }) => {
  const profile = mkdtempSync(join(tmpdir(), 'sallyport-profile-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-3d-apis', '--no-first-run', '--disable-sync'],
    baseURL: world.url,
  })
  const secretsHere: string[] = [password, 'canary-OnScreen-5Rt1', ...Object.values(secrets)]
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    const wire = new Wire(page)
    const headers: Record<string, Record<string, string>> = {}
    page.on('response', async (r) => {
      headers[new URL(r.url()).pathname.replace(/[\w-]{20,}/, ':id')] = await r.allHeaders().catch(() => ({}))
    })
    await page.goto('/login')
    await page.getByLabel('Name').fill('anna')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page).toHaveURL('/assets')
    const [cookie] = (await context.cookies()).filter((c) => c.name === 'sallyport_login')
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', expires: -1 })
    secretsHere.push(cookie?.value ?? '')
    const start = await context.request.post('/pam/api/asset/shell/sessions', {
      data: {},
      headers: { Origin: world.url },
    })
    const { id } = (await start.json()) as { id: string }
    await page.goto(`/pam/s/${id}`)
    const session = new SessionPage(page)
    await session.ready()
    await session.run(`echo canary-OnScreen''-5Rt1`)
    await expect(session.rows).toContainText('canary-OnScreen-5Rt1')
    const hello = wire.sent.find((b) => b[0] === kinds.hello)
    secretsHere.push((JSON.parse(hello?.subarray(6).toString() ?? '{}') as { ticket: string }).ticket)
    await page.evaluate(() => localStorage.setItem('control', 'control-Leftover-1Aa9'))
    await session.run('exit')
    await expect(session.card(/You signed out of/)).toBeVisible()
    await page.goto('/assets')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(page.getByRole('status')).toBeVisible()
    expect(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((r) => r.length))).toBe(0)
    for (const path of ['/login', '/assets', '/pam/s/:id', '/pam/api/session/:id/attach']) {
      await expect
        .poll(() => headers[path], path) // the browser tells all headers later than the answer
        .toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    }
    expect(await context.cookies()).toEqual([])
  } finally {
    await context.close()
  }
  try {
    const files = walk(profile)
    const found = (text: string) => files.filter((f) => readFileSync(f, 'latin1').includes(text))
    expect(
      found('control-Leftover-1Aa9').length,
      'the control is not found, so the search proves nothing',
    ).toBeGreaterThan(0)
    for (const secret of secretsHere) {
      expect(secret.length).toBeGreaterThan(8)
      expect(found(secret), 'a secret is left').toEqual([])
    }
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
})

function walk(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    const st = statSync(path, { throwIfNoEntry: false })
    if (!st) return []
    return st.isDirectory() ? walk(path) : st.isFile() ? [path] : []
  })
}

test('the policies of the pages are strict, and nothing of ours breaks them', async ({ anna }) => {
  const broken: string[] = []
  await anna.context.exposeFunction('reportViolation', (what: string) => broken.push(what))
  await anna.context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      ;(window as unknown as { reportViolation(s: string): void }).reportViolation(
        `${e.violatedDirective} ${e.sourceFile} ${e.sample}`,
      )
    })
  })
  const visit = async (page: Page, path: string) => {
    const r = await page.goto(path)
    return (await r?.headerValue('content-security-policy')) ?? ''
  }
  for (const path of ['/assets', '/assets/shell', '/sessions']) {
    const policy = await visit(anna.page, path) // a desktop may be opened in some, whose decoder is WebAssembly
    expect(policy.replace("script-src 'self' 'wasm-unsafe-eval';", '')).not.toMatch(/unsafe|\*/)
  }
  const session = await anna.open('shell')
  await session.run(`printf '\\033[38;2;10;200;30mtrue colour\\033[48;5;90mbackground\\033[0m\\n'`)
  await expect(session.rows).toContainText('true colour')
  await session.open()
  await session.tool('Clipboard').click()
  const panel = anna.page.getByRole('dialog', { name: 'Clipboard' })
  await expect(panel.getByRole('textbox')).toBeFocused() // it takes the focus once the browser has let it read, or has refused
  await anna.page.keyboard.press('Escape')
  await expect(panel).toBeHidden()
  await session.focus()
  await session.run('exit')
  await expect(session.card(/You signed out of/)).toBeVisible()
  expect(broken).toEqual([])
})
