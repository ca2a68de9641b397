import { SUBPROTOCOL } from '../core/frame.js'
import type { Socket, SocketEvents } from '../core/gateway.js'

/** The WebSocket code with which the gateway names a code of its own as the reason. */
const ENDED = 4000

/** How long the gateway has for its own close after an end, in milliseconds. */
const LINGER = 2000

/** Opens the socket of a session. */
export function openSocket(url: URL, events: SocketEvents): Socket {
  const address = new URL(url)
  address.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:'
  const ws = new WebSocket(address, SUBPROTOCOL)
  ws.binaryType = 'arraybuffer'
  const live = new AbortController()
  const on = { signal: live.signal }
  const closed = (code: string): void => {
    if (live.signal.aborted) return
    live.abort()
    events.closed(code)
  }
  ws.addEventListener('open', () => events.opened(), on)
  ws.addEventListener(
    'message',
    (e: MessageEvent<unknown>) => {
      if (e.data instanceof ArrayBuffer) events.message(new Uint8Array(e.data))
      else {
        ws.close(4001)
        closed('protocol_violation')
      }
    },
    on,
  )
  ws.addEventListener('close', (e) => closed(e.code === ENDED ? e.reason : ''), on)
  return {
    send(message) {
      if (ws.readyState === WebSocket.OPEN) ws.send(message)
    },
    close(ended) {
      live.abort()
      if (ended) setTimeout(() => ws.close(1000), LINGER)
      else ws.close(1000)
    },
  }
}
