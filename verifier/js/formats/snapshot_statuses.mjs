/** The statuses of an issuer in a snapshot: lists of certificates as LEB128 gaps (SPEC 17). @module */

import { fail } from "../errors.mjs";
import { CERTIFICATES_PER_WORD, STATUSES } from "./status_tree.mjs";
/** @import { Cbor, CborReader } from "./cbor.mjs" */

/** Bytes of an LEB128 number below 2^32. */
const MAX_LEB128_BYTES = 5;

/**
 * The certificates of each status but the first, ascending: four bytes each. Their words, which would take many
 * times as much where they are scattered, are computed on access.
 */
class ListedStatuses {
  /** @param {Uint32Array[]} lists */
  constructor(lists) {
    this.lists = lists;
  }

  /** The word at a position (SPEC 9). @param {number} position @returns {Uint8Array} */
  word(position) {
    const word = new Uint8Array(32);
    const places = this.lists.map((list) => firstFrom(list, position * CERTIFICATES_PER_WORD));
    this.fill(word, position, places);
    return word;
  }

  /** The words that are not zero, by ascending position. @returns {Generator<[number, Uint8Array]>} */
  *words() {
    const places = this.lists.map(() => 0);
    for (;;) {
      const next = Math.min(...this.lists.map((list, at) => list[places[at]] ?? Infinity));
      if (next === Infinity) return;
      const position = Math.floor(next / CERTIFICATES_PER_WORD);
      const word = new Uint8Array(32);
      this.fill(word, position, places);
      yield [position, word];
    }
  }

  /**
   * Set the cells of a word from the certificates at `places` of the lists, and move `places` behind them.
   * @param {Uint8Array} word @param {number} position @param {number[]} places
   */
  fill(word, position, places) {
    const end = (position + 1) * CERTIFICATES_PER_WORD;
    this.lists.forEach((list, at) => {
      for (; list[places[at]] < end; places[at] += 1) {
        const cell = list[places[at]] % CERTIFICATES_PER_WORD;
        word[31 - (cell >> 2)] |= (at + 1) << (2 * (cell & 3));
      }
    });
  }
}

/** Place of the first number that is not below a limit. @param {Uint32Array} list @param {number} limit */
function firstFrom(list, limit) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Read the statuses of an issuer.
 * @param {CborReader} reader @param {number} certificates issued @returns {ListedStatuses}
 * @throws {CertledgerError} `snapshot.invalid`: a certificate twice or not issued
 */
export function decodeStatuses(reader, certificates) {
  reader.list(STATUSES.length - 1, STATUSES.length - 1);
  const lists = STATUSES.slice(1).map(() =>
    decodeGaps(reader.binary(0, certificates * MAX_LEB128_BYTES), certificates),
  );
  lists.forEach((list, at) => lists.slice(at + 1).forEach((other) => requireApart(list, other)));
  return new ListedStatuses(lists);
}

/**
 * Fail where two ascending lists have a certificate in common.
 * @param {Uint32Array} left @param {Uint32Array} right
 */
function requireApart(left, right) {
  for (let at = 0, other = 0; at < left.length && other < right.length;) {
    if (left[at] === right[other]) fail("snapshot.invalid", `certificate ${left[at]} has two statuses`);
    if (left[at] < right[other]) at += 1;
    else other += 1;
  }
}

/**
 * Ascending indexes from LEB128 numbers: each the difference from the one before (the first from -1), less one.
 * @param {Uint8Array} packed @param {number} below limit of the indexes @returns {Uint32Array}
 */
function decodeGaps(packed, below) {
  const indexes = new Uint32Array(packed.reduce((sum, byte) => sum + (byte < 0x80 ? 1 : 0), 0));
  let [found, index, gap, scale] = [0, -1, 0, 1];
  for (const byte of packed) {
    gap += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 128;
      if (scale > 2 ** 28) fail("snapshot.invalid", "an LEB128 number is longer than five bytes");
      continue;
    }
    if (!byte && scale > 1) fail("snapshot.invalid", "an LEB128 number is not in its shortest form");
    index += gap + 1;
    if (index >= below)
      fail("snapshot.invalid", `a status of certificate ${index}, of which ${below} are issued`);
    indexes[found] = index;
    [found, gap, scale] = [found + 1, 0, 1];
  }
  if (scale > 1) fail("snapshot.invalid", "the last LEB128 number is cut short");
  return indexes;
}

/** Inverse of `decodeStatuses`. @param {ListedStatuses} statuses @returns {Cbor} */
export const encodeStatuses = ({ lists }) => lists.map(encodeGaps);

/** Inverse of `decodeGaps`. @param {Uint32Array} indexes @returns {Uint8Array} */
function encodeGaps(indexes) {
  /** @type {(emit: (byte: number) => void) => void} */
  const eachByte = (emit) => {
    let last = -1;
    for (const index of indexes) {
      let gap = index - last - 1;
      for (; gap > 0x7f; gap = Math.floor(gap / 128)) emit((gap % 128) | 0x80);
      emit(gap);
      last = index;
    }
  };
  let size = 0;
  eachByte(() => (size += 1));
  const packed = new Uint8Array(size);
  size = 0;
  eachByte((byte) => (packed[size++] = byte));
  return packed;
}
