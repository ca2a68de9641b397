// The decoder of RemoteFX tiles and NSCodec, with SIMD. It is given checked sizes and a memory that is large enough, and reads nothing else.
export { INPUT, QUANTS, SLACK, TILE } from './layout'
export { drawPlanes, unpackPlane } from './nscodec'
export { tile } from './tile'
