/** Full evidence (SPEC 16.1). @module */

import { hex } from "../bytes.mjs";
import { refuse } from "../errors.mjs";
import { MOST_ENTRIES, readEntry } from "./catalog.mjs";
import { base64Url } from "./encoding.mjs";
import { MOST_KEYS, NO_END, readBody } from "./issuer_state.mjs";
import { Members } from "./members.mjs";
import { readPresentation } from "./presentation.mjs";
import { MOST_DIGESTS, readDisclosure, readRecord } from "./record.mjs";
import { LONGEST_NODE, MOST_NODES } from "./state_proof.mjs";
import { readStatement } from "./statements.mjs";
import { readWordProof } from "./status_tree.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { CertificateRecord, Disclosure } from "./record.mjs" */

export const LONGEST_EVIDENCE = 65536;
export const EVIDENCE_TYPE = "certledger/evidence/1";
/** @typedef {{record: CertificateRecord, disclosures: Disclosure[], places: (number | undefined)[]}} Showing */

/**
 * A record and what is shown of it, the place of each disclosure worked out.
 * @param {CertificateRecord} record @param {Disclosure[]} disclosures @returns {Showing}
 */
export function showingOf(record, disclosures) {
  const places = new Map(record.digests.map((digest, place) => [hex(digest), place]));
  return { record, disclosures, places: disclosures.map(({ digest }) => places.get(hex(digest))) };
}

/** @typedef {ReturnType<typeof readEvidence>} Evidence */

/** @param {Json} value */
export function readEvidence(value) {
  const read = new Members(value, "evidence");
  read.constant("type", EVIDENCE_TYPE);
  const record = readRecord(read.take("record"));
  const disclosures = read.texts("disclosures", 0, MOST_DIGESTS).map(readDisclosure);
  const evidence = {
    showing: showingOf(record, disclosures),
    path: read.hashes("path"),
    presentation: read.has("presentation") ? readPresentation(read.take("presentation")) : null,
    anchor: readAnchor(read.inner("anchor")),
    body: readBody(read.take("body")),
    catalog: readEntryProof(read.inner("catalog")),
    checkpoint: read.string("checkpoint"),
    proof: readProof(read.inner("proof")),
    signature: read.binary("signature", 64),
    signer: read.binary("signer", 64),
    statement: readStatement(read.take("statement"), record.issuer),
    word: readWordProof(read.take("status")),
  };
  const placed = evidence.showing.places.filter((place) => place !== undefined);
  if (placed.some((place, at) => at > 0 && place <= placed[at - 1])) {
    refuse("schema.invalid", "disclosures do not strictly ascend by place");
  }
  if (evidence.presentation && !record.bound) {
    refuse("schema.invalid", "a presentation stands beside an unbound record");
  }
  read.done();
  return evidence;
}

/** @param {Members} read */
function readAnchor(read) {
  const anchor = {
    block: read.integer("block", 0, NO_END),
    key: read.integer("key", 0, MOST_KEYS - 1),
    path: read.hashes("path"),
  };
  read.done();
  return anchor;
}

/** @param {Members} read */
function readEntryProof(read) {
  const proof = {
    entry: readEntry(read.take("entry")),
    place: read.integer("place", 0, MOST_ENTRIES - 1),
    count: read.integer("count", 1, MOST_ENTRIES),
    path: read.hashes("path"),
  };
  read.done();
  return proof;
}

/** @param {Members} read */
function readProof(read) {
  const nodes = (name) => {
    const found = read.texts(name, 1, MOST_NODES).map(base64Url);
    if (found.some((node) => node.length > LONGEST_NODE))
      read.refuse(name, `nodes of at most ${LONGEST_NODE} bytes`);
    return found;
  };
  const proof = { account: nodes("account"), slot: nodes("slot") };
  read.done();
  return proof;
}
