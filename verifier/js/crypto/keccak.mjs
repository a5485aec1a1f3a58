/**
 * Keccak-256, which the browser's `crypto.subtle` does not have (FIPS 202 section 3.2).
 *
 * A snapshot of many batches asks for hundreds of thousands of permutations, so that a round is written out, one
 * function a row. A state is 25 lanes, each as its low and then its high 32 bits.
 * @module
 */

const LANES = 25;
const ROUNDS = 24;
/** Bytes of a message in a block. */
const RATE = 136;

/** Halves of the round constants (FIPS 202 section 3.2.5). */
const ROUND_CONSTANTS = (() => {
  const [low, high] = [new Int32Array(ROUNDS), new Int32Array(ROUNDS)];
  let register = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let j = 0; j < 7; j += 1) {
      const bit = (1 << j) - 1;
      if (register & 1) (bit < 32 ? low : high)[round] ^= 1 << (bit & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
  }
  return { low, high };
})();

/**
 * What theta adds to each column.
 * @param {Int32Array} s state @param {Int32Array} d takes the five pairs of halves
 */
function columnParities(s, d) {
  const al = s[0] ^ s[10] ^ s[20] ^ s[30] ^ s[40];
  const ah = s[1] ^ s[11] ^ s[21] ^ s[31] ^ s[41];
  const bl = s[2] ^ s[12] ^ s[22] ^ s[32] ^ s[42];
  const bh = s[3] ^ s[13] ^ s[23] ^ s[33] ^ s[43];
  const cl = s[4] ^ s[14] ^ s[24] ^ s[34] ^ s[44];
  const ch = s[5] ^ s[15] ^ s[25] ^ s[35] ^ s[45];
  const dl = s[6] ^ s[16] ^ s[26] ^ s[36] ^ s[46];
  const dh = s[7] ^ s[17] ^ s[27] ^ s[37] ^ s[47];
  const el = s[8] ^ s[18] ^ s[28] ^ s[38] ^ s[48];
  const eh = s[9] ^ s[19] ^ s[29] ^ s[39] ^ s[49];
  d[0] = el ^ ((bl << 1) | (bh >>> 31));
  d[1] = eh ^ ((bh << 1) | (bl >>> 31));
  d[2] = al ^ ((cl << 1) | (ch >>> 31));
  d[3] = ah ^ ((ch << 1) | (cl >>> 31));
  d[4] = bl ^ ((dl << 1) | (dh >>> 31));
  d[5] = bh ^ ((dh << 1) | (dl >>> 31));
  d[6] = cl ^ ((el << 1) | (eh >>> 31));
  d[7] = ch ^ ((eh << 1) | (el >>> 31));
  d[8] = dl ^ ((al << 1) | (ah >>> 31));
  d[9] = dh ^ ((ah << 1) | (al >>> 31));
}

// Rows of a state after theta, rho, pi and chi: `s` is the state before, `d` what theta adds, `t` the state after.
// Where a lane is rotated by more than 32 bits, its halves change places.

/**
 * The first row: lanes 0, 6, 12, 18, 24, rotated by 0, 44, 43, 21, 14.
 * @param {Int32Array} s @param {Int32Array} d @param {Int32Array} t
 */
function mixFirstRow(s, d, t) {
  const al = s[0] ^ d[0];
  const ah = s[1] ^ d[1];
  const b1 = s[13] ^ d[3];
  const b2 = s[12] ^ d[2];
  const bl = (b1 << 12) | (b2 >>> 20);
  const bh = (b2 << 12) | (b1 >>> 20);
  const c1 = s[25] ^ d[5];
  const c2 = s[24] ^ d[4];
  const cl = (c1 << 11) | (c2 >>> 21);
  const ch = (c2 << 11) | (c1 >>> 21);
  const d1 = s[36] ^ d[6];
  const d2 = s[37] ^ d[7];
  const dl = (d1 << 21) | (d2 >>> 11);
  const dh = (d2 << 21) | (d1 >>> 11);
  const e1 = s[48] ^ d[8];
  const e2 = s[49] ^ d[9];
  const el = (e1 << 14) | (e2 >>> 18);
  const eh = (e2 << 14) | (e1 >>> 18);
  t[0] = al ^ (~bl & cl);
  t[1] = ah ^ (~bh & ch);
  t[2] = bl ^ (~cl & dl);
  t[3] = bh ^ (~ch & dh);
  t[4] = cl ^ (~dl & el);
  t[5] = ch ^ (~dh & eh);
  t[6] = dl ^ (~el & al);
  t[7] = dh ^ (~eh & ah);
  t[8] = el ^ (~al & bl);
  t[9] = eh ^ (~ah & bh);
}

