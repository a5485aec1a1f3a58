/** Batch statements and the digest that an issuer signs (SPEC 7, EIP-712). @module */

import { concat, putUint, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { ObjectReader } from "./object_reader.mjs";
import { MAX_CERTIFICATES } from "./record.mjs";
import { MAX_TIME } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** EIP-712 `typeHash` of a batch. */
const BATCH_TYPE_HASH = keccak256(
  utf8(
    "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count," +
      "bytes32 catalog,bytes32 countersignature,uint64 notAfter)",
  ),
);

// What is hashed, in bytes that every call uses again: a snapshot has the statements of all batches.
const BATCH_WORDS = concat(BATCH_TYPE_HASH, new Uint8Array(9 * 32));
const SIGNED_BATCH = concat(Uint8Array.of(0x19, 0x01), new Uint8Array(2 * 32));

/** Certificates of one batch (SPEC 19). */
export const MAX_BATCH_CERTIFICATES = 65536;

/** @typedef {ReturnType<typeof readStatement>} Statement */

/**
 * Read a batch statement of full evidence (SPEC 16.1).
 * @param {Json} value @param {string} issuer of the record
 * @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
export function readStatement(value, issuer) {
  const read = new ObjectReader(value, "statement");
  const statement = {
    issuer,
    sequence: read.integer("sequence", 1),
    previous: read.binary("previous", 32),
    root: read.binary("root", 32),
    first: read.integer("first", 0, MAX_CERTIFICATES - 1),
    count: read.integer("count", 1, MAX_BATCH_CERTIFICATES),
    catalog: read.binary("catalog", 32),
    countersignature: read.binary("countersignature", 32),
    notAfter: read.integer("not_after", 0, MAX_TIME),
  };
  read.finish();
  return statement;
}

/**
 * Digest of a batch statement, which the issuer signs (SPEC 7, EIP-712).
 * @param {Statement} s @param {Uint8Array} identity of the ledger, its EIP-712 domain separator
 * @returns {Uint8Array}
 */
export function batchDigest(s, identity) {
  const words = BATCH_WORDS;
  words.fill(0, 32);
  // bytes18, which are ASCII, padded to a word on the right.
  for (let at = 0; at < s.issuer.length; at += 1) words[32 + at] = s.issuer.charCodeAt(at);
  putUint(words, 3 * 32, s.sequence);
  words.set(s.previous, 3 * 32);
  words.set(s.root, 4 * 32);
  putUint(words, 6 * 32, s.first);
  putUint(words, 7 * 32, s.count);
  words.set(s.catalog, 7 * 32);
  words.set(s.countersignature, 8 * 32);
  putUint(words, 10 * 32, s.notAfter);
  SIGNED_BATCH.set(identity, 2);
  SIGNED_BATCH.set(keccak256(words), 34);
  return keccak256(SIGNED_BATCH);
}
