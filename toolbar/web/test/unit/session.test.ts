import { beforeEach, describe, expect, it } from 'vitest'
import type { ServerFrame } from '../../src/core/frame.js'
import { type Gateway, Refused, type SessionInfo, type SocketEvents } from '../../src/core/gateway.js'
import { type Phase, Session } from '../../src/core/session.js'
import type { Notice } from '../../src/core/types.js'
import { settle, TestClock } from './clock.js'

const text = {
  encode: (s: string) => new TextEncoder().encode(s),
  decode: (b: Uint8Array) => new TextDecoder().decode(b),
}

function frame(kind: number, payload: Uint8Array | object, flags = 0): Uint8Array {
  const body = payload instanceof Uint8Array ? payload : text.encode(JSON.stringify(payload))
  const message = new Uint8Array(6 + body.length)
  message.set([kind, flags])
  new DataView(message.buffer).setUint32(2, body.length)
  message.set(body, 6)
  return message
}

const live = {
  session: 's1',
  mode: 'owner',
  asset: { id: 'web-01', name: 'web-01', protocol: 'ssh' },
  state: 'active',
  recorded: true,
  capabilities: { keyboard: 'allow', clipboard_upload: 'record', clipboard_download: 'record' },
  people: [{ name: 'Anna', mode: 'owner', self: true }],
  params: { term: 'xterm' },
  window: 524288,
  ack: 65536,
  reconnect_window: 60,
}

const info: SessionInfo = {
  completed: false,
  assetID: 'web-01',
  assetName: 'web-01',
  assetURL: '',
  protocol: 'ssh',
  reason: '',
  code: '',
  created: '',
  ended: '',
  params: {},
}

class World {
  clock = new TestClock()
  phases: Phase[] = []
  notices: Notice[] = []
  outputs: { frame: ServerFrame; done: () => void }[] = []
  sockets: { events: SocketEvents; sent: Uint8Array[]; closed: boolean }[] = []
  session: Session
  attaches = 0
  ends = 0
  displayed: Record<string, string>[] = []
  refuse: unknown
  info: SessionInfo | Refused = info

  constructor() {
    const gateway: Gateway = {
      session: async () => {
        if (this.info instanceof Refused) throw this.info
        return this.info
      },
      attach: async () => {
        this.attaches++
        if (this.refuse) throw this.refuse
        return { ticket: `ticket-${this.attaches}`, socket: '' }
      },
      end: async () => {
        this.ends++
      },
      display: async (params) => {
        this.displayed.push(params)
      },
      connect: (_, events) => {
        const socket = { events, sent: [] as Uint8Array[], closed: false }
        this.sockets.push(socket)
        return {
          send: (m) => socket.sent.push(m),
          close: () => {
            socket.closed = true
          },
        }
      },
    }
    this.session = new Session({
      gateway,
      clock: this.clock,
      text,
      random: () => 0.5,
      host: {
        changed: (p) => this.phases.push(p),
        prepare: async () => {},
        output: (f) => new Promise((done) => this.outputs.push({ frame: f, done })),
        notice: (n) => this.notices.push(n),
        size: () => ({ cols: 132, rows: 43, width: 800, height: 600 }),
      },
    })
  }

  get socket() {
    const last = this.sockets[this.sockets.length - 1]
    if (!last) throw new Error('no socket')
    return last
  }

  get phase(): Phase {
    return this.session.phase
  }

  /** Frames of a kind that were sent on the present socket. */
  sent(kind: number): Uint8Array[] {
    return this.socket.sent.filter((m) => m[0] === kind).map((m) => m.subarray(6))
  }

  async open(): Promise<void> {
    this.session.start()
    await settle()
    this.socket.events.opened()
    this.socket.events.message(frame(0x01, live))
  }
}

let w: World
beforeEach(() => {
  w = new World()
})

describe('attaching', () => {
  it('L5 sends the ticket as the first message, with the size of the terminal', async () => {
    await w.open()
    const hello = w.socket.sent[0]
    expect(hello?.[0]).toBe(0x80)
    expect(JSON.parse(text.decode(hello?.subarray(6) ?? new Uint8Array()))).toEqual({
      ticket: 'ticket-1',
      cols: 132,
      rows: 43,
      width: 800,
      height: 600,
    })
    expect(w.phase.kind).toBe('live')
    expect(w.clock.pending).toBe(0)
  })

  it('tells of a session that has ended instead of attaching', async () => {
    w.info = { ...info, completed: true, code: 'target_auth_failed', reason: 'target_error', created: 'a', ended: 'b' }
    w.session.start()
    await settle()
    expect(w.attaches).toBe(0)
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'target_auth_failed', started: 'a', ended: 'b' } })
  })

  it('says why the gateway refuses', async () => {
    w.refuse = new Refused('other_login')
    w.session.start()
    await settle()
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'other_login' } })
    expect(w.clock.pending).toBe(0)
  })

  it('asks what became of a session that has just ended', async () => {
    await w.open()
    w.refuse = new Refused('session_ended')
    w.info = { ...info, completed: true, code: 'idle', reason: 'idle' }
    w.socket.events.closed('')
    await settle()
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'idle' } })
  })

  it('gives up on a socket that never sends a state', async () => {
    w.session.start()
    await settle()
    w.socket.events.opened()
    w.clock.pass(20_000)
    await settle()
    expect(w.sockets.length).toBe(2)
  })

  it('takes bytes that break the protocol as the end', async () => {
    await w.open()
    w.socket.events.message(Uint8Array.of(0x7f, 0, 0, 0, 0, 0))
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'protocol_violation' } })
    expect(w.socket.closed).toBe(true)
  })
})

