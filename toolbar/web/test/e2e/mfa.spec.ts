import { expectAccessible } from './axe.js'
import { expect, type Person, test } from './fixtures.js'
import { presentToken } from './world.js'

/** Opens the launcher of the asset that asks for a second factor. */
async function launcher(person: Person) {
  await person.page.goto('/assets/guarded')
  await person.page.getByRole('button', { name: 'Access', exact: true }).click()
  const dialog = person.page.getByRole('dialog', { name: /guarded/ })
  const token = dialog.getByLabel('MFA token')
  await expect(token).toBeFocused()
  return { dialog, token, access: dialog.getByRole('button', { name: 'Access', exact: true }) }
}

test('L4 Q3 L8 a token opens the session, once, and is nowhere afterwards', async ({ as, world }) => {
  const mia = await as('mia')
  await mia.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.url })
  const { dialog, token, access } = await launcher(mia)
  for (const field of ['Terminal type', 'Reason', 'Ticket']) await expect(dialog.getByLabel(field)).toBeEnabled()
  await expectAccessible(mia.page)
  await access.click()
  await expect(dialog.getByRole('alert')).toHaveText('Enter the six digits from your authenticator.')

  const code = presentToken()
  await mia.page.evaluate((text) => navigator.clipboard.writeText(text), `${code.slice(0, 3)} ${code.slice(3)}`)
  await token.focus()
  await mia.page.keyboard.press('Control+V')
  await expect(token).toHaveValue(code)
  await dialog.getByLabel('Reason').fill('needs a second factor')
  const popup = mia.page.waitForEvent('popup')
  await access.click()
  const session = await popup
  await expect(session.locator('.xterm-rows')).toContainText(/[$#]/)
  expect(session.url()).not.toContain(code)
  await session.reload() // coming back asks for nothing
  await expect(session.locator('.xterm-rows')).toContainText(/[$#]/)

  const mine = world.events().filter((e) => e.user === 'mia')
  expect(mine.map((e) => e.verb).slice(0, 2)).toEqual(['Verify MFA', 'Start Session'])
  const kept = await mia.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))
  expect(kept + JSON.stringify(mine) + world.log).not.toContain(code)

  const again = await launcher(mia)
  await expect(again.token).toHaveValue('')
  await again.token.fill(code)
  await again.access.click()
  await expect(again.dialog.getByRole('alert')).toHaveText('Not accepted. 4 tries left, then a pause of 5 min.')
  await expect(again.token).toHaveValue('')
  await expect(again.token).toBeFocused()
  await expectAccessible(mia.page)
})

test('L4 S46 five wrong tokens are a pause of five minutes, for the right one too', async ({ as, world }) => {
  const nils = await as('nils')
  const { dialog, token, access } = await launcher(nils)
  const wrong = String((Number(presentToken()) + 500_001) % 1_000_000).padStart(6, '0')
  for (const text of ['4 tries left', '3 tries left', '2 tries left', 'One try left', 'try again in 5 minutes']) {
    await token.fill(wrong)
    await access.click()
    await expect(dialog.getByRole('alert')).toContainText(text)
  }
  const direct = await nils.context.request.post(`${world.url}/pam/api/asset/guarded/sessions`, {
    data: { mfa_token: presentToken() },
    headers: { Origin: world.url },
  })
  expect([direct.status(), (await direct.json()).error.code]).toEqual([429, 'mfa_locked'])
  expect(Number(direct.headers()['retry-after'])).toBeGreaterThan(200)
  const verbs = world.events().filter((e) => e.user === 'nils')
  expect(verbs.filter((e) => e.verb === 'Fail MFA').length).toBe(5)
  expect(verbs.some((e) => e.verb === 'Start Session')).toBe(false)
})
