/** Full evidence (SPEC 16.1). @module */

import { hex } from "../bytes.mjs";
import { fail } from "../errors.mjs";
import { MAX_BLOCK } from "../limits.mjs";
import { MAX_ENTRIES, readEntry } from "./catalog.mjs";
import { decodeBase64Url } from "./encoding.mjs";
import { MAX_KEYS, readIssuerState } from "./issuer_state.mjs";
import { ObjectReader } from "./object_reader.mjs";
import { readPresentation } from "./presentation.mjs";
import { MAX_DIGESTS, readDisclosure, readRecord } from "./record.mjs";
import { MAX_NODE_BYTES, MAX_PROOF_NODES } from "./state_proof.mjs";
import { readStatement } from "./statements.mjs";
import { readWordProof } from "./status_tree.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { CertificateRecord, Disclosure } from "./record.mjs" */

export const MAX_EVIDENCE_BYTES = 65536;
/** The `type` of full evidence, and its name in a policy's list of versions. */
export const EVIDENCE_TYPE = "certledger/evidence/1";

/**
 * A record with disclosures, and the place of each (SPEC 4.4); undefined: its digest is not in the record.
 * @typedef {{record: CertificateRecord, disclosures: Disclosure[], places: (number | undefined)[]}} DisclosedRecord
 */

/**
 * Find the places of disclosures by their digests; of a digest that a record has twice, the last (SPEC 4.3).
 * @param {CertificateRecord} record @param {Disclosure[]} disclosures @returns {DisclosedRecord}
 */
export function locateDisclosures(record, disclosures) {
  const places = new Map(record.digests.map((digest, place) => [hex(digest), place]));
  return { record, disclosures, places: disclosures.map(({ digest }) => places.get(hex(digest))) };
}

/** @typedef {ReturnType<typeof readEvidence>} Evidence */

/**
 * Read full evidence. That its parts fit each other is for the checks.
 * @param {Json} value @throws {CertledgerError} of SPEC 18.5
 */
export function readEvidence(value) {
  const read = new ObjectReader(value, "evidence");
  read.constant("type", EVIDENCE_TYPE);
  const record = readRecord(read.require("record"));
  const disclosures = read.texts("disclosures", 0, MAX_DIGESTS).map(readDisclosure);
  const evidence = {
    disclosed: locateDisclosures(record, disclosures),
    path: read.hashes("path"),
    presentation: read.has("presentation") ? readPresentation(read.require("presentation")) : null,
    anchor: readAnchor(read.object("anchor")),
    state: readIssuerState(read.require("body")),
    catalog: readEntryProof(read.object("catalog")),
    checkpoint: read.string("checkpoint"),
    proof: readProof(read.object("proof")),
    signature: read.binary("signature", 64),
    signer: read.binary("signer", 64),
    statement: readStatement(read.require("statement"), record.issuer),
    wordProof: readWordProof(read.require("status")),
  };
  const places = evidence.disclosed.places.filter((place) => place !== undefined);
  if (places.some((place, at) => at > 0 && place <= places[at - 1])) {
    fail("schema.invalid", "disclosures do not strictly ascend by place");
  }
  if (evidence.presentation && !record.bound) {
    fail("schema.invalid", "a presentation of a record that is not bound to a holder");
  }
  read.finish();
  return evidence;
}

/** Where the batch was anchored: block, index of the key, path to the peak. @param {ObjectReader} read */
function readAnchor(read) {
  const anchor = {
    block: read.integer("block", 0, MAX_BLOCK),
    key: read.integer("key", 0, MAX_KEYS - 1),
    path: read.hashes("path"),
  };
  read.finish();
  return anchor;
}

/** An entry with its path in the catalog. @param {ObjectReader} read */
function readEntryProof(read) {
  const proof = {
    entry: readEntry(read.require("entry")),
    place: read.integer("place", 0, MAX_ENTRIES - 1),
    count: read.integer("count", 1, MAX_ENTRIES),
    path: read.hashes("path"),
  };
  read.finish();
  return proof;
}

/** Trie nodes of the contract's account and of the issuer's slot. @param {ObjectReader} read */
function readProof(read) {
  /** @param {string} name */
  const nodes = (name) => {
    const found = read.texts(name, 1, MAX_PROOF_NODES).map(decodeBase64Url);
    if (found.some((node) => node.length > MAX_NODE_BYTES))
      read.fail(name, `nodes of at most ${MAX_NODE_BYTES} bytes`);
    return found;
  };
  const proof = { account: nodes("account"), slot: nodes("slot") };
  read.finish();
  return proof;
}
