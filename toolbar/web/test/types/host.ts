// A host's code against the published declarations alone: it must compile without the sources.
import { type ClosedDetail, chooseLocale } from '../../types/index.js'

export async function host(): Promise<void> {
  await chooseLocale(['de-AT'])
  const button = document.createElement('sp-access-button')
  button.asset = 'web-01'
  await button.refresh()
  button.addEventListener('sp-started', (e) => {
    const session = document.createElement('sp-session')
    session.sessionId = e.detail.session
    session.toast('opened', 'ok')
    e.preventDefault()
  })
  const ended = (e: CustomEvent<ClosedDetail>): string => e.detail.code
  document.body.addEventListener('sp-closed', ended)
  await document.createElement('sp-launcher').open()
}
