/** Byte strings: joining, comparing, hexadecimal, big-endian integers. @module */

const UTF8 = new TextEncoder();
export const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** @param {string} text @returns {Uint8Array} */
export const utf8 = (text) => UTF8.encode(text);

/** Byte strings one after another. @param {Uint8Array[]} parts however many @returns {Uint8Array} */
export function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export const concat = (...parts) => join(parts);

/** @param {Uint8Array} left @param {Uint8Array} right */
export function equal(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Order of byte strings: negative, zero or positive. @param {Uint8Array} left @param {Uint8Array} right */
export function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/** @type {Uint8Array} */
export const ZERO32 = new Uint8Array(32);

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** The bytes of hexadecimal text already known to be well formed. @param {string} text */
export function unhex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** `value` as `width` bytes, big-endian. @param {number} value a safe integer @param {number} width */
export function uint(value, width) {
  const bytes = new Uint8Array(width);
  for (let at = width - 1, rest = value; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** @param {Uint8Array} bytes @returns {bigint} */
export const toBigInt = (bytes) => (bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n);

/** Equal parts of `size` bytes. @param {Uint8Array} bytes @param {number} size @returns {Uint8Array[]} */
export function chunks(bytes, size) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}
