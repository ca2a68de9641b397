import { byKeys, throughPanel } from './by-keys.js'
import { DeskPage, test } from './desk-test.js'
import { launcher } from './launcher.js'
import { SessionPage } from './session.js'
import { expectBoth, expectWalkable } from './walk.js'

test('T8 the launcher with the parameters of a desktop is walked with Tab', async ({ anna }) => {
  await launcher(anna, 'desk-plain')
  await expectBoth(anna.page)
})

test('T8 a desktop by keys alone: the toolbar, its panels, and back', async ({ anna }) => {
  test.slow()
  const { page } = anna
  await page.goto(await anna.launch('desk'))
  await new DeskPage(page).ready()
  const session = new SessionPage(page)
  await byKeys(session)
  await expectWalkable(page)
  for (const tool of ['Clipboard', 'Display', 'Send keys']) {
    await throughPanel(session, tool)
  }
})
