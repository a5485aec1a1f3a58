/** Proofs of an account and its storage slots: RLP and Merkle-Patricia tries (SPEC 11, EIP-1186). @module */

import { ZERO32, concat, equal, uintToBytes, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { fail } from "../errors.mjs";

/**
 * @typedef {{bytes: Uint8Array, size: number} | {items: RlpItem[], size: number}} RlpItem `size`: encoded
 *   bytes
 */

/**
 * A length of `width` bytes, 56 or more, without a leading zero.
 * @param {Uint8Array} data @param {number} at @param {number} width
 */
function readRlpLength(data, at, width) {
  const digits = data.subarray(at, at + width);
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length !== width || digits[0] === 0 || length < 56)
    fail("proof.invalid", `an RLP length at byte ${at} is not in its shortest form`);
  return length;
}

/** The item that begins at a byte. @param {Uint8Array} data @param {number} at @returns {RlpItem} */
function readRlpItem(data, at) {
  const first = data[at];
  if (first === undefined) return fail("proof.invalid", "RLP ends early");
  if (first < 0x80) return { bytes: data.subarray(at, at + 1), size: 1 };
  const list = first >= 0xc0;
  const short = first - (list ? 0xc0 : 0x80);
  const head = short < 56 ? 1 : 1 + short - 55;
  const length = short < 56 ? short : readRlpLength(data, at + 1, short - 55);
  const body = data.subarray(at + head, at + head + length);
  if (body.length !== length) fail("proof.invalid", "RLP ends early");
  if (!list) {
    if (length === 1 && body[0] < 0x80) fail("proof.invalid", `a byte below 0x80 at ${at} has an RLP head`);
    return { bytes: body, size: head + length };
  }
  const items = [];
  for (let place = 0; place < length;) {
    const item = readRlpItem(body, place);
    items.push(item);
    place += item.size;
  }
  return { items, size: head + length };
}

/** The one item of some bytes. @param {Uint8Array} data @returns {RlpItem} */
function decodeRlp(data) {
  const item = readRlpItem(data, 0);
  if (item.size !== data.length) fail("proof.invalid", "bytes follow an RLP item");
  return item;
}

/** Half bytes, the high one first. @param {Uint8Array} bytes @returns {number[]} */
const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/**
 * Nibbles of a hex-prefix key, and whether its node is a leaf (Yellow Paper, appendix C); the padding is zero.
 * @param {Uint8Array} bytes @returns {{path: number[], leaf: boolean}}
 */
function decodeHexPrefix(bytes) {
  const [kind, pad, ...rest] = nibbles(bytes);
  if (kind === undefined || kind > 3 || (!(kind & 1) && pad))
    return fail("proof.invalid", "a hex prefix of unknown kind, or with padding that is not zero");
  return { path: kind & 1 ? [pad, ...rest] : rest, leaf: kind > 1 };
}

/**
 * @typedef {{next?: RlpItem, value?: RlpItem, at: number}} TrieStep neither `next` nor `value`: proved absent
 */

/** Length of the keys of accounts and slots, which are hashes of 32 bytes. */
const KEY_NIBBLES = 64;

/** The child in a branch or extension, undefined where it is empty. @param {RlpItem} item */
function childReference(item) {
  if ("bytes" in item && !item.bytes.length) return undefined;
  if ("bytes" in item ? item.bytes.length !== 32 : item.size >= 32) {
    fail("proof.invalid", "a child is neither a hash nor a node shorter than one");
  }
  return item;
}

/**
 * The child or value that a node has for a key of which `at` nibbles are used.
 * @param {RlpItem} node @param {number[]} key @param {number} at @returns {TrieStep}
 */
function followNode(node, key, at) {
  const items = "items" in node ? node.items : [];
  if (items.length === 17) {
    if (at === KEY_NIBBLES || !("bytes" in items[16]) || items[16].bytes.length) {
      fail("proof.invalid", "a branch has a value, or lies below the end of the key");
    }
    return { next: childReference(items[key[at]]), at: at + 1 };
  }
  if (items.length !== 2 || !("bytes" in items[0]))
    return fail("proof.invalid", "a trie node is neither branch, extension nor leaf");
  const { path, leaf } = decodeHexPrefix(items[0].bytes);
  const stop = at + path.length;
  const fits = path.every((nibble, place) => nibble === key[at + place]);
  if (leaf) {
    if (stop !== KEY_NIBBLES) fail("proof.invalid", "a leaf does not end its key");
    return fits ? { value: items[1], at: stop } : { at: stop };
  }
  if (stop >= KEY_NIBBLES || !path.length) fail("proof.invalid", "an extension is empty, or ends a key");
  const next = childReference(items[1]);
  if (!next) fail("proof.invalid", "an extension without a child");
  return fits ? { next, at: stop } : { at: stop };
}

