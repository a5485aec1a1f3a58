/**
 * Hash functions: SHA-256 and SHA-512 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), SM3 (GB/T 32905), Keccak-256.
 *
 * The browser's `crypto.subtle` has neither Keccak-256 nor SM3, and answers only asynchronously.
 * @module
 */

import { concat, hexToBytes, uintToBytes } from "../bytes.mjs";

/** The first `count` primes. @param {number} count @returns {number[]} */
function primes(count) {
  /** @type {number[]} */ const found = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    if (found.every((prime) => candidate % prime)) found.push(candidate);
  }
  return found;
}

/** Floor of the `degree`-th root of `value`, by bisection. @param {bigint} value @param {bigint} degree */
function floorRoot(value, degree) {
  let low = 0n;
  let high = 1n << 80n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= value) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * First 64 bits of the fraction of a prime's root (FIPS 180-4 section 4.2).
 * @param {number} prime @param {bigint} degree
 */
const rootBits = (prime, degree) => BigInt.asUintN(64, floorRoot(BigInt(prime) << (64n * degree), degree));

const SHA512_ROUNDS = primes(80).map((prime) => rootBits(prime, 3n));
const SHA512_START = primes(8).map((prime) => rootBits(prime, 2n));
const SHA256_ROUNDS = Int32Array.from(SHA512_ROUNDS.slice(0, 64), (bits) => Number(bits >> 32n));
const SHA256_START = SHA512_START.map((bits) => Number(bits >> 32n));

/**
 * Call `compress` with each block of the padded message (Merkle-Damgård construction).
 * @param {Uint8Array} data @param {number} size of a block, in bytes
 * @param {(view: DataView, at: number) => void} compress
 */
function forEachBlock(data, size, compress) {
  const whole = data.length - (data.length % size);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < whole; at += size) compress(view, at);
  const rest = data.subarray(whole);
  const tail = new Uint8Array(rest.length + 1 + size / 8 > size ? 2 * size : size);
  tail.set(rest);
  tail[rest.length] = 0x80;
  tail.set(uintToBytes(data.length * 8, 8), tail.length - 8);
  const last = new DataView(tail.buffer);
  for (let at = 0; at < tail.length; at += size) compress(last, at);
}

/** Big-endian bytes of 32-bit words. @param {Int32Array} words @returns {Uint8Array} */
function wordsToBytes(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setInt32(4 * at, word));
  return bytes;
}

/** Message schedule, allocated once: this is called for each 64 bytes of a document. */
const SHA256_WORDS = new Int32Array(64);

/** Compression function of SHA-256. @param {Int32Array} state @param {DataView} view @param {number} at */
function sha256Block(state, view, at) {
  const w = SHA256_WORDS;
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_ROUNDS[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** SHA-256 (FIPS 180-4). @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
export function sha256(data) {
  const state = Int32Array.from(SHA256_START);
  forEachBlock(data, 64, (view, at) => sha256Block(state, view, at));
  return wordsToBytes(state);
}

/** HMAC-SHA-256 (RFC 2104). @param {Uint8Array} key @param {Uint8Array} message */
export function hmacSha256(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad));
  return sha256(concat(outer, sha256(concat(inner, message))));
}

