// The codec of the browser protocol `sallyport.v1` (pam/PROTOCOL.md). It does no I/O: splitMessage takes a WebSocket
// message of the gateway apart, the other functions each make one message. Text is the caller's to encode and decode.

/** The subprotocol that names this version. */
export const SUBPROTOCOL = 'sallyport.v1'

/** What a frame of the gateway carries. */
export type ServerKind = 'state' | 'end' | 'output' | 'screen' | 'cursor' | 'clipboard' | 'audio' | 'notice' | 'probed'

/** A frame of the gateway. The payload is a view of the message it came in. */
export interface ServerFrame {
  kind: ServerKind
  /** Forget what was before: what follows is complete. */
  key: boolean
  droppable: boolean
  payload: Uint8Array
}

/** What a frame of the browser carries. */
export type ClientKind =
  | 'hello'
  | 'key'
  | 'pointer'
  | 'resize'
  | 'paste'
  | 'ack'
  | 'visible'
  | 'disconnect'
  | 'copied'
  | 'probe'
  | 'listen'

/** The peer broke the protocol. */
export class FrameError extends Error {
  override name = 'FrameError'
}

/** The size of a frame's header: kind, flags, length. */
export const HEADER = 1 + 1 + 4
/** The most bytes of any payload. */
export const MAX_PAYLOAD = 1 << 20
/** The most bytes of one key frame: longer input is cut into several. */
export const MAX_INPUT = 64 << 10

const FLAG_KEY = 0x01
const FLAG_DROPPABLE = 0x02
const FLAG_BRACKETED = 0x01

interface ServerRule {
  kind: ServerKind
  min: number
  max?: number
  flags: number
}

const serverRules: ReadonlyMap<number, ServerRule> = new Map([
  [0x01, { kind: 'state', min: 2, flags: 0 }],
  [0x02, { kind: 'end', min: 2, flags: 0 }],
  [0x10, { kind: 'output', min: 0, flags: FLAG_KEY | FLAG_DROPPABLE }],
  [0x11, { kind: 'screen', min: 0, flags: FLAG_KEY | FLAG_DROPPABLE }],
  [0x12, { kind: 'cursor', min: 0, flags: FLAG_KEY | FLAG_DROPPABLE }],
  [0x13, { kind: 'clipboard', min: 0, flags: 0 }],
  [0x14, { kind: 'audio', min: 0, flags: FLAG_DROPPABLE }],
  [0x15, { kind: 'notice', min: 2, flags: 0 }],
  [0x16, { kind: 'probed', min: 8, max: 8, flags: 0 }],
])

const clientKinds: Readonly<Record<ClientKind, { byte: number; min: number; max: number; flags: number }>> = {
  hello: { byte: 0x80, min: 2, max: 4 << 10, flags: 0 },
  key: { byte: 0x81, min: 1, max: MAX_INPUT, flags: 0 },
  pointer: { byte: 0x82, min: 1, max: MAX_INPUT, flags: 0 },
  resize: { byte: 0x83, min: 8, max: 8, flags: 0 },
  paste: { byte: 0x84, min: 1, max: MAX_PAYLOAD, flags: FLAG_BRACKETED },
  ack: { byte: 0x85, min: 8, max: 8, flags: 0 },
  visible: { byte: 0x86, min: 1, max: 1, flags: 0 },
  disconnect: { byte: 0x87, min: 0, max: 0, flags: 0 },
  copied: { byte: 0x88, min: 1, max: MAX_PAYLOAD, flags: 0 },
  probe: { byte: 0x89, min: 8, max: 8, flags: 0 },
  listen: { byte: 0x8a, min: 1, max: 1, flags: 0 },
}

/** Whether payloads of a kind count against the window. */
export function counted(kind: ServerKind): boolean {
  switch (kind) {
    case 'output':
    case 'screen':
    case 'cursor':
    case 'clipboard':
    case 'audio':
      return true
    case 'state':
    case 'end':
    case 'notice':
    case 'probed':
      return false
    default:
      return kind satisfies never
  }
}

