/** Proofs of an account and its storage: RLP and Merkle-Patricia tries (SPEC 11, EIP-1186). @module */

import { ZERO32, concat, equal, uint, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";

/** @typedef {{bytes: Uint8Array, size: number} | {items: RlpItem[], size: number}} RlpItem `size`: encoded bytes */

/** @param {Uint8Array} data @param {number} at @param {number} width */
function rlpLength(data, at, width) {
  const digits = data.subarray(at, at + width);
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length !== width || digits[0] === 0 || length < 56)
    refuse("proof.invalid", "a second spelling in RLP");
  return length;
}

/** @param {Uint8Array} data @param {number} at @returns {RlpItem} */
function rlpItem(data, at) {
  const first = data[at];
  if (first === undefined) return refuse("proof.invalid", "RLP ends early");
  if (first < 0x80) return { bytes: data.subarray(at, at + 1), size: 1 };
  const list = first >= 0xc0;
  const short = first - (list ? 0xc0 : 0x80);
  const head = short < 56 ? 1 : 1 + short - 55;
  const length = short < 56 ? short : rlpLength(data, at + 1, short - 55);
  const body = data.subarray(at + head, at + head + length);
  if (body.length !== length) refuse("proof.invalid", "RLP ends early");
  if (!list) {
    if (length === 1 && body[0] < 0x80) refuse("proof.invalid", "a second spelling in RLP");
    return { bytes: body, size: head + length };
  }
  const items = [];
  for (let place = 0; place < length;) {
    const item = rlpItem(body, place);
    items.push(item);
    place += item.size;
  }
  return { items, size: head + length };
}

/** @param {Uint8Array} data @returns {RlpItem} */
function rlpDecode(data) {
  const item = rlpItem(data, 0);
  if (item.size !== data.length) refuse("proof.invalid", "bytes follow an RLP item");
  return item;
}

/** @param {Uint8Array} bytes @returns {number[]} */
const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/** @param {Uint8Array} bytes @returns {{path: number[], leaf: boolean}} */
function hexPrefix(bytes) {
  const [kind, pad, ...rest] = nibbles(bytes);
  if (kind === undefined || kind > 3 || (!(kind & 1) && pad))
    return refuse("proof.invalid", "a key's prefix is wrong");
  return { path: kind & 1 ? [pad, ...rest] : rest, leaf: kind > 1 };
}

/** @typedef {{next?: RlpItem, value?: RlpItem, at: number}} Step neither `next` nor `value`: proved absent */

const KEY_NIBBLES = 64;
/** A branch's or extension's child as a reference, undefined where the place is empty. @param {RlpItem} item */
function child(item) {
  if ("bytes" in item && !item.bytes.length) return undefined;
  if ("bytes" in item ? item.bytes.length !== 32 : item.size >= 32) {
    refuse("proof.invalid", "a child is neither a hash nor a node shorter than one");
  }
  return item;
}

/** What a node says of a key. @param {RlpItem} node @param {number[]} key @param {number} at @returns {Step} */
function step(node, key, at) {
  const items = "items" in node ? node.items : [];
  if (items.length === 17) {
    if (at === KEY_NIBBLES || !("bytes" in items[16]) || items[16].bytes.length) {
      refuse("proof.invalid", "a branch stands where keys of 32 bytes end");
    }
    return { next: child(items[key[at]]), at: at + 1 };
  }
  if (items.length !== 2 || !("bytes" in items[0]))
    return refuse("proof.invalid", "a trie node has no known shape");
  const { path, leaf } = hexPrefix(items[0].bytes);
  const stop = at + path.length;
  const fits = path.every((nibble, place) => nibble === key[at + place]);
  if (leaf) {
    if (stop !== KEY_NIBBLES) refuse("proof.invalid", "a leaf does not stand at the end of a key");
    return fits ? { value: items[1], at: stop } : { at: stop };
  }
  if (stop >= KEY_NIBBLES || !path.length) refuse("proof.invalid", "an extension is empty, or ends a key");
  const next = child(items[1]);
  if (!next) refuse("proof.invalid", "an extension leads nowhere");
  return fits ? { next, at: stop } : { at: stop };
}

/**
 * The bytes that a trie holds under a key, or null if they are proved absent.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes
 * @param {(hash: Uint8Array) => Uint8Array} take gives the node of a hash
 * @throws {Refusal} `proof.invalid`
 */
export function walk(root, hashedKey, take) {
  const key = nibbles(hashedKey);
  /** @type {RlpItem | undefined} */ let reference = { bytes: root, size: 33 };
  for (let at = 0; ;) {
    // What is shorter than a hash stands inside its parent.
    const node = "bytes" in reference ? rlpDecode(take(reference.bytes)) : reference;
    const found = step(node, key, at);
    if (found.value) return stringOf(found.value);
    if (!found.next) return null;
    [reference, at] = [found.next, found.at];
  }
}

/** @param {RlpItem} item @returns {Uint8Array} */
const stringOf = (item) =>
  "bytes" in item ? item.bytes : refuse("proof.invalid", "a list where a string stands");

const EMPTY_TRIE = keccak256(Uint8Array.of(0x80));
export const MOST_NODES = 64;
export const LONGEST_NODE = 1024;
/**
 * The same from a proof whose nodes are all used, in order.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey @param {Uint8Array[]} nodes
 */
export function walkProof(root, hashedKey, nodes) {
  let used = 0;
  if (equal(root, EMPTY_TRIE) && !nodes.length) return null;
  const found = walk(root, hashedKey, (hash) => {
    const node = nodes[used];
    if (!node || node.length > LONGEST_NODE || (used && node.length < 32) || !equal(keccak256(node), hash)) {
      refuse("proof.invalid", `node ${used} of a proof is not the one its parent names`);
    }
    used += 1;
    return node;
  });
  if (used !== nodes.length) refuse("proof.invalid", "a proof has nodes that it does not need");
  return found;
}

/** @param {Uint8Array} bytes an integer of RLP @param {number} width greatest number of bytes */
function rlpInteger(bytes, width) {
  if (bytes.length > width || bytes[0] === 0) refuse("proof.invalid", "an integer has a second spelling");
  return bytes;
}

/**
 * Storage root and code hash of an account, null if it is proved absent.
 * @param {Uint8Array} stateRoot @param {Uint8Array} address @param {Uint8Array[]} nodes
 */
export function proveAccount(stateRoot, address, nodes) {
  const found = walkProof(stateRoot, keccak256(address), nodes);
  if (!found) return null;
  const account = rlpDecode(found);
  const parts = "items" in account ? account.items.map(stringOf) : [];
  if (parts.length !== 4 || parts[2].length !== 32 || parts[3].length !== 32) {
    refuse("proof.invalid", "an account has four parts");
  }
  rlpInteger(parts[0], 8);
  rlpInteger(parts[1], 32);
  return { storageRoot: parts[2], codeHash: parts[3] };
}

/** A slot's value, 32 bytes, of what the storage trie holds there. @param {Uint8Array | null} found */
export function slotValue(found) {
  if (!found) return ZERO32;
  const value = rlpInteger(stringOf(rlpDecode(found)), 32);
  if (!value.length) refuse("proof.invalid", "a slot that is zero is absent from the trie");
  return concat(new Uint8Array(32 - value.length), value);
}

/** Position of the slot of a body (section 13). @param {string} issuer */
export const slotPosition = (issuer) => keccak256(concat(utf8(issuer), new Uint8Array(14), ZERO32));

export const ROLL_POSITION = uint(1, 32);
