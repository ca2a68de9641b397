// The Worker that decodes and shows a desktop. It fetches nothing, and the policy that its file is served with forbids it to.
import { decoderOf } from './decoder.js'
import { Engine } from './engine.js'
import type { FromWorker, ToWorker } from './messages.js'

/** What of a Worker's global scope is used here: the page's types are another world. */
interface Scope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}

const scope = self as unknown as Scope
let engine: Engine | undefined

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'canvas':
      engine = new Engine(data.canvas, 'worker', {
        desktop: (width, height) => scope.postMessage({ type: 'desktop', width, height }),
        consumed: (bytes) => scope.postMessage({ type: 'consumed', bytes }),
        fault: (text) => scope.postMessage({ type: 'fault', text }),
        stats: (stats) => scope.postMessage({ type: 'stats', stats }),
      })
      break
    case 'module':
      void decoderOf(data.module).then((decoder) => {
        engine?.use(decoder)
        scope.postMessage({ type: 'ready', decoder: decoder.name })
      })
      break
    case 'payload':
      engine?.push(data.payload)
      break
    case 'stats':
      void engine?.stats().then((stats) => scope.postMessage({ type: 'stats', id: data.id, stats }))
      break
    case 'snapshot':
      void engine?.snapshot().then((snapshot) => {
        scope.postMessage({ type: 'snapshot', id: data.id, snapshot }, [snapshot.pixels.buffer])
      })
      break
    default:
      data satisfies never
  }
}

scope.postMessage({ type: 'hello' })
