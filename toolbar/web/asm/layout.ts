// Where things lie in the module's memory. There is no heap: the caller grows the memory, and says where in the free part pixels, input and
// what is made of it stand.

/** Coefficients of a component of a tile, 16 bits each. */
export const AREA: i32 = 64 * 64
export const COMPONENT: usize = 2 * AREA

/** The quantisation of a tile: 15 bytes. */
export const QUANTS: usize = 1024
/** Y, Cb and Cr, and room to transform one. */
export const COEFFS: usize = 4096
export const WORK: usize = COEFFS + 3 * COMPONENT
/** The table of runs of zeros: 81 parameters, 16 lengths. */
export const RUNS: usize = WORK + COMPONENT
/** Room for eight pixels that are not all wanted. */
export const SPARE: usize = RUNS + 81 * 16 * 4
/** From here on memory is free. */
export const FREE: usize = 64 << 10
/** How many bytes around anything may be touched: what they hold never matters. */
export const SLACK: usize = 64
