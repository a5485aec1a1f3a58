/**
 * The state of an issuer: its keys, and the digest in its storage slot (SPEC 8).
 * @module
 */

import { bytesToBigInt, chunks, concat, concatAll, putUint, uintToBytes, utf8 } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { fail } from "../errors.mjs";
import { MAX_BLOCK, MAX_UINT32 } from "../limits.mjs";
import { leafHash, peakSizes } from "./merkle.mjs";
import { ObjectReader } from "./object_reader.mjs";
import { ISSUER_PATTERN, MAX_CERTIFICATES, checkIssuerCode } from "./record.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Kinds and standings; a number in hashed bytes is the place in the list plus one (SPEC 7, 8). */
export const ISSUER_KINDS = [
  "department",
  "institution",
  "association",
  "appraisal",
  "consulting",
  "operator",
];
export const ISSUER_STANDINGS = ["active", "suspended", "closed", "struck"];
/** A key word without its last byte, which is zero. */
export const KEY_BYTES = 31;
export const MAX_KEYS = 16;
export const MAX_ISSUER_NAME_CHARACTERS = 128;
/** Bit of a key's purposes that lets it sign batches (SPEC 7). */
export const PURPOSE_BATCHES = 1;

/**
 * @typedef {{packed: Uint8Array, address: Uint8Array, purposes: number, from: number, end: number}} IssuerKey
 */

/**
 * Decode a key word: `address 20 ‖ purposes 1 ‖ from 5 ‖ end 5` (SPEC 8); `from` and `end` are blocks.
 * @param {Uint8Array} packed 31 bytes @returns {IssuerKey} @throws {CertledgerError} `state.key`
 */
export function decodeKey(packed) {
  /** @param {number} at */
  const block = (at) => Number(bytesToBigInt(packed.subarray(at, at + 5)));
  const purposes = packed[20];
  if (purposes < 1 || purposes > 15) fail("state.key", `a key has purposes ${purposes}, not 1 to 15`);
  return { packed, address: packed.subarray(0, 20), purposes, from: block(21), end: block(26) };
}

/** @typedef {ReturnType<typeof readIssuerState>} IssuerState */

/**
 * Read the state in full evidence (SPEC 16.1).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`, `base64.*`, `state.key`, `issuer.invalid`
 */
export function readIssuerState(value) {
  const read = new ObjectReader(value, "body");
  const keys = read.binary("keys");
  if (!keys.length || keys.length % KEY_BYTES || keys.length > MAX_KEYS * KEY_BYTES) {
    read.fail("keys", `1 to ${MAX_KEYS} keys of ${KEY_BYTES} bytes`);
  }
  const state = {
    issuer: read.text("issuer", ISSUER_PATTERN),
    kind: ISSUER_KINDS.indexOf(read.oneOf("kind", ISSUER_KINDS)) + 1,
    name: read.text("name", null, MAX_ISSUER_NAME_CHARACTERS),
    /** SHA-256 of the name, where a snapshot has only that. @type {Uint8Array | null} */ nameDigest: null,
    keys: chunks(keys, KEY_BYTES).map(decodeKey),
    standing: read.oneOf("standing", ISSUER_STANDINGS),
    since: read.integer("since", 0, MAX_BLOCK),
    catalogVersion: read.integer("catalog_version", 0, MAX_UINT32),
    catalog: read.binary("catalog", 32),
    batches: read.integer("batches", 0, MAX_CERTIFICATES),
    certificates: read.integer("certificates", 0, MAX_CERTIFICATES),
    last: read.binary("last", 32),
    peaks: read.hashes("peaks"),
    epoch: read.integer("epoch"),
    status: read.binary("status", 32),
    revision: read.integer("revision", 0, MAX_UINT32),
  };
  read.finish();
  checkIssuerCode(state.issuer);
  if (state.peaks.length !== peakSizes(state.batches).length) {
    fail(
      "schema.invalid",
      `body.peaks are ${state.peaks.length} hashes, which does not fit ${state.batches} batches`,
    );
  }
  return state;
}

/**
 * A slot with its lowest bit, the brake of a hold, cleared (SPEC 8, 12).
 * @param {Uint8Array} slot 32 bytes
 */
export function clearBrake(slot) {
  const cleared = Uint8Array.from(slot);
  cleared[31] &= 0xfe;
  return cleared;
}

/**
 * Digest of a state, the value of the issuer's slot but for the brake (SPEC 8).
 * @param {IssuerState} s @returns {Uint8Array}
 */
export function stateDigest(s) {
  return clearBrake(
    keccak256(
      concat(
        // w0
        utf8(s.issuer),
        uintToBytes(Number(s.issuer.slice(2, 4)), 2),
        Uint8Array.of(s.kind, ISSUER_STANDINGS.indexOf(s.standing) + 1),
        uintToBytes(s.since, 5),
        uintToBytes(s.catalogVersion, 4),
        Uint8Array.of(0),
        // w1
        uintToBytes(s.batches, 8),
        uintToBytes(s.certificates, 8),
        uintToBytes(s.epoch, 8),
        uintToBytes(s.revision, 4),
        new Uint8Array(4),
        // w2 to w7
        s.nameDigest ?? sha256(utf8(s.name)),
        s.catalog,
        s.last,
        s.status,
        keccak256(concatAll(s.keys.flatMap((key) => [key.packed, Uint8Array.of(0)]))),
        keccak256(concatAll(s.peaks)),
      ),
    ),
  );
}

/** What a leaf is the hash of, in bytes that every call uses again. */
const BATCH_LEAF = new Uint8Array(70);

/**
 * Leaf of a batch in its issuer's tree of batches (SPEC 8).
 * @param {Uint8Array} digest of the statement @param {Uint8Array} catalog root
 * @param {number} key index of the key
 * @param {number} block of anchoring @returns {Uint8Array}
 */
export function batchLeaf(digest, catalog, key, block) {
  BATCH_LEAF.set(digest);
  BATCH_LEAF.set(catalog, 32);
  BATCH_LEAF.fill(0, 64);
  BATCH_LEAF[64] = key;
  putUint(BATCH_LEAF, 70, block);
  return leafHash(BATCH_LEAF);
}
