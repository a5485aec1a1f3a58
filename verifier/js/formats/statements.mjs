/** Batch statements and the digest that an issuer signs (SPEC 7, EIP-712). @module */

import { concat, uint, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/hashing.mjs";
import { Members } from "./members.mjs";
import { MOST_CERTIFICATES } from "./record.mjs";
import { GREATEST_TIME } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

const BATCH_TYPE = keccak256(
  utf8(
    "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count," +
      "bytes32 catalog,bytes32 countersignature,uint64 notAfter)",
  ),
);

/** @typedef {ReturnType<typeof readStatement>} Statement */

/** @param {Json} value @param {string} issuer */
export function readStatement(value, issuer) {
  const read = new Members(value, "statement");
  const statement = {
    issuer,
    sequence: read.integer("sequence", 1),
    previous: read.binary("previous", 32),
    root: read.binary("root", 32),
    first: read.integer("first", 0, MOST_CERTIFICATES - 1),
    count: read.integer("count", 1, 65536),
    catalog: read.binary("catalog", 32),
    countersignature: read.binary("countersignature", 32),
    notAfter: read.integer("not_after", 0, GREATEST_TIME),
  };
  read.done();
  return statement;
}

/** What a body signs. @param {Statement} s @param {Uint8Array} identity */
export function batchDigest(s, identity) {
  const hash = keccak256(
    concat(
      BATCH_TYPE,
      utf8(s.issuer),
      new Uint8Array(14),
      uint(s.sequence, 32),
      s.previous,
      s.root,
      uint(s.first, 32),
      uint(s.count, 32),
      s.catalog,
      s.countersignature,
      uint(s.notAfter, 32),
    ),
  );
  return keccak256(concat(Uint8Array.of(0x19, 0x01), identity, hash));
}
