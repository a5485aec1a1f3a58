/** Byte strings: concatenation, comparison, hexadecimal, big-endian integers (SPEC 1.1). @module */

const UTF8_ENCODER = new TextEncoder();
/** Throws a `TypeError` on bytes that are not UTF-8, and leaves a byte order mark where it is. */
export const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of a text. @param {string} text @returns {Uint8Array} */
export const utf8 = (text) => UTF8_ENCODER.encode(text);

/**
 * Concatenation of a list, which may be longer than a list of arguments may be.
 * @param {Uint8Array[]} parts @returns {Uint8Array}
 */
export function concatAll(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Concatenation of its arguments. @param {...Uint8Array} parts @returns {Uint8Array} */
export const concat = (...parts) => concatAll(parts);

/** Whether two byte strings are the same. @param {Uint8Array} left @param {Uint8Array} right */
export function equal(left, right) {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}

/**
 * Lexicographic order of byte strings, for `sort`.
 * @param {Uint8Array} left @param {Uint8Array} right @returns {number} negative, zero or positive
 */
export function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/** 32 zero bytes. @type {Uint8Array} */
export const ZERO32 = new Uint8Array(32);

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** Bytes of hexadecimal text whose form was checked before. @param {string} text @returns {Uint8Array} */
export function hexToBytes(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/**
 * Unsigned big-endian bytes of an integer.
 * @param {number} value 0 to 2^53-1 @param {number} width in bytes @returns {Uint8Array}
 */
export function uintToBytes(value, width) {
  const bytes = new Uint8Array(width);
  putUint(bytes, width, value);
  return bytes;
}

/**
 * Write an unsigned big-endian integer into bytes that are zero.
 * @param {Uint8Array} bytes @param {number} end of the integer @param {number} value 0 to 2^53-1
 */
export function putUint(bytes, end, value) {
  for (let at = end - 1, rest = value; rest && at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Integer of unsigned big-endian bytes. @param {Uint8Array} bytes @returns {bigint} */
export const bytesToBigInt = (bytes) => (bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n);

/**
 * Views of `size` bytes each; the last may be shorter.
 * @param {Uint8Array} bytes @param {number} size @returns {Uint8Array[]}
 */
export function chunks(bytes, size) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}
