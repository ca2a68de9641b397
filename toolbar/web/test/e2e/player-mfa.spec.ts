import { expectAccessible } from './axe.js'
import { test as base, expect, worldOf } from './fixtures.js'
import { SessionPage } from './session.js'
import { passwordHash, presentToken, type Target, totpSecret, World } from './world.js'

/** A portal in which the managers of one asset need a second factor to play its recordings. */
class GuardedWorld extends World {
  protected override async settings(t: Target) {
    const settings = await super.settings(t)
    return {
      ...settings,
      users: [
        ...settings.users,
        { id: 'gerd', name: 'Gerd Amsel', password_hash: passwordHash, totp_secret: totpSecret },
      ],
      roles: [...settings.roles, { to: 'user:gerd', on: 'guarded', role: 'manager' }],
    }
  }
}

const test = base.extend({ world: worldOf(() => new GuardedWorld()) })

test('R2 L4 S48 a recording opens with a second factor, where the policy asks for one', async ({ as, world }) => {
  const mia = await as('mia')
  await mia.page.goto('/assets/guarded')
  await mia.page.getByRole('button', { name: 'Access', exact: true }).click()
  const dialog = mia.page.getByRole('dialog', { name: /guarded/ })
  await dialog.getByLabel('MFA token').fill(presentToken())
  const popup = mia.page.waitForEvent('popup')
  await dialog.getByRole('button', { name: 'Access', exact: true }).click()
  const session = new SessionPage(await popup)
  await expect(session.rows).toContainText(/[$#]/)
  await session.run('echo for few eyes')
  await expect(session.rows).toContainText(/for few eyes\s*root.*[$#]\s*$/)
  await session.run('exit')
  await expect(session.card(/^You signed out/)).toBeVisible()
  const played = () => world.events().filter((e) => e.verb === 'Play Recording')

  const gerd = await as('gerd')
  const { page } = gerd
  await page.goto(`/recordings/${session.id}`)
  const token = page.getByLabel('MFA token')
  const play = page.getByRole('button', { name: 'Play', exact: true })
  await expect(token).toBeFocused()
  await expectAccessible(page)
  await play.click()
  await expect(page.getByRole('alert')).toHaveText('Enter the six digits from your authenticator.')
  const code = presentToken()
  const wrong = String((Number(code) + 500_001) % 1_000_000).padStart(6, '0')
  await token.fill(wrong)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toHaveText('Not accepted. 4 tries left, then a pause of 5 min.')
  await expect(token).toHaveValue('')
  await expect(token).toBeFocused()
  await expectAccessible(page)
  expect(played()).toEqual([])
  await token.fill(code)
  await play.click()
  await expect(page.getByRole('slider', { name: 'Position' })).toBeVisible()
  await page.keyboard.press('End')
  await expect(page.locator('.xterm-rows')).toContainText('for few eyes')
  expect(played().map((e) => e.user)).toEqual(['gerd'])

  // Who has none is told so, and has nothing more to fill in.
  const ruth = await as('ruth')
  await ruth.page.goto(`/recordings/${session.id}`)
  await ruth.page.getByLabel('MFA token').fill('123456')
  await ruth.page.keyboard.press('Enter')
  await expect(ruth.page.getByRole('alert')).toContainText('no authenticator')
  await expect(ruth.page.getByLabel('MFA token')).toHaveCount(0)
  await expectAccessible(ruth.page)
})
