import type { PropertyDeclarations, PropertyValues } from 'lit'
import { Refused } from '../core/gateway.js'
import { SpElement } from './base.js'

/** What draws a session: a terminal or a desktop. */
export type Screens =
  | { kind: 'terminal'; open: typeof import('../term/xterm.js')['openTerminal'] }
  | { kind: 'desk'; open: typeof import('../desk/desk.js')['openDesk'] }

/** What shows one session, live or recorded: the attributes that say which, and the way to what draws it. */
export abstract class SpViewer extends SpElement {
  static override properties: PropertyDeclarations = {
    sessionId: { attribute: 'session-id' },
    assetName: { attribute: 'asset-name' },
    base: {},
    page: { type: Boolean },
  }
  declare sessionId: string
  declare assetName: string
  declare base: string
  declare page: boolean

  constructor() {
    super()
    this.sessionId = ''
    this.assetName = ''
    this.base = ''
    this.page = false
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (this.hasUpdated && (changed.has('sessionId') || changed.has('base'))) this.reopen()
  }

  /** Another session is to be shown. */
  protected abstract reopen(): void
}

/** Loads what draws the sessions of a protocol, when it is known. */
export async function screensOf(protocol: string): Promise<Screens> {
  try {
    if (protocol === 'rdp') return { kind: 'desk', open: (await import('../desk/desk.js')).openDesk }
    return { kind: 'terminal', open: (await import('../term/xterm.js')).openTerminal }
  } catch {
    // A part of the client that is not there any more: the gateway has been renewed since this page was loaded.
    throw new Refused('reload')
  }
}
