/** Time, injected: tests drive it, pages use the window's. */
export interface Clock {
  now(): number
  /** Milliseconds that only grow, with fractions: for differences. */
  ticks(): number
  /** Calls fn after ms milliseconds; the answer cancels. */
  after(ms: number, fn: () => void): () => void
}
