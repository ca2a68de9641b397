// Where things lie in the module's memory. There is no heap: the page side says how long the input is, and grows the memory for it.

/** Coefficients of a component of a tile, 16 bits each. */
export const AREA: i32 = 64 * 64
export const COMPONENT: usize = 2 * AREA

/** The quantisation of a tile: 15 bytes. */
export const QUANTS: usize = 1024
/** Y, Cb and Cr, and room to transform one. */
export const COEFFS: usize = 4096
export const WORK: usize = COEFFS + 3 * COMPONENT
/** A decoded tile, rows without gaps. */
export const TILE: usize = WORK + COMPONENT
/** The table of runs of zeros: 81 parameters, 16 lengths. */
export const RUNS: usize = TILE + 4 * AREA
/** Where input stands; what is made of it follows. */
export const INPUT: usize = 64 << 10
/** How many bytes around anything may be touched: what they hold never matters. */
export const SLACK: usize = 64
