import { expectAccessible } from './axe.js'
import { expect, openReal, testOn } from './real-test.js'
import { expectFile, SessionPage } from './session.js'

const test = testOn('shadow')

test('C2 S13 network level authentication lets in, and the picture is FreeRDP’s own, pixel for pixel', async ({
  anna,
  world,
}) => {
  const desk = await openReal(anna, world, 'guarded-desk')
  await desk.type('echo "by NLA" >typed')
  await expectFile(`${(await world.server.about).home}/typed`, 'by NLA')
  await desk.right()
})

test('E1 a password that network level authentication refuses is said to be one', async ({ anna }) => {
  await anna.page.goto(await anna.launch('locked-out'))
  const session = new SessionPage(anna.page)
  await expect(session.card('The target refused the account')).toBeVisible()
  await expect(anna.page.getByText('target_auth_failed')).toBeVisible()
  await expectAccessible(anna.page)
})

test('S05 a certificate that is not the one on record gets no password, and the page says why', async ({ anna }) => {
  await anna.page.goto(await anna.launch('stranger'))
  const session = new SessionPage(anna.page)
  await expect(session.card('The target is not who it was')).toBeVisible()
  await expect(anna.page.getByText('certificate_mismatch')).toBeVisible()
  await expectAccessible(anna.page)
})