/** Compression function of SHA-512. @param {bigint[]} state @param {DataView} view @param {number} at */
function sha512Block(state, view, at) {
  /** @param {bigint} x @param {bigint} bits */
  const rotateRight = (x, bits) => (x >> bits) | BigInt.asUintN(64, x << (64n - bits));
  /** @type {bigint[]} */ const w = [];
  for (let i = 0; i < 16; i += 1) w.push(view.getBigUint64(at + 8 * i));
  for (let i = 16; i < 80; i += 1) {
    const s0 = rotateRight(w[i - 15], 1n) ^ rotateRight(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
    const s1 = rotateRight(w[i - 2], 19n) ^ rotateRight(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
    w.push(BigInt.asUintN(64, w[i - 16] + s0 + w[i - 7] + s1));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 80; i += 1) {
    const s1 = rotateRight(e, 14n) ^ rotateRight(e, 18n) ^ rotateRight(e, 41n);
    const one = h + s1 + ((e & f) ^ (~e & g)) + SHA512_ROUNDS[i] + w[i];
    const two =
      (rotateRight(a, 28n) ^ rotateRight(a, 34n) ^ rotateRight(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = BigInt.asUintN(64, d + one);
    d = c;
    c = b;
    b = a;
    a = BigInt.asUintN(64, one + two);
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = BigInt.asUintN(64, state[i] + word);
  });
}

/** SHA-512 (FIPS 180-4). @param {Uint8Array} data @returns {Uint8Array} 64 bytes */
export function sha512(data) {
  const state = [...SHA512_START];
  forEachBlock(data, 128, (view, at) => sha512Block(state, view, at));
  return hexToBytes(state.map((word) => word.toString(16).padStart(16, "0")).join(""));
}

const SM3_START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

/** 32-bit rotation. @param {number} word @param {number} bits taken modulo 32 */
const rotateLeft = (word, bits) => (word << (bits & 31)) | (word >>> ((32 - bits) & 31));

/** Compression function of SM3. @param {Int32Array} state @param {DataView} view @param {number} at */
function sm3Block(state, view, at) {
  const w = new Int32Array(68);
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 68; i += 1) {
    const x = w[i - 16] ^ w[i - 9] ^ rotateLeft(w[i - 3], 15);
    w[i] = x ^ rotateLeft(x, 15) ^ rotateLeft(x, 23) ^ rotateLeft(w[i - 13], 7) ^ w[i - 6];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const early = i < 16;
    const one = rotateLeft((rotateLeft(a, 12) + e + rotateLeft(early ? 0x79cc4519 : 0x7a879d8a, i)) | 0, 7);
    const two = one ^ rotateLeft(a, 12);
    const ff = early ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = early ? e ^ f ^ g : (e & f) | (~e & g);
    const left = (ff + d + two + (w[i] ^ w[i + 4])) | 0;
    const right = (gg + h + one + w[i]) | 0;
    d = c;
    c = rotateLeft(b, 9);
    b = a;
    a = left;
    h = g;
    g = rotateLeft(f, 19);
    f = e;
    e = right ^ rotateLeft(right, 9) ^ rotateLeft(right, 17);
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] ^= word;
  });
}

/** SM3 (GB/T 32905). @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
export function sm3(data) {
  const state = Int32Array.from(SM3_START);
  forEachBlock(data, 64, (view, at) => sm3Block(state, view, at));
  return wordsToBytes(state);
}

/**
 * Keccak-f[1600] (FIPS 202 section 3.2): halves of the round constants, and the steps of rho and pi. A step moves
 * the lane at `from` to `to`, rotated by `bits` after its halves changed places where the offset is over 32; no
 * offset but that of the first lane, which stays, is 0 or 32.
 */
