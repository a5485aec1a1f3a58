/** The tree of status words: 128 certificates a word, two bits each (SPEC 9). @module */

import { ZERO32, concat, equal } from "../bytes.mjs";
import { keccak256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { Members } from "./members.mjs";
/** @import { Json } from "./canonical_json.mjs" */

const STATUS_DEPTH = 25;
export const CELLS = 128;
export const STATUSES = ["valid", "revoked", "suspended", "superseded"];
/** Hashes of empty subtrees, by level. */
const DEFAULTS = (() => {
  const found = [ZERO32];
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    found.push(keccak256(concat(found[level], found[level])));
  }
  return found;
})();

/** @typedef {{word: Uint8Array, marks: number, siblings: Uint8Array[]}} WordProof */

/** @param {Json} value @returns {WordProof} */
export function readWordProof(value) {
  const read = new Members(value, "status");
  const proof = {
    word: read.binary("word", 32),
    marks: read.integer("marks", 0, 2 ** STATUS_DEPTH - 1),
    siblings: read.hashes("siblings", STATUS_DEPTH),
  };
  read.done();
  return proof;
}

/**
 * The status root that a proof of a word implies.
 * @param {WordProof} proof @param {number} position @throws {Refusal} `proof.invalid`
 */
export function statusRoot(proof, position) {
  let root = proof.word;
  let read = 0;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    let sibling = DEFAULTS[level];
    if ((proof.marks >> level) & 1) {
      sibling = proof.siblings[read] ?? refuse("proof.invalid", "a status proof has too few siblings");
      if (equal(sibling, DEFAULTS[level])) refuse("proof.invalid", "a status proof lists a default");
      read += 1;
    }
    root = keccak256((position >> level) & 1 ? concat(sibling, root) : concat(root, sibling));
  }
  if (read !== proof.siblings.length) refuse("proof.invalid", "a status proof has too many siblings");
  return root;
}

/** The root over the words that are not zero. @param {Map<number, Uint8Array>} words by position */
export function statusTreeRoot(words) {
  let nodes = words;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    /** @type {Map<number, Uint8Array>} */ const above = new Map();
    for (const position of nodes.keys()) {
      const parent = position >> 1;
      if (above.has(parent)) continue;
      const [left, right] = [2 * parent, 2 * parent + 1].map((at) => nodes.get(at) ?? DEFAULTS[level]);
      above.set(parent, keccak256(concat(left, right)));
    }
    nodes = above;
  }
  return nodes.get(0) ?? DEFAULTS[STATUS_DEPTH];
}

/** @param {Uint8Array} word @param {number} index of a certificate @returns {string} */
export function statusIn(word, index) {
  const cell = index % CELLS;
  return STATUSES[(word[31 - Math.floor(cell / 4)] >> (2 * (cell % 4))) & 3];
}