/**
 * The value under a key of a trie, null if it is proved absent.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes
 * @param {(hash: Uint8Array) => Uint8Array} getNode the node of a hash
 * @throws {CertledgerError} `proof.invalid`
 */
export function findInTrie(root, hashedKey, getNode) {
  const key = nibbles(hashedKey);
  /** @type {RlpItem | undefined} */ let reference = { bytes: root, size: 33 };
  for (let at = 0; ;) {
    // A node shorter than a hash is embedded in its parent.
    const node = "bytes" in reference ? decodeRlp(getNode(reference.bytes)) : reference;
    const found = followNode(node, key, at);
    if (found.value) return requireRlpString(found.value);
    if (!found.next) return null;
    [reference, at] = [found.next, found.at];
  }
}

/** The bytes of an item that must not be a list. @param {RlpItem} item @returns {Uint8Array} */
const requireRlpString = (item) =>
  "bytes" in item ? item.bytes : fail("proof.invalid", "an RLP list in place of a string");

/** Root of a trie without entries: the hash of the RLP of the empty string. */
const EMPTY_TRIE_ROOT = keccak256(Uint8Array.of(0x80));
/** Nodes of one proof, and bytes of one node (SPEC 19). */
export const MAX_PROOF_NODES = 64;
export const MAX_NODE_BYTES = 1024;

/**
 * The value under a key, null if it is proved absent, from a list of nodes that are all used in order (SPEC 11).
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes @param {Uint8Array[]} nodes
 * @throws {CertledgerError} `proof.invalid`
 */
export function proveTrieValue(root, hashedKey, nodes) {
  let used = 0;
  if (equal(root, EMPTY_TRIE_ROOT) && !nodes.length) return null;
  const found = findInTrie(root, hashedKey, (hash) => {
    const node = nodes[used];
    if (
      !node ||
      node.length > MAX_NODE_BYTES ||
      (used && node.length < 32) ||
      !equal(keccak256(node), hash)
    ) {
      fail("proof.invalid", `node ${used} of a proof is not the one its parent names`);
    }
    used += 1;
    return node;
  });
  if (used !== nodes.length) fail("proof.invalid", `${nodes.length - used} nodes of a proof are not needed`);
  return found;
}

/**
 * The bytes of an RLP integer, which has no leading zero.
 * @param {Uint8Array} bytes @param {number} width greatest length
 */
function requireRlpInteger(bytes, width) {
  if (bytes.length > width || bytes[0] === 0)
    fail("proof.invalid", `an RLP integer with a leading zero, or of more than ${width} bytes`);
  return bytes;
}

/**
 * Storage root and code hash of an account, null if it is proved absent.
 * @param {Uint8Array} stateRoot @param {Uint8Array} address @param {Uint8Array[]} nodes
 * @throws {CertledgerError} `proof.invalid`
 */
export function proveAccount(stateRoot, address, nodes) {
  const found = proveTrieValue(stateRoot, keccak256(address), nodes);
  if (!found) return null;
  const account = decodeRlp(found);
  const parts = "items" in account ? account.items.map(requireRlpString) : [];
  if (parts.length !== 4 || parts[2].length !== 32 || parts[3].length !== 32) {
    fail("proof.invalid", "an account is not [nonce, balance, storage root, code hash]");
  }
  requireRlpInteger(parts[0], 8);
  requireRlpInteger(parts[1], 32);
  return { storageRoot: parts[2], codeHash: parts[3] };
}

/**
 * The 32 bytes of a slot, from its value in the storage trie.
 * @param {Uint8Array | null} found null: absent, so zero
 */
export function decodeSlotValue(found) {
  if (!found) return ZERO32;
  const value = requireRlpInteger(requireRlpString(decodeRlp(found)), 32);
  if (!value.length) fail("proof.invalid", "a slot of value zero in the trie");
  return concat(new Uint8Array(32 - value.length), value);
}

/** Position of the slot of an issuer: mapping in slot 0 (SPEC 13). @param {string} issuer */
export const issuerSlotPosition = (issuer) => keccak256(concat(utf8(issuer), new Uint8Array(14), ZERO32));

/** Position of the roll, the chain of hashes over all registered issuers (SPEC 13). */
export const ROLL_POSITION = uintToBytes(1, 32);
