/** Check 1: what is shown against what was certified (SPEC 18.1). @module */

import { equal, hex } from "../bytes.mjs";
import { sha256, sm3 } from "../crypto/hashing.mjs";
import { nameAt } from "../formats/catalog.mjs";
import { DOCUMENT, NUMBER, derivedSalt, digestOf, formatDisclosure } from "../formats/record.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { Showing } from "../formats/evidence.mjs" */

/** @typedef {Uint8Array | {sha256: string, size: number, sm3?: string}} Paper a document, or what was hashed of it elsewhere */

/** What a record says of a document, once hashed. @param {Uint8Array} bytes */
const fingerprint = (bytes) => ({
  sha256: hex(sha256(bytes)),
  size: bytes.length,
  sm3: hex(sm3(bytes)),
});

/**
 * Check 1; without a proved entry neither names nor what must be shown can be judged.
 * @param {Showing} showing @param {Paper[]} documents @param {Entry | null} entry @returns {string}
 */
export function checkContent(showing, documents, entry) {
  const { record, disclosures, places } = showing;
  if (places.includes(undefined)) return "content.field_differs";
  if (entry && disclosures.some(({ name }, at) => name !== nameAt(entry, places[at] ?? 0, record.bound))) {
    return "content.name_differs";
  }
  const compared = documents.map((paper) => compareDocument(showing, paper, entry));
  const worst = ["content.document_differs", "content.sm3_unavailable", "content.nothing_compared"].find(
    (code) => compared.includes(code),
  );
  if (worst) return worst;
  const shown = entry && [0, ...entry.shown.map((field) => entry.fields.indexOf(field))];
  return compared.length || shown?.every((place) => places.includes(place))
    ? "ok"
    : "content.nothing_compared";
}

/**
 * A document differs only from documents that are known: where the access code is withheld, it may be one of
 * those that are not shown.
 * @param {Showing} showing @param {Paper} paper @param {Entry | null} entry @returns {string}
 */
function compareDocument({ record, disclosures }, paper, entry) {
  const found = paper instanceof Uint8Array ? fingerprint(paper) : paper;
  const described = disclosures.map(({ value }) => value).filter((value) => typeof value === "object");
  const same = described.filter((value) => value.sha256 === found.sha256 && value.size === found.size);
  const compared = same.map((value) => compareSm3(value, found));
  const best = BEST.find((code) => compared.includes(code));
  if (best) return best;
  const places = entry ? record.digests.length - entry.fields.length - Number(record.bound) : Infinity;
  if (described.length >= places) return "content.document_differs";
  const number = disclosures.find(({ name }) => name === NUMBER);
  if (!number?.salt) return "content.nothing_compared";
  const plain = { sha256: found.sha256, size: found.size };
  const forms = found.sm3 === undefined ? [plain] : [plain, { ...plain, sm3: found.sm3 }];
  const recorded = record.digests.some(
    (digest, place) =>
      place > 0 &&
      forms.some((form) =>
        equal(digest, digestOf(formatDisclosure(derivedSalt(number.salt, place), DOCUMENT, form))),
      ),
  );
  if (recorded) return "ok";
  return found.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/** What a document may be found to be by disclosed ones of its SHA-256, the best first. */
const BEST = ["ok", "content.sm3_unavailable", "content.document_differs"];

/** @param {{sm3?: string}} value recorded @param {{sm3?: string}} found */
function compareSm3(value, found) {
  if (value.sm3 === undefined || value.sm3 === found.sm3) return "ok";
  return found.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}