describe('losing and coming back', () => {
  it('C2 attaches again at once, then with growing waits, for as long as the session waits', async () => {
    await w.open()
    w.refuse = new TypeError('no network')
    w.socket.events.closed('')
    await settle()
    const waits: number[] = []
    while (w.phase.kind === 'lost') {
      const wait = w.phase.at - w.clock.now()
      waits.push(wait)
      w.clock.pass(wait)
      await settle()
    }
    expect(waits.slice(0, 6)).toEqual([750, 1500, 3000, 6000, 7500, 7500])
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'network_lost' } })
    expect(w.clock.pending).toBe(0)
  })

  it('C2 is live again after a new hello, and counts attempts anew', async () => {
    await w.open()
    w.refuse = new TypeError('no network')
    w.socket.events.closed('')
    await settle()
    w.refuse = undefined
    w.session.tryNow()
    await settle()
    w.socket.events.opened()
    w.socket.events.message(frame(0x01, live))
    expect(w.phase.kind).toBe('live')
    expect(w.clock.pending).toBe(0)
    w.socket.events.closed('')
    expect(w.phase).toMatchObject({ kind: 'lost', attempt: 1 })
  })

  it('C2 leaves a session that was opened elsewhere, and takes it back', async () => {
    await w.open()
    w.socket.events.message(frame(0x02, { code: 'opened_elsewhere' }))
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'opened_elsewhere' } })
    w.clock.pass(120_000)
    await settle()
    expect(w.attaches).toBe(1)
    w.session.start()
    await settle()
    w.socket.events.opened()
    w.socket.events.message(frame(0x01, live))
    expect(w.phase.kind).toBe('live')
  })

  it('S36 neither queues nor replays input while the connection is away', async () => {
    await w.open()
    w.session.key(text.encode('a'))
    w.socket.events.closed('')
    await settle()
    w.session.key(text.encode('rm -rf /\r'))
    expect(w.session.paste('x', false)).toBe('not_live')
    w.socket.events.opened()
    w.socket.events.message(frame(0x01, live))
    expect(w.sockets.length).toBe(2)
    expect(w.sent(0x81)).toEqual([])
    expect(w.sent(0x84)).toEqual([])
  })

  it('takes the code of a socket that the gateway closes', async () => {
    await w.open()
    w.socket.events.closed('revoked')
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'revoked' } })
  })

  it('ignores what an older socket still says', async () => {
    await w.open()
    const old = w.socket
    old.events.closed('')
    await settle()
    old.events.message(frame(0x02, { code: 'terminated' }))
    expect(w.phase.kind).toBe('lost')
  })
})

describe('flow control', () => {
  const chunk = new Uint8Array(40_000)

  it('acknowledges what has been parsed, not what has arrived', async () => {
    await w.open()
    w.socket.events.message(frame(0x10, chunk))
    w.socket.events.message(frame(0x10, chunk))
    w.clock.pass(1000)
    expect(w.sent(0x85)).toEqual([])
    for (const o of w.outputs) o.done()
    await settle()
    expect(w.sent(0x85).map((p) => Number(new DataView(p.buffer, p.byteOffset).getBigUint64(0)))).toEqual([80_000])
  })

  it('acknowledges the last bytes 50 ms later', async () => {
    await w.open()
    w.socket.events.message(frame(0x10, chunk))
    w.outputs[0]?.done()
    await settle()
    w.clock.pass(49)
    expect(w.sent(0x85)).toEqual([])
    w.clock.pass(1)
    expect(w.sent(0x85).length).toBe(1)
    w.clock.pass(1000)
    expect(w.sent(0x85).length).toBe(1)
  })

  it('waits for no timer while the page is covered', async () => {
    await w.open()
    w.session.visible(false)
    w.socket.events.message(frame(0x10, chunk))
    w.outputs[0]?.done()
    await settle()
    expect(w.sent(0x85).length).toBe(1)
    expect(w.sent(0x86)).toEqual([Uint8Array.of(0)])
  })

  it('counts notices and states out', async () => {
    await w.open()
    w.socket.events.message(frame(0x15, { code: 'env_refused', text: 'LANG' }))
    w.clock.pass(1000)
    expect(w.notices).toEqual([{ code: 'env_refused', text: 'LANG' }])
    expect(w.sent(0x85)).toEqual([])
  })

  it('does not acknowledge on a new socket what came on the old one', async () => {
    await w.open()
    w.socket.events.message(frame(0x10, chunk))
    w.socket.events.closed('')
    await settle()
    w.socket.events.opened()
    w.socket.events.message(frame(0x01, live))
    w.outputs[0]?.done()
    await settle()
    w.clock.pass(1000)
    expect(w.sent(0x85)).toEqual([])
  })
})