/**
 * The second row: lanes 3, 9, 10, 16, 22, rotated by 28, 20, 3, 45, 61.
 * @param {Int32Array} s @param {Int32Array} d @param {Int32Array} t
 */
function mixSecondRow(s, d, t) {
  const a1 = s[6] ^ d[6];
  const a2 = s[7] ^ d[7];
  const al = (a1 << 28) | (a2 >>> 4);
  const ah = (a2 << 28) | (a1 >>> 4);
  const b1 = s[18] ^ d[8];
  const b2 = s[19] ^ d[9];
  const bl = (b1 << 20) | (b2 >>> 12);
  const bh = (b2 << 20) | (b1 >>> 12);
  const c1 = s[20] ^ d[0];
  const c2 = s[21] ^ d[1];
  const cl = (c1 << 3) | (c2 >>> 29);
  const ch = (c2 << 3) | (c1 >>> 29);
  const d1 = s[33] ^ d[3];
  const d2 = s[32] ^ d[2];
  const dl = (d1 << 13) | (d2 >>> 19);
  const dh = (d2 << 13) | (d1 >>> 19);
  const e1 = s[45] ^ d[5];
  const e2 = s[44] ^ d[4];
  const el = (e1 << 29) | (e2 >>> 3);
  const eh = (e2 << 29) | (e1 >>> 3);
  t[10] = al ^ (~bl & cl);
  t[11] = ah ^ (~bh & ch);
  t[12] = bl ^ (~cl & dl);
  t[13] = bh ^ (~ch & dh);
  t[14] = cl ^ (~dl & el);
  t[15] = ch ^ (~dh & eh);
  t[16] = dl ^ (~el & al);
  t[17] = dh ^ (~eh & ah);
  t[18] = el ^ (~al & bl);
  t[19] = eh ^ (~ah & bh);
}

/**
 * The third row: lanes 1, 7, 13, 19, 20, rotated by 1, 6, 25, 8, 18.
 * @param {Int32Array} s @param {Int32Array} d @param {Int32Array} t
 */
function mixThirdRow(s, d, t) {
  const a1 = s[2] ^ d[2];
  const a2 = s[3] ^ d[3];
  const al = (a1 << 1) | (a2 >>> 31);
  const ah = (a2 << 1) | (a1 >>> 31);
  const b1 = s[14] ^ d[4];
  const b2 = s[15] ^ d[5];
  const bl = (b1 << 6) | (b2 >>> 26);
  const bh = (b2 << 6) | (b1 >>> 26);
  const c1 = s[26] ^ d[6];
  const c2 = s[27] ^ d[7];
  const cl = (c1 << 25) | (c2 >>> 7);
  const ch = (c2 << 25) | (c1 >>> 7);
  const d1 = s[38] ^ d[8];
  const d2 = s[39] ^ d[9];
  const dl = (d1 << 8) | (d2 >>> 24);
  const dh = (d2 << 8) | (d1 >>> 24);
  const e1 = s[40] ^ d[0];
  const e2 = s[41] ^ d[1];
  const el = (e1 << 18) | (e2 >>> 14);
  const eh = (e2 << 18) | (e1 >>> 14);
  t[20] = al ^ (~bl & cl);
  t[21] = ah ^ (~bh & ch);
  t[22] = bl ^ (~cl & dl);
  t[23] = bh ^ (~ch & dh);
  t[24] = cl ^ (~dl & el);
  t[25] = ch ^ (~dh & eh);
  t[26] = dl ^ (~el & al);
  t[27] = dh ^ (~eh & ah);
  t[28] = el ^ (~al & bl);
  t[29] = eh ^ (~ah & bh);
}

/**
 * The fourth row: lanes 4, 5, 11, 17, 23, rotated by 27, 36, 10, 15, 56.
 * @param {Int32Array} s @param {Int32Array} d @param {Int32Array} t
 */
function mixFourthRow(s, d, t) {
  const a1 = s[8] ^ d[8];
  const a2 = s[9] ^ d[9];
  const al = (a1 << 27) | (a2 >>> 5);
  const ah = (a2 << 27) | (a1 >>> 5);
  const b1 = s[11] ^ d[1];
  const b2 = s[10] ^ d[0];
  const bl = (b1 << 4) | (b2 >>> 28);
  const bh = (b2 << 4) | (b1 >>> 28);
  const c1 = s[22] ^ d[2];
  const c2 = s[23] ^ d[3];
  const cl = (c1 << 10) | (c2 >>> 22);
  const ch = (c2 << 10) | (c1 >>> 22);
  const d1 = s[34] ^ d[4];
  const d2 = s[35] ^ d[5];
  const dl = (d1 << 15) | (d2 >>> 17);
  const dh = (d2 << 15) | (d1 >>> 17);
  const e1 = s[47] ^ d[7];
  const e2 = s[46] ^ d[6];
  const el = (e1 << 24) | (e2 >>> 8);
  const eh = (e2 << 24) | (e1 >>> 8);
  t[30] = al ^ (~bl & cl);
  t[31] = ah ^ (~bh & ch);
  t[32] = bl ^ (~cl & dl);
  t[33] = bh ^ (~ch & dh);
  t[34] = cl ^ (~dl & el);
  t[35] = ch ^ (~dh & eh);
  t[36] = dl ^ (~el & al);
  t[37] = dh ^ (~eh & ah);
  t[38] = el ^ (~al & bl);
  t[39] = eh ^ (~ah & bh);
}

