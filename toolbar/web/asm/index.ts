// The decoder with SIMD. It is given checked sizes and a memory that is large enough, and touches nothing else. Where pixels go is `to`, the first
// byte of the top left one; rows are stride bytes apart.
export { interleaved } from './interleaved'
export { FREE, QUANTS, SLACK } from './layout'
export { drawPlanes, unpackPlane } from './nscodec'
export { planar } from './planar'
export { tile } from './tile'
