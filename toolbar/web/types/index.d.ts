// Declarations of the components for hosts' own pages: what assets/index.js exports and defines. The tests hold them
// against the sources.

/** A session was created by a launcher. */
export interface StartedDetail {
  asset: string
  session: string
  /** The address of the session's page. */
  url: string
  window: 'tab' | 'window' | 'embedded'
}

/** The session of an sp-session has ended, or this page's part in it. */
export interface ClosedDetail {
  session: string
  /** Why: a code of the gateway's closed set. */
  code: string
}

/** A request for access was made by a form. */
export interface RequestedDetail {
  asset: string
  request: string
  /** The host's page of it; empty if the host has named none. */
  url: string
}

/**
 * `<sp-access-button asset="…">`: the Access button of an asset, rendered only where the gateway permits a session; a
 * click opens the launcher. Where approval is needed it leads to the host's pages of requests, if there are some. Fires sp-started. Slot: another label. Part: button.
 */
export class SpAccessButton extends HTMLElement {
  /** The asset's id; attribute asset. */
  asset: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
  /** The host's address of its pages of requests, on this origin: new?asset=ID and ID below it; attribute requests. */
  requests: string
  /** Asks the gateway again whether a session is permitted. */
  refresh(): Promise<void>
}

/**
 * `<sp-launcher asset="…">`: the session launcher, a dialog. Fires sp-started, which a host prevents to open the session
 * itself, and sp-cancel. Part: dialog.
 */
export class SpLauncher extends HTMLElement {
  /** The asset's id; attribute asset. */
  asset: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
  /** Opens the dialog with the present state of the gateway. */
  open(): Promise<void>
  /** Closes the dialog. */
  close(): void
}

/**
 * `<sp-request-form asset="…">`: the form that asks for approval of access. Fires sp-requested, which a host prevents to
 * show the request itself.
 */
export class SpRequestForm extends HTMLElement {
  /** The asset's id; attribute asset. */
  asset: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
  /** The host's address of its pages of requests, on this origin; attribute requests. */
  requests: string
  /** Asks the gateway again what is to be asked for. */
  refresh(): Promise<void>
}

/**
 * `<sp-request request-id="…">`: one access request, which moves on by itself; offers the session when its time has come, and
 * the decision to those who may decide.
 */
export class SpRequest extends HTMLElement {
  /** The request; attribute request-id. */
  requestId: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
}

/** `<sp-requests requests="…">`: the requests to decide about, one's own and, for site roles, all. */
export class SpRequests extends HTMLElement {
  /** The host's address of its pages of requests, on this origin; attribute requests. */
  requests: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
  /** Whether there is a list of everybody's; attribute all. */
  all: boolean
  /** Asks the gateway again. */
  refresh(): Promise<void>
}

/**
 * `<sp-player session-id="…">`: plays the recording of a session, for those who may. Opening it is an audit event. Parts: stage, controls.
 */
export class SpPlayer extends HTMLElement {
  sessionId: string
  /** Shown until the gateway tells the name. */
  assetName: string
  /** The address of the broker's mount, on this origin; default: where the bundle came from. */
  base: string
  /** The element is what the page is about: the asset's name is the page's heading. */
  page: boolean
}

/**
 * `<sp-session session-id="…">`: one session, which fills the element's box. Fires sp-active and sp-closed. Slot: items
 * for the toolbar, after Session URL. Parts: stage, screen.
 */
export class SpSession extends HTMLElement {
  /** The session; attribute session-id. */
  sessionId: string
  /** Shown until the gateway tells the name; attribute asset-name. */
  assetName: string
  /** The address of the broker's mount, on this origin; attribute base. Default: where the bundle came from. */
  base: string
  /** Whether the element is the whole page: it sets the title and asks before leaving; attribute page. */
  page: boolean
  /** Shows a message at the corner of the session. */
  toast(text: string, kind?: 'ok' | 'info' | 'warn' | 'danger'): void
}

/** Takes the first language of the list, as BCP 47 tags, for which there is a catalogue; English if there is none. */
export function chooseLocale(wanted: readonly string[]): Promise<void>

declare global {
  interface HTMLElementTagNameMap {
    'sp-access-button': SpAccessButton
    'sp-launcher': SpLauncher
    'sp-request-form': SpRequestForm
    'sp-request': SpRequest
    'sp-requests': SpRequests
    'sp-session': SpSession
    'sp-player': SpPlayer
  }
  interface HTMLElementEventMap {
    'sp-active': CustomEvent<{ session: string }>
    'sp-cancel': CustomEvent<null>
    'sp-closed': CustomEvent<ClosedDetail>
    'sp-requested': CustomEvent<RequestedDetail>
    'sp-started': CustomEvent<StartedDetail>
  }
}
