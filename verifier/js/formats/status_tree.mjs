/** The tree of status words: 128 certificates a word, two bits each (SPEC 9). @module */

import { ZERO32, concat, equal } from "../bytes.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { fail } from "../errors.mjs";
import { ObjectReader } from "./object_reader.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Levels of the tree, which so has room for 2^32 certificates. */
const STATUS_DEPTH = 25;
export const CERTIFICATES_PER_WORD = 128;
export const STATUSES = ["valid", "revoked", "suspended", "superseded"];

/** Root of a subtree without words, by level: the defaults of SPEC 9. */
const EMPTY_SUBTREES = (() => {
  const found = [ZERO32];
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    found.push(keccak256(concat(found[level], found[level])));
  }
  return found;
})();

/** @typedef {{word: Uint8Array, marks: number, siblings: Uint8Array[]}} WordProof */

/**
 * Read the proof of one word (SPEC 9).
 * @param {Json} value @returns {WordProof} @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
export function readWordProof(value) {
  const read = new ObjectReader(value, "status");
  const proof = {
    word: read.binary("word", 32),
    marks: read.integer("marks", 0, 2 ** STATUS_DEPTH - 1),
    siblings: read.hashes("siblings", STATUS_DEPTH),
  };
  read.finish();
  return proof;
}

/**
 * The status root that the proof of a word implies (SPEC 9).
 * @param {WordProof} proof @param {number} position of the word @returns {Uint8Array}
 * @throws {CertledgerError} `proof.invalid`
 */
export function impliedStatusRoot(proof, position) {
  let root = proof.word;
  let used = 0;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    let sibling = EMPTY_SUBTREES[level];
    if ((proof.marks >> level) & 1) {
      sibling = proof.siblings[used] ?? fail("proof.invalid", "a status proof has too few siblings");
      if (equal(sibling, EMPTY_SUBTREES[level])) fail("proof.invalid", "a status proof lists a default");
      used += 1;
    }
    root = keccak256((position >> level) & 1 ? concat(sibling, root) : concat(root, sibling));
  }
  if (used !== proof.siblings.length) fail("proof.invalid", "a status proof has too many siblings");
  return root;
}

/** Hash of two nodes in a buffer that every call uses again: trees have many nodes. */
const PAIR = new Uint8Array(64);

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Uint8Array} */
function hashPair(left, right) {
  PAIR.set(left);
  PAIR.set(right, 32);
  return keccak256(PAIR);
}

/**
 * Root of the tree of words (SPEC 9). Memory is one node a level.
 * @param {Iterable<[number, Uint8Array]>} words that are not zero, by ascending position
 */
export function statusTreeRoot(words) {
  /** @type {{level: number, at: number, node: Uint8Array}[]} */ const waiting = [];
  /**
   * The node `top` levels above the words that is over `node`; left siblings come from `waiting`.
   * @param {number} at position of the word @param {Uint8Array} node @param {number} top
   */
  const climb = (at, node, top) => {
    for (let level = 0; level < top; level += 1) {
      if (at & 1) {
        const last = waiting.at(-1);
        const known = last?.level === level && last.at === at - 1 ? waiting.pop() : null;
        node = hashPair(known?.node ?? EMPTY_SUBTREES[level], node);
      } else node = hashPair(node, EMPTY_SUBTREES[level]);
      at >>= 1;
    }
    return node;
  };
  /** @type {[number, Uint8Array] | null} */ let last = null;
  for (const [at, word] of words) {
    if (last) {
      // A left child, whose right sibling is over this word.
      const level = 31 - Math.clz32(last[0] ^ at);
      waiting.push({ level, at: last[0] >> level, node: climb(...last, level) });
    }
    last = [at, word];
  }
  return last ? climb(...last, STATUS_DEPTH) : EMPTY_SUBTREES[STATUS_DEPTH];
}

/** Position of the word of a certificate. @param {number} index of the certificate @returns {number} */
export const statusWordPosition = (index) => Math.floor(index / CERTIFICATES_PER_WORD);

/**
 * Status of a certificate: bits 2(i mod 128) and 2(i mod 128)+1 of its word, counted from the last byte (SPEC 9).
 * @param {Uint8Array} word @param {number} index of the certificate @returns {string}
 */
export function statusAt(word, index) {
  const cell = index % CERTIFICATES_PER_WORD;
  return STATUSES[(word[31 - Math.floor(cell / 4)] >> (2 * (cell % 4))) & 3];
}
