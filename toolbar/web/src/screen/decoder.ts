import { type Decoder, TypeScriptDecoder } from './core/decoder.js'

/** The decoder of a module; the one in TypeScript where there is none, or where it cannot be made. */
export async function decoderOf(_module: WebAssembly.Module | null): Promise<Decoder> {
  return new TypeScriptDecoder()
}