/** Takes a message of the gateway apart. It throws a FrameError if a single byte is not as it must be. */
export function splitMessage(message: Uint8Array): ServerFrame[] {
  if (message.length === 0) throw new FrameError('empty message')
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const frames: ServerFrame[] = []
  let at = 0
  while (at < message.length) {
    if (message.length - at < HEADER) throw new FrameError('short header')
    const rule = serverRules.get(view.getUint8(at))
    if (!rule) throw new FrameError(`unknown kind ${view.getUint8(at)}`)
    const flags = view.getUint8(at + 1)
    if ((flags & ~rule.flags) !== 0) throw new FrameError(`${rule.kind}: unknown flags ${flags}`)
    const length = view.getUint32(at + 2)
    at += HEADER
    if (length < rule.min || length > (rule.max ?? MAX_PAYLOAD)) throw new FrameError(`${rule.kind}: ${length} bytes`)
    if (length > message.length - at) throw new FrameError(`${rule.kind}: ${length} bytes beyond the message`)
    frames.push({
      kind: rule.kind,
      key: (flags & FLAG_KEY) !== 0,
      droppable: (flags & FLAG_DROPPABLE) !== 0,
      payload: message.subarray(at, at + length),
    })
    at += length
  }
  return frames
}

/** One message of one frame. A payload that the gateway would refuse is a RangeError. */
export function clientFrame(kind: ClientKind, payload: Uint8Array, flags = 0): Uint8Array<ArrayBuffer> {
  const rule = clientKinds[kind]
  if (payload.length < rule.min || payload.length > rule.max) throw new RangeError(`${kind}: ${payload.length} bytes`)
  if ((flags & ~rule.flags) !== 0) throw new RangeError(`${kind}: flags ${flags}`)
  const message = new Uint8Array(HEADER + payload.length)
  const view = new DataView(message.buffer)
  view.setUint8(0, rule.byte)
  view.setUint8(1, flags)
  view.setUint32(2, payload.length)
  message.set(payload, HEADER)
  return message
}

/** The size of a terminal in cells, and in pixels if known (else 0). */
export interface Size {
  cols: number
  rows: number
  width: number
  height: number
}

const u16 = (n: number): number => Math.max(0, Math.min(0xffff, Math.round(n)))

/** A resize message. Numbers beyond 16 bits are capped. */
export function resizeFrame(size: Size): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(8)
  const view = new DataView(payload.buffer)
  view.setUint16(0, u16(size.cols))
  view.setUint16(2, u16(size.rows))
  view.setUint16(4, u16(size.width))
  view.setUint16(6, u16(size.height))
  return clientFrame('resize', payload)
}

/** An acknowledgement of all bytes consumed on this socket so far. */
export function ackFrame(total: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(8)
  new DataView(payload.buffer).setBigUint64(0, BigInt(total))
  return clientFrame('ack', payload)
}

/** Tells whether the page can be seen. */
export function visibleFrame(visible: boolean): Uint8Array<ArrayBuffer> {
  return clientFrame('visible', Uint8Array.of(visible ? 1 : 0))
}

/** Tells whether the page plays sound. */
export function listenFrame(listens: boolean): Uint8Array<ArrayBuffer> {
  return clientFrame('listen', Uint8Array.of(listens ? 1 : 0))
}

/** Text from the clipboard. bracketed: the terminal has bracketed paste on. */
export function pasteFrame(text: Uint8Array, bracketed: boolean): Uint8Array<ArrayBuffer> {
  return clientFrame('paste', text, bracketed ? FLAG_BRACKETED : 0)
}

/** Keyboard input as messages, cut at the limit of one. No input makes no message. */
export function keyFrames(input: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const messages: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0; at < input.length; at += MAX_INPUT) {
    messages.push(clientFrame('key', input.subarray(at, at + MAX_INPUT)))
  }
  return messages
}