const KECCAK = (() => {
  const [low, high] = [new Int32Array(24), new Int32Array(24)];
  let register = 1;
  for (let round = 0; round < 24; round += 1) {
    for (let j = 0; j < 7; j += 1) {
      const bit = (1 << j) - 1;
      if (register & 1) (bit < 32 ? low : high)[round] ^= 1 << (bit & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
  }
  const [from, to, bits] = [new Uint8Array(24), new Uint8Array(24), new Uint8Array(24)];
  for (let t = 0, x = 1, y = 0; t < 24; t += 1) {
    const offset = (((t + 1) * (t + 2)) / 2) % 64;
    // An odd place is the high half of its lane, with which a step then begins.
    from[t] = 2 * (x + 5 * y) + (offset > 32 ? 1 : 0);
    [x, y] = [y, (2 * x + 3 * y) % 5];
    to[t] = 2 * (x + 5 * y);
    bits[t] = offset % 32;
  }
  return { low, high, from, to, bits };
})();

const KECCAK_MOVED = new Int32Array(50);

/** Add a column's parity to its five lanes (theta). @param {Int32Array} s @param {number} x @param {number} l @param {number} h */
function mixColumn(s, x, l, h) {
  s[x] ^= l;
  s[x + 1] ^= h;
  s[x + 10] ^= l;
  s[x + 11] ^= h;
  s[x + 20] ^= l;
  s[x + 21] ^= h;
  s[x + 30] ^= l;
  s[x + 31] ^= h;
  s[x + 40] ^= l;
  s[x + 41] ^= h;
}

/** Theta of Keccak-f[1600]. @param {Int32Array} s */
function mixColumns(s) {
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
  mixColumn(s, 0, el ^ ((bl << 1) | (bh >>> 31)), eh ^ ((bh << 1) | (bl >>> 31)));
  mixColumn(s, 2, al ^ ((cl << 1) | (ch >>> 31)), ah ^ ((ch << 1) | (cl >>> 31)));
  mixColumn(s, 4, bl ^ ((dl << 1) | (dh >>> 31)), bh ^ ((dh << 1) | (dl >>> 31)));
  mixColumn(s, 6, cl ^ ((el << 1) | (eh >>> 31)), ch ^ ((eh << 1) | (el >>> 31)));
  mixColumn(s, 8, dl ^ ((al << 1) | (ah >>> 31)), dh ^ ((ah << 1) | (al >>> 31)));
}

/** Chi of one row of Keccak-f[1600]. @param {Int32Array} s @param {Int32Array} m @param {number} y */
function mixRow(s, m, y) {
  const [al, ah, bl, bh] = [m[y], m[y + 1], m[y + 2], m[y + 3]];
  const [cl, ch, dl, dh] = [m[y + 4], m[y + 5], m[y + 6], m[y + 7]];
  const [el, eh] = [m[y + 8], m[y + 9]];
  s[y] = al ^ (~bl & cl);
  s[y + 1] = ah ^ (~bh & ch);
  s[y + 2] = bl ^ (~cl & dl);
  s[y + 3] = bh ^ (~ch & dh);
  s[y + 4] = cl ^ (~dl & el);
  s[y + 5] = ch ^ (~dh & eh);
  s[y + 6] = dl ^ (~el & al);
  s[y + 7] = dh ^ (~eh & ah);
  s[y + 8] = el ^ (~al & bl);
  s[y + 9] = eh ^ (~ah & bh);
}

/** Permutation Keccak-f[1600]. @param {Int32Array} s 25 lanes, each as its low and then its high 32 bits */
function keccakF1600(s) {
  const moved = KECCAK_MOVED;
  const { low, high, from, to, bits } = KECCAK;
  for (let round = 0; round < 24; round += 1) {
    mixColumns(s);
    // rho and pi
    moved[0] = s[0];
    moved[1] = s[1];
    for (let t = 0; t < 24; t += 1) {
      const place = from[t];
      const left = bits[t];
      const first = s[place];
      const second = s[place ^ 1];
      moved[to[t]] = (first << left) | (second >>> (32 - left));
      moved[to[t] + 1] = (second << left) | (first >>> (32 - left));
    }
    mixRow(s, moved, 0);
    mixRow(s, moved, 10);
    mixRow(s, moved, 20);
    mixRow(s, moved, 30);
    mixRow(s, moved, 40);
    // iota
    s[0] ^= low[round];
    s[1] ^= high[round];
  }
}

/**
 * Keccak-256 as Ethereum uses it: padding 0x01, where SHA3-256 has 0x06.
 * @param {Uint8Array} data @returns {Uint8Array} 32 bytes
 */
export function keccak256(data) {
  const rate = 136;
  const state = new Int32Array(50);
  const padded = new Uint8Array(data.length + rate - (data.length % rate));
  padded.set(data);
  padded[data.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 4; i += 1) state[i] ^= view.getInt32(at + 4 * i, true);
    keccakF1600(state);
  }
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 8; i += 1) out.setInt32(4 * i, state[i], true);
  return digest;
}
