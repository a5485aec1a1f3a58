/** Greatest numbers that several formats share (SPEC 16.1, 17, 19). @module */

/** Greatest number of four bytes. */
export const MAX_UINT32 = 2 ** 32 - 1;

/** Greatest block number, five bytes; as the end of a key it means that no end is set (SPEC 8). */
export const MAX_BLOCK = 2 ** 40 - 1;
