/**
 * Hash functions: SHA-256 and SHA-512 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), SM3 (GB/T 32905).
 *
 * The browser's `crypto.subtle` does not have SM3, and answers only asynchronously.
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
const SHA256_START = Int32Array.from(SHA512_START, (bits) => Number(bits >> 32n));

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

// What every call of SHA-256 uses again: a snapshot asks for hundreds of thousands of short ones.
const SHA256_WORDS = new Int32Array(64);
const SHA256_STATE = new Int32Array(8);
const SHA256_TAIL = new Uint8Array(128);
const SHA256_TAIL_VIEW = new DataView(SHA256_TAIL.buffer);
const SHA256_DIGEST = new Uint8Array(32);
const SHA256_DIGEST_VIEW = new DataView(SHA256_DIGEST.buffer);

/** Message schedule of a block. @param {Int32Array} w @param {DataView} view @param {number} at */
function scheduleSha256(w, view, at) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
}

/** Compression function of SHA-256. @param {Int32Array} state @param {DataView} view @param {number} at */
function sha256Block(state, view, at) {
  const w = SHA256_WORDS;
  scheduleSha256(w, view, at);
  let [a, b, c, d] = [state[0], state[1], state[2], state[3]];
  let [e, f, g, h] = [state[4], state[5], state[6], state[7]];
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
  const whole = data.length - (data.length % 64);
  SHA256_STATE.set(SHA256_START);
  if (whole) {
    const view = new DataView(data.buffer, data.byteOffset, whole);
    for (let at = 0; at < whole; at += 64) sha256Block(SHA256_STATE, view, at);
  }
  const rest = data.length - whole;
  const size = rest < 56 ? 64 : 128;
  SHA256_TAIL.fill(0);
  SHA256_TAIL.set(whole ? data.subarray(whole) : data);
  SHA256_TAIL[rest] = 0x80;
  SHA256_TAIL_VIEW.setUint32(size - 8, Math.floor(data.length / 2 ** 29));
  SHA256_TAIL_VIEW.setUint32(size - 4, data.length << 3);
  for (let at = 0; at < size; at += 64) sha256Block(SHA256_STATE, SHA256_TAIL_VIEW, at);
  for (let i = 0; i < 8; i += 1) SHA256_DIGEST_VIEW.setInt32(4 * i, SHA256_STATE[i]);
  return SHA256_DIGEST.slice();
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
