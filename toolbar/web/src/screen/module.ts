import { wasm } from 'built:screen'

let loading: Promise<WebAssembly.Module | null> | undefined

/** The module of the decoder; null where the page's policy or the browser refuses it. It is compiled once. */
export function loadModule(): Promise<WebAssembly.Module | null> {
  loading ??= load()
  return loading
}

async function load(): Promise<WebAssembly.Module | null> {
  try {
    const answer = await fetch(new URL(wasm, import.meta.url), { credentials: 'same-origin' })
    return answer.ok ? await WebAssembly.compile(await answer.arrayBuffer()) : null
  } catch {
    return null
  }
}
