/** The module of the decoder; null where the page's policy or the browser refuses it. */
export async function loadModule(): Promise<WebAssembly.Module | null> {
  return null
}
