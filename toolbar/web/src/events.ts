// The events of the elements: they bubble and leave the shadow tree, so that a host can listen on any element above.

/** The session of an sp-session has ended, or this page's part in it. */
export interface ClosedDetail {
  session: string
  code: string
}

/** A session was created by a launcher. */
export interface StartedDetail {
  asset: string
  session: string
  url: string
  window: 'tab' | 'window' | 'embedded'
}

/** A request for access was made. */
export interface RequestedDetail {
  asset: string
  request: string
  /** The host's page of it; empty if the host has named none. */
  url: string
}

declare global {
  interface HTMLElementEventMap {
    'sp-closed': CustomEvent<ClosedDetail>
    'sp-active': CustomEvent<{ session: string }>
    'sp-requested': CustomEvent<RequestedDetail>
    'sp-started': CustomEvent<StartedDetail>
    'sp-cancel': CustomEvent<null>
  }
}

/** Makes an event that a host can hear and, if it may be, prevent. */
export function hostEvent<K extends keyof HTMLElementEventMap>(
  name: K,
  detail: HTMLElementEventMap[K] extends CustomEvent<infer D> ? D : never,
  cancelable = false,
): CustomEvent {
  return new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable })
}