describe('capabilities', () => {
  it('S23 sends nothing that the state does not permit', async () => {
    await w.open()
    w.socket.events.message(frame(0x01, { ...live, mode: 'monitor', capabilities: {} }))
    w.session.key(text.encode('a'))
    w.session.copied('secret')
    w.session.resize({ cols: 1, rows: 1, width: 0, height: 0 })
    expect(w.session.paste('x', false)).toBe('denied')
    expect(w.socket.sent.length).toBe(1)
  })

  it('sends no input to a suspended session', async () => {
    await w.open()
    w.socket.events.message(frame(0x01, { ...live, state: 'suspended' }))
    w.session.key(text.encode('a'))
    expect(w.socket.sent.length).toBe(1)
  })

  it('I6 pastes as paste, with the terminal’s mode, up to 1 MiB', async () => {
    await w.open()
    expect(w.session.paste('grüße\n', true)).toBe('sent')
    expect(w.session.paste('', true)).toBe('empty')
    expect(w.session.paste('ü'.repeat(1 << 19), false)).toBe('sent')
    expect(w.session.paste(`${'ü'.repeat(1 << 19)}x`, false)).toBe('too_large')
    const pastes = w.socket.sent.filter((m) => m[0] === 0x84)
    expect(pastes.map((m) => m[1])).toEqual([1, 0])
  })

  it('I8 tells what was copied only where copies are recorded', async () => {
    await w.open()
    w.session.copied('日本')
    w.socket.events.message(frame(0x01, { ...live, capabilities: { clipboard_download: 'allow' } }))
    w.session.copied('free')
    expect(w.sent(0x88).map((p) => text.decode(p))).toEqual(['日本'])
  })

  it('cuts long copies between characters', async () => {
    await w.open()
    w.session.copied(`x${'日'.repeat(400_000)}`)
    const parts = w.sent(0x88)
    expect(parts.length).toBe(2)
    expect(parts.map((p) => text.decode(p)).join('')).toBe(`x${'日'.repeat(400_000)}`)
  })
})

describe('ending', () => {
  it('I26 asks the gateway to end the session, and waits for its word', async () => {
    await w.open()
    w.session.disconnect()
    expect(w.sent(0x87)).toEqual([new Uint8Array(0)])
    expect(w.phase.kind).toBe('live')
    w.socket.events.message(frame(0x02, { code: 'user_disconnect', reason: 'user_disconnect' }))
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'user_disconnect' } })
    expect(w.ends).toBe(0)
  })

  it('ends a lost session over HTTP', async () => {
    await w.open()
    w.socket.events.closed('')
    w.session.disconnect()
    await settle()
    expect(w.ends).toBe(1)
    expect(w.phase).toMatchObject({ kind: 'closed', end: { code: 'user_disconnect' } })
  })

  it('keeps the status and the words of the target', async () => {
    await w.open()
    w.socket.events.message(frame(0x02, { code: 'remote_logoff', status: 3, text: '<b>bye</b>', signal: 'HUP' }))
    expect(w.phase).toMatchObject({ kind: 'closed', end: { status: 3, text: '<b>bye</b>', signal: 'HUP' } })
  })
})

describe('watching', () => {
  it('J2 a monitor sends nothing, whatever its capabilities say', async () => {
    await w.open()
    const capabilities = { keyboard: 'allow', clipboard_upload: 'allow' }
    w.socket.events.message(frame(0x01, { ...live, mode: 'monitor', capabilities }))
    w.session.key(text.encode('x'))
    expect(w.session.paste('x', false)).toBe('denied')
    w.session.resize({ cols: 10, rows: 10, width: 0, height: 0 })
    w.session.display({ font_size: '20' })
    expect([...w.sent(0x81), ...w.sent(0x84), ...w.sent(0x83)]).toEqual([])
    expect(w.displayed).toEqual([])
    w.socket.events.message(frame(0x01, { ...live, mode: 'participate', capabilities }))
    w.session.key(text.encode('x'))
    expect(w.session.paste('y', false)).toBe('sent')
    w.session.resize({ cols: 10, rows: 10, width: 0, height: 0 })
    expect(w.sent(0x81).length).toBe(1)
    expect(w.sent(0x83)).toEqual([])
  })
})

describe('listening', () => {
  it('I7 is told when it changes, and again to each new socket while it holds', async () => {
    await w.open()
    expect(w.sent(0x8a)).toEqual([])
    w.session.listens(true)
    w.session.listens(true)
    expect(w.sent(0x8a)).toEqual([Uint8Array.of(1)])
    w.socket.events.closed('')
    await settle()
    w.socket.events.opened()
    expect(w.sent(0x8a)).toEqual([]) // not before the hello is accepted
    w.socket.events.message(frame(0x01, live))
    expect(w.sent(0x8a)).toEqual([Uint8Array.of(1)])
    w.session.listens(false)
    expect(w.sent(0x8a)).toEqual([Uint8Array.of(1), Uint8Array.of(0)])
  })
})
