import type { Again, Code } from './types.js'

/** The gateway refused, with a code of its closed set. */
export class Refused extends Error {
  override name = 'Refused'
  constructor(
    readonly code: Code,
    readonly text = '',
    /** The parameter at fault, if one is. */
    readonly field = '',
    readonly again: Again = { after: 0 },
  ) {
    super(code)
  }
}

/** What GET api/session/{id} tells, as far as it is used. */
export interface SessionInfo {
  completed: boolean
  assetID: string
  assetName: string
  assetURL: string
  protocol: string
  reason: string
  code: Code
  created: string
  ended: string
  params: Record<string, string>
}

/** What POST api/session/{id}/attach gives: good for one hello. */
export interface Ticket {
  ticket: string
  socket: string
}

/** What a socket reports. After closed nothing comes. */
export interface SocketEvents {
  opened(): void
  message(bytes: Uint8Array): void
  /** code is the gateway's, if it gave one; empty: the connection was lost. */
  closed(code: Code): void
}

/** One WebSocket. */
export interface Socket {
  send(message: Uint8Array<ArrayBuffer>): void
  /** Reports nothing any more and closes. ended: the gateway has said its last word and closes it itself. */
  close(ended: boolean): void
}

/** The gateway as one session sees it. A promise is rejected with Refused, or with anything else if it was not reached. */
export interface Gateway {
  session(): Promise<SessionInfo>
  attach(): Promise<Ticket>
  end(): Promise<void>
  /** Keeps display parameters. */
  display(params: Record<string, string>): Promise<void>
  connect(ticket: Ticket, events: SocketEvents): Socket
}

/** UTF-8, which the language itself does not have. */
export interface Text {
  encode(s: string): Uint8Array<ArrayBuffer>
  decode(b: Uint8Array): string
}
