import { type Decoder, TypeScriptDecoder } from './core/decoder.js'
import { WasmDecoder } from './wasm.js'

/** The decoder of a module; the one in TypeScript where there is none, or where the browser refuses it. */
export async function decoderOf(module: WebAssembly.Module | null): Promise<Decoder> {
  if (module) {
    try {
      return await WasmDecoder.of(module)
    } catch {
      // An old browser, or a policy that only says so now.
    }
  }
  return new TypeScriptDecoder()
}
