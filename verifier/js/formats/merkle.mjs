/** Merkle trees (SPEC 3, RFC 9162 section 2.1). @module */

import { concat } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";

/** @param {Uint8Array} data */
export const leafHash = (data) => sha256(concat(Uint8Array.of(0), data));

/** @param {Uint8Array} left @param {Uint8Array} right */
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

/** Whether bit 0 of a position below 2^53 is set. @param {number} position */
const odd = (position) => position % 2 === 1;

/** @param {number} value */
const half = (value) => Math.floor(value / 2);

/**
 * The root that `path` implies for leaf `position` of a tree of `size` leaves.
 * @param {Uint8Array} leaf @param {number} position @param {number} size @param {Uint8Array[]} path
 * @throws {Refusal} `proof.invalid`: the position is outside, or the path has another length
 */
export function impliedRoot(leaf, position, size, path) {
  if (position >= size) refuse("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let root = leaf;
  let last = size - 1;
  let place = position;
  for (const sibling of path) {
    if (last === 0) refuse("proof.invalid", "a path is too long");
    if (odd(place) || place === last) {
      root = nodeHash(sibling, root);
      // The right edge of an uneven tree skips the levels where it has no sibling.
      while (place && !odd(place)) [place, last] = [half(place), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  if (last) refuse("proof.invalid", "a path is too short");
  return root;
}

/** Sizes of the perfect subtrees of an append-only tree, greatest first. @param {number} size @returns {number[]} */
export function peakSizes(size) {
  const sizes = [];
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (Math.floor(size / bit) % 2) sizes.push(bit);
  }
  return sizes;
}

/**
 * Place of the peak over leaf `position`, and the leaf's position below it.
 * @param {number} position @param {number} size
 */
export function peakOf(position, size) {
  if (position >= size) refuse("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let rest = position;
  for (const [peak, width] of peakSizes(size).entries()) {
    if (rest < width) return { peak, within: rest, width };
    rest -= width;
  }
  throw new RangeError("unreachable: the peaks hold every leaf");
}

/** Peaks of an append-only tree of these leaves, greatest first. @param {Iterable<Uint8Array>} leaves */
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

/** The root over some leaves. @param {Iterable<Uint8Array>} leaves at least one */
export function treeRoot(leaves) {
  const peaks = peaksOf(leaves);
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}
