/** The state of an issuer, its keys, and the digest in its storage slot (SPEC 8). @module */

import { chunks, concat, join, toBigInt, uint, utf8 } from "../bytes.mjs";
import { keccak256, sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { Members } from "./members.mjs";
import { leafHash, peakSizes } from "./merkle.mjs";
import { ISSUER, MOST_CERTIFICATES, checkRegion } from "./record.mjs";
/** @import { Json } from "./canonical_json.mjs" */

export const KINDS = ["department", "institution", "association", "appraisal", "consulting", "operator"];
export const STANDINGS = ["active", "suspended", "closed", "struck"];
export const NO_END = 2 ** 40 - 1;
export const KEY_SIZE = 31;
export const MOST_KEYS = 16;
export const BATCHES = 1;
/** @typedef {{packed: Uint8Array, address: Uint8Array, purposes: number, from: number, end: number}} BodyKey */

/** @param {Uint8Array} packed the first 31 bytes of a key word @returns {BodyKey} */
export function readKey(packed) {
  const number = (at) => Number(toBigInt(packed.subarray(at, at + 5)));
  const purposes = packed[20];
  if (purposes < 1 || purposes > 15) refuse("state.key", "a key has no known purpose");
  return { packed, address: packed.subarray(0, 20), purposes, from: number(21), end: number(26) };
}

/** @typedef {ReturnType<typeof readBody>} BodyState */

/** @param {Json} value */
export function readBody(value) {
  const read = new Members(value, "body");
  const keys = read.binary("keys");
  if (!keys.length || keys.length % KEY_SIZE || keys.length > MOST_KEYS * KEY_SIZE) {
    read.refuse("keys", `1 to ${MOST_KEYS} keys of ${KEY_SIZE} bytes`);
  }
  const body = {
    issuer: read.text("issuer", ISSUER),
    kind: KINDS.indexOf(read.word("kind", KINDS)) + 1,
    name: read.text("name", null, 128),
    /** Of a name that is absent in a snapshot. @type {Uint8Array | null} */ nameDigest: null,
    keys: chunks(keys, KEY_SIZE).map(readKey),
    standing: read.word("standing", STANDINGS),
    since: read.integer("since", 0, NO_END),
    catalogVersion: read.integer("catalog_version", 0, 2 ** 32 - 1),
    catalog: read.binary("catalog", 32),
    batches: read.integer("batches", 0, MOST_CERTIFICATES),
    certificates: read.integer("certificates", 0, MOST_CERTIFICATES),
    last: read.binary("last", 32),
    peaks: read.hashes("peaks"),
    epoch: read.integer("epoch"),
    status: read.binary("status", 32),
    revision: read.integer("revision", 0, 2 ** 32 - 1),
  };
  read.done();
  checkRegion(body.issuer);
  if (body.peaks.length !== peakSizes(body.batches).length) {
    refuse("schema.invalid", "body.peaks do not fit the number of batches");
  }
  return body;
}

/** A slot with the brake cleared. @param {Uint8Array} slot */
export function withoutBrake(slot) {
  const cleared = Uint8Array.from(slot);
  cleared[31] &= 0xfe;
  return cleared;
}

/** @param {BodyState} b @returns {Uint8Array} */
export function stateDigest(b) {
  return withoutBrake(
    keccak256(
      concat(
        utf8(b.issuer),
        uint(Number(b.issuer.slice(2, 4)), 2),
        Uint8Array.of(b.kind, STANDINGS.indexOf(b.standing) + 1),
        uint(b.since, 5),
        uint(b.catalogVersion, 4),
        Uint8Array.of(0),
        uint(b.batches, 8),
        uint(b.certificates, 8),
        uint(b.epoch, 8),
        uint(b.revision, 4),
        new Uint8Array(4),
        b.nameDigest ?? sha256(utf8(b.name)),
        b.catalog,
        b.last,
        b.status,
        keccak256(join(b.keys.flatMap((key) => [key.packed, Uint8Array.of(0)]))),
        keccak256(join(b.peaks)),
      ),
    ),
  );
}

/**
 * Leaf of a batch in its body's tree.
 * @param {Uint8Array} digest @param {Uint8Array} catalog @param {number} key @param {number} block
 */
export const batchLeaf = (digest, catalog, key, block) =>
  leafHash(concat(digest, catalog, uint(key, 1), uint(block, 5)));
