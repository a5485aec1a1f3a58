/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): a typed reader and an encoder.
 *
 * The reader is asked for each element by type and range, so that it builds nothing that has no place (SPEC 19).
 * @module
 */

import { UTF8_DECODER, compareBytes, concat, concatAll, uintToBytes, utf8 } from "../bytes.mjs";
import { fail } from "../errors.mjs";

/** @typedef {any} Cbor a number, true or false, null, text, bytes, a list, or a map from integers */

/** Greatest number that the first byte of an item can carry. */
const MAX_HEAD_NUMBER = 23;

/** Major types (RFC 8949 section 3.1). */
export const UNSIGNED = 0;
const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
const LIST = 4;
const MAP = 5;

/** Reader of one item, from its front to its end. Call `finish` after the last element. */
export class CborReader {
  /**
   * @param {Uint8Array} bytes @param {string} code of errors
   * @param {string} canonicalCode of the error of a number that is not in its shortest form
   */
  constructor(bytes, code, canonicalCode) {
    this.bytes = bytes;
    this.code = code;
    this.canonicalCode = canonicalCode;
    this.at = 0;
  }

  /** @param {string} expected @returns {never} */
  fail(expected) {
    return fail(this.code, `at byte ${this.at}: expected ${expected}`);
  }

  /** Fail unless a condition holds. @param {unknown} condition @param {string} expected */
  expect(condition, expected) {
    if (!condition) this.fail(expected);
  }

  /** Check that no byte is left over. */
  finish() {
    this.expect(this.at === this.bytes.length, "the end");
  }

  /** Major type of the next element, -1 at the end. */
  majorType() {
    return this.at < this.bytes.length ? this.bytes[this.at] >> 5 : -1;
  }

  /** Whether null is next; if so, skip it. */
  skipNull() {
    const found = this.bytes[this.at] === 0xf6;
    if (found) this.at += 1;
    return found;
  }

  boolean() {
    const head = this.bytes[this.at];
    this.expect(head === 0xf4 || head === 0xf5, "true or false");
    this.at += 1;
    return head === 0xf5;
  }

  /** The number in a head of a major type. @param {number} type @param {string} expected */
  argument(type, expected) {
    this.expect(this.majorType() === type, expected);
    const low = this.bytes[this.at] & 31;
    if (low <= MAX_HEAD_NUMBER) {
      this.at += 1;
      return low;
    }
    const width = 2 ** (low - 24);
    const end = this.at + 1 + width;
    if (low > 27 || end > this.bytes.length) this.fail(`${expected} of definite length`);
    let number = 0;
    for (let at = this.at + 1; at < end; at += 1) number = number * 256 + this.bytes[at];
    if (number < (width === 1 ? MAX_HEAD_NUMBER + 1 : 256 ** (width / 2)))
      fail(this.canonicalCode, `the number at byte ${this.at} is not in its shortest form`);
    this.at = end;
    return number;
  }

  /** @param {number} min @param {number} max */
  integer(min = 0, max = Number.MAX_SAFE_INTEGER) {
    const negative = min < 0 && this.majorType() === NEGATIVE;
    const number = this.argument(negative ? NEGATIVE : UNSIGNED, "an integer");
    const value = negative ? -1 - number : number;
    // Texts of errors are made for errors only: snapshots have hundreds of thousands of integers.
    if (value < min || value > max) this.fail(`an integer from ${min} to ${max}`);
    return value;
  }

  /**
   * The size in a head, which the bytes that are left can hold.
   * @param {number} type @param {string} expected @param {number} min @param {number} max
   */
  size(type, expected, min, max) {
    const size = this.argument(type, expected);
    const left = this.bytes.length - this.at;
    this.expect(size >= min && size <= Math.min(max, left), `${expected} of size ${min} to ${max}`);
    return size;
  }

  /** A byte string. @param {number} min bytes @param {number} max bytes @returns {Uint8Array} */
  binary(min, max) {
    const size = this.size(BYTES, "a byte string", min, max);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** A text. @param {number} max bytes @returns {string} */
  text(max) {
    const size = this.size(TEXT, "a text", 0, max);
    this.at += size;
    try {
      return UTF8_DECODER.decode(this.bytes.subarray(this.at - size, this.at));
    } catch {
      return fail(this.code, "a text is not UTF-8");
    }
  }

  /**
   * The head of a list, whose elements come next.
   * @param {number} min @param {number} max @returns {number} its size
   */
  list(min, max) {
    return this.size(LIST, "a list", min, max);
  }

  /** A list of integers. @param {number} size @param {number} min @param {number} max @returns {number[]} */
  integers(size, min, max) {
    this.list(size, size);
    const found = [];
    for (let left = size; left > 0; left -= 1) found.push(this.integer(min, max));
    return found;
  }

  /**
   * A map from ascending integers below a limit to byte strings.
   * @param {number} below @param {number} size in bytes @returns {Map<number, Uint8Array>}
   */
  byteMap(below, size) {
    const found = new Map();
    let last = -1;
    for (let left = this.size(MAP, "a map", 0, below); left > 0; left -= 1) {
      last = this.integer(last + 1, below - 1);
      found.set(last, this.binary(size, size));
    }
    return found;
  }

  /**
   * A list of byte strings that are not empty.
   * @param {number} max of them @param {number} maxBytes each @param {boolean} ascending strictly
   * @returns {Uint8Array[]}
   */
  binaries(max, maxBytes, ascending = false) {
    /** @type {Uint8Array[]} */ const found = [];
    for (let left = this.list(0, max); left > 0; left -= 1) {
      const value = this.binary(1, maxBytes);
      if (ascending && found.length)
        this.expect(compareBytes(found[found.length - 1], value) < 0, "bytes greater than those before");
      found.push(value);
    }
    return found;
  }

  /**
   * A list, each element read by `readItem`.
   * @template T @param {number} max @param {(at: number) => T} readItem
   */
  items(max, readItem) {
    /** @type {T[]} */ const found = [];
    for (let size = this.list(0, max); found.length < size;) found.push(readItem(found.length));
    return found;
  }
}

/** Head of an item in its shortest form. @param {number} type @param {number} number */
function encodeCborHead(type, number) {
  if (number <= MAX_HEAD_NUMBER) return Uint8Array.of((type << 5) | number);
  const size = [1, 2, 4, 8].findIndex((width) => number < 256 ** width);
  return concat(Uint8Array.of((type << 5) | (24 + size)), uintToBytes(number, 2 ** size));
}

/** Deterministic encoding of a value. @param {Cbor} value @returns {Uint8Array} */
export function encodeCbor(value) {
  if (typeof value === "number")
    return value < 0 ? encodeCborHead(NEGATIVE, -1 - value) : encodeCborHead(UNSIGNED, value);
  if (typeof value === "string") return concat(encodeCborHead(TEXT, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(encodeCborHead(BYTES, value.length), value);
  if (Array.isArray(value)) return concatAll([encodeCborHead(LIST, value.length), ...value.map(encodeCbor)]);
  if (value instanceof Map) {
    const pairs = [...value].sort(([left], [right]) => left - right);
    return concatAll([encodeCborHead(MAP, pairs.length), ...pairs.flatMap((pair) => pair.map(encodeCbor))]);
  }
  return Uint8Array.of(value === null ? 0xf6 : 0xf4 + Number(value));
}
