// What the client's build makes beside the bundle, by the names of its files, which lie where the bundle lies.
declare module 'built:screen' {
  /** The Worker that decodes pictures. */
  export const worker: string
  /** The decoder's module. */
  export const wasm: string
}
declare module 'built:sound' {
  /** The AudioWorklet that plays sound. */
  export const worklet: string
}
