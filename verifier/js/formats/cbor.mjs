/** Deterministic CBOR (RFC 8949, section 4.2.1), read by type and range (SPEC 19). @module */

import { STRICT_UTF8, compareBytes, concat, join, uint, utf8 } from "../bytes.mjs";
import { refuse } from "../errors.mjs";

/** @typedef {any} Cbor a number, true or false, null, text, bytes, a list, or a map from numbers */

/** Greatest number that stands in the head of a CBOR item itself. */
const MAX_SHORT = 23;

export const UNSIGNED = 0;
const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
const LIST = 4;
const MAP = 5;

/**
 * Reads one CBOR item from its front to its end (section 19): each element is asked for by type and range,
 * so that nothing is built that has no place.
 */
export class CborReader {
  /** @param {Uint8Array} bytes @param {string} code @param {string} respelled where a number is too long */
  constructor(bytes, code, respelled) {
    this.bytes = bytes;
    this.code = code;
    this.respelled = respelled;
    this.at = 0;
  }

  /** @param {string} want @returns {never} */
  refuse(want) {
    return refuse(this.code, `byte ${this.at} does not begin ${want}`);
  }

  /** @param {unknown} held @param {string} want */
  need(held, want) {
    if (!held) this.refuse(want);
  }

  done() {
    this.need(this.at === this.bytes.length, "nothing: bytes are left over");
  }

  /** Kind of the next element, -1 at the end. */
  kind() {
    return this.at < this.bytes.length ? this.bytes[this.at] >> 5 : -1;
  }

  /** Null, if it is next. */
  isNull() {
    const found = this.bytes[this.at] === 0xf6;
    if (found) this.at += 1;
    return found;
  }

  boolean() {
    const head = this.bytes[this.at];
    this.need(head === 0xf4 || head === 0xf5, "true or false");
    this.at += 1;
    return head === 0xf5;
  }

  /** The number that a head of `kind` carries. @param {number} kind @param {string} want */
  argument(kind, want) {
    this.need(this.kind() === kind, want);
    const low = this.bytes[this.at] & 31;
    if (low <= MAX_SHORT) {
      this.at += 1;
      return low;
    }
    const width = 2 ** (low - 24);
    const digits = this.bytes.subarray(this.at + 1, this.at + 1 + width);
    this.need(low <= 27 && digits.length === width, `${want} whose length is known`);
    const number = digits.reduce((sum, byte) => sum * 256 + byte, 0);
    if (number < (width === 1 ? MAX_SHORT + 1 : 256 ** (width / 2)))
      refuse(this.respelled, `the number at byte ${this.at} has a shorter spelling`);
    this.at += 1 + width;
    return number;
  }

  /** @param {number} least @param {number} greatest */
  integer(least = 0, greatest = Number.MAX_SAFE_INTEGER) {
    const negative = least < 0 && this.kind() === NEGATIVE;
    const number = this.argument(negative ? NEGATIVE : UNSIGNED, "an integer");
    const value = negative ? -1 - number : number;
    this.need(value >= least && value <= greatest, `an integer from ${least} to ${greatest}`);
    return value;
  }

  /** A count that what is left can hold. @param {number} kind @param {number} least @param {number} greatest */
  size(kind, least, greatest) {
    const size = this.argument(kind, "an element of another kind");
    const left = this.bytes.length - this.at;
    this.need(size >= least && size <= Math.min(greatest, left), `${least} to ${greatest} of them`);
    return size;
  }

  /** @param {number} least @param {number} greatest @returns {Uint8Array} */
  binary(least, greatest) {
    const size = this.size(BYTES, least, greatest);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** @param {number} longest in bytes @returns {string} */
  text(longest) {
    const size = this.size(TEXT, 0, longest);
    this.at += size;
    try {
      return STRICT_UTF8.decode(this.bytes.subarray(this.at - size, this.at));
    } catch {
      return refuse(this.code, "a text is not UTF-8");
    }
  }

  /** @param {number} least @param {number} greatest */
  list(least, greatest) {
    return this.size(LIST, least, greatest);
  }

  /** @param {number} size @param {number} least @param {number} greatest @returns {number[]} */
  integers(size, least, greatest) {
    this.list(size, size);
    return Array.from({ length: size }, () => this.integer(least, greatest));
  }

  /** @param {number} below @param {number} size @returns {Map<number, Uint8Array>} */
  byteMap(below, size) {
    const found = new Map();
    let last = -1;
    for (let left = this.size(MAP, 0, below); left > 0; left -= 1) {
      last = this.integer(last + 1, below - 1);
      found.set(last, this.binary(size, size));
    }
    return found;
  }

  /**
   * Byte strings of 1 to `longest` bytes.
   * @param {number} most @param {number} longest @param {boolean} ascending @returns {Uint8Array[]}
   */
  binaries(most, longest, ascending = false) {
    const found = [];
    for (let left = this.list(0, most); left > 0; left -= 1) {
      const value = this.binary(1, longest);
      if (ascending && found.length)
        this.need(compareBytes(found[found.length - 1], value) < 0, "bytes greater than those before");
      found.push(value);
    }
    return found;
  }

  /** Parts of a list, each read by `part`. @template T @param {number} most @param {(at: number) => T} part */
  parts(most, part) {
    const found = [];
    for (let size = this.list(0, most); found.length < size;) found.push(part(found.length));
    return found;
  }
}

/** @param {number} kind @param {number} number */
function cborHead(kind, number) {
  if (number < 24) return Uint8Array.of((kind << 5) | number);
  const size = [1, 2, 4, 8].findIndex((width) => number < 256 ** width);
  return concat(Uint8Array.of((kind << 5) | (24 + size)), uint(number, 2 ** size));
}

/** @param {Cbor} value @returns {Uint8Array} */
export function cborEncode(value) {
  if (typeof value === "number") return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
  if (typeof value === "string") return concat(cborHead(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(cborHead(2, value.length), value);
  if (Array.isArray(value)) return join([cborHead(4, value.length), ...value.map(cborEncode)]);
  if (value instanceof Map) {
    const pairs = [...value].sort(([left], [right]) => left - right);
    return join([cborHead(5, pairs.length), ...pairs.flatMap((pair) => pair.map(cborEncode))]);
  }
  return Uint8Array.of(value === null ? 0xf6 : 0xf4 + Number(value));
}