/**
 * The fifth row: lanes 2, 8, 14, 15, 21, rotated by 62, 55, 39, 41, 2.
 * @param {Int32Array} s @param {Int32Array} d @param {Int32Array} t
 */
function mixFifthRow(s, d, t) {
  const a1 = s[5] ^ d[5];
  const a2 = s[4] ^ d[4];
  const al = (a1 << 30) | (a2 >>> 2);
  const ah = (a2 << 30) | (a1 >>> 2);
  const b1 = s[17] ^ d[7];
  const b2 = s[16] ^ d[6];
  const bl = (b1 << 23) | (b2 >>> 9);
  const bh = (b2 << 23) | (b1 >>> 9);
  const c1 = s[29] ^ d[9];
  const c2 = s[28] ^ d[8];
  const cl = (c1 << 7) | (c2 >>> 25);
  const ch = (c2 << 7) | (c1 >>> 25);
  const d1 = s[31] ^ d[1];
  const d2 = s[30] ^ d[0];
  const dl = (d1 << 9) | (d2 >>> 23);
  const dh = (d2 << 9) | (d1 >>> 23);
  const e1 = s[42] ^ d[2];
  const e2 = s[43] ^ d[3];
  const el = (e1 << 2) | (e2 >>> 30);
  const eh = (e2 << 2) | (e1 >>> 30);
  t[40] = al ^ (~bl & cl);
  t[41] = ah ^ (~bh & ch);
  t[42] = bl ^ (~cl & dl);
  t[43] = bh ^ (~ch & dh);
  t[44] = cl ^ (~dl & el);
  t[45] = ch ^ (~dh & eh);
  t[46] = dl ^ (~el & al);
  t[47] = dh ^ (~eh & ah);
  t[48] = el ^ (~al & bl);
  t[49] = eh ^ (~ah & bh);
}

const PARITIES = new Int32Array(10);

/** One round. @param {Int32Array} s state before @param {Int32Array} t state after @param {number} round */
function mixRound(s, t, round) {
  columnParities(s, PARITIES);
  mixFirstRow(s, PARITIES, t);
  mixSecondRow(s, PARITIES, t);
  mixThirdRow(s, PARITIES, t);
  mixFourthRow(s, PARITIES, t);
  mixFifthRow(s, PARITIES, t);
  t[0] ^= ROUND_CONSTANTS.low[round];
  t[1] ^= ROUND_CONSTANTS.high[round];
}

// What every call uses again, so that hashing allocates nothing but the digest.
const STATE = new Int32Array(2 * LANES);
const OTHER_STATE = new Int32Array(2 * LANES);
const LAST_BLOCK = new Uint8Array(RATE);
const LAST_VIEW = new DataView(LAST_BLOCK.buffer);
const DIGEST = new Uint8Array(32);
const DIGEST_VIEW = new DataView(DIGEST.buffer);

/** Add a block of a message to the state, and permute it. @param {DataView} view @param {number} at */
function absorb(view, at) {
  for (let i = 0; i < RATE / 4; i += 1) STATE[i] ^= view.getInt32(at + 4 * i, true);
  for (let round = 0; round < ROUNDS; round += 2) {
    mixRound(STATE, OTHER_STATE, round);
    mixRound(OTHER_STATE, STATE, round + 1);
  }
}

/**
 * Keccak-256 as Ethereum uses it: padding 0x01, where SHA3-256 has 0x06.
 * @param {Uint8Array} data @returns {Uint8Array} 32 bytes
 */
export function keccak256(data) {
  const whole = data.length - (data.length % RATE);
  STATE.fill(0);
  if (whole) {
    const view = new DataView(data.buffer, data.byteOffset, whole);
    for (let at = 0; at < whole; at += RATE) absorb(view, at);
  }
  LAST_BLOCK.fill(0);
  LAST_BLOCK.set(whole ? data.subarray(whole) : data);
  LAST_BLOCK[data.length - whole] = 0x01;
  LAST_BLOCK[RATE - 1] |= 0x80;
  absorb(LAST_VIEW, 0);
  for (let i = 0; i < 8; i += 1) DIGEST_VIEW.setInt32(4 * i, STATE[i], true);
  return DIGEST.slice();
}
