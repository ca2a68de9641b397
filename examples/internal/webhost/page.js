// The host opens sessions where it wants them: in a section of its own page.
document.addEventListener('sp-started', (e) => {
  e.preventDefault()
  const session = document.createElement('sp-session')
  session.setAttribute('session-id', e.detail.session)
  document.getElementById('sessions').append(session)
})
