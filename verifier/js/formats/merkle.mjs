/** Merkle trees (SPEC 3, RFC 9162 section 2.1). @module */

import { concat } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";

/** A short leaf after its prefix, in bytes that every call uses again: snapshots have one a batch. */
const LEAF = new Uint8Array(128);

/** Hash of a leaf (SPEC 3). @param {Uint8Array} data @returns {Uint8Array} */
export function leafHash(data) {
  if (data.length >= LEAF.length) return sha256(concat(Uint8Array.of(0), data));
  LEAF.set(data, 1);
  return sha256(LEAF.subarray(0, data.length + 1));
}

/** An inner node after its prefix, in bytes that every call uses again: trees have many nodes. */
const NODE = concat(Uint8Array.of(1), new Uint8Array(64));

/** Hash of an inner node (SPEC 3). @param {Uint8Array} left @param {Uint8Array} right */
function nodeHash(left, right) {
  NODE.set(left, 1);
  NODE.set(right, 33);
  return sha256(NODE);
}

/** Whether bit 0 is set; `&` would truncate to 32 bits. @param {number} position */
const isOdd = (position) => position % 2 === 1;

/** A position below 2^53, shifted right by one. @param {number} value */
const half = (value) => Math.floor(value / 2);

/**
 * The root that an inclusion path implies for a leaf (RFC 9162 section 2.1.3.2).
 * @param {Uint8Array} leaf its hash @param {number} position from 0 @param {number} size number of leaves
 * @param {Uint8Array[]} path siblings, from the leaf upwards @returns {Uint8Array}
 * @throws {CertledgerError} `proof.invalid`: the position is outside, or the path has another length
 */
export function impliedRoot(leaf, position, size, path) {
  if (position >= size) fail("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let root = leaf;
  let last = size - 1;
  let place = position;
  for (const sibling of path) {
    if (last === 0)
      fail("proof.invalid", `a path of ${path.length} hashes is too long for leaf ${position} of ${size}`);
    if (isOdd(place) || place === last) {
      root = nodeHash(sibling, root);
      // The right edge of an uneven tree skips the levels where it has no sibling.
      while (place && !isOdd(place)) [place, last] = [half(place), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  if (last)
    fail("proof.invalid", `a path of ${path.length} hashes is too short for leaf ${position} of ${size}`);
  return root;
}

/**
 * Leaves under each peak of an append-only tree, greatest first: the binary digits of its size (SPEC 3).
 * @param {number} size number of leaves @returns {number[]}
 */
export function peakSizes(size) {
  const sizes = [];
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (Math.floor(size / bit) % 2) sizes.push(bit);
  }
  return sizes;
}

/**
 * The peak over a leaf: its index, the leaf's position below it, and the number of leaves below it.
 * @param {number} position of the leaf @param {number} size number of leaves of the tree
 * @throws {CertledgerError} `proof.invalid`: the position is outside
 */
export function locatePeak(position, size) {
  if (position >= size) fail("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let rest = position;
  for (const [peak, width] of peakSizes(size).entries()) {
    if (rest < width) return { peak, within: rest, width };
    rest -= width;
  }
  throw new RangeError("unreachable: the peaks cover every leaf");
}

/**
 * Peaks of the append-only tree of some leaves, greatest first.
 * @param {Iterable<Uint8Array>} leaves hashes @returns {Uint8Array[]}
 */
export function peaksOf(leaves) {
  /** @type {{hash: Uint8Array, width: number}[]} */ const stack = [];
  for (const leaf of leaves) {
    let [hash, width] = [leaf, 1];
    for (let left = stack.at(-1); left?.width === width; left = stack.at(-1)) {
      [hash, width] = [nodeHash(left.hash, hash), 2 * width];
      stack.pop();
    }
    stack.push({ hash, width });
  }
  return stack.map((node) => node.hash);
}

/**
 * Root of the tree of some leaves: the peaks, folded from the right (SPEC 3).
 * @param {Iterable<Uint8Array>} leaves hashes, at least one @returns {Uint8Array}
 */
export function treeRoot(leaves) {
  const peaks = peaksOf(leaves);
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}
