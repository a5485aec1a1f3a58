/**
 * Check 1, content: what is disclosed and handed in, against what was certified (SPEC 18.1, 18.3).
 * @module
 */

import { equal, hex } from "../bytes.mjs";
import { sha256, sm3 } from "../crypto/hashing.mjs";
import { fieldNameAt } from "../formats/catalog.mjs";
import {
  DOCUMENT_FIELD,
  NUMBER_FIELD,
  deriveSalt,
  disclosureDigest,
  formatDisclosure,
} from "../formats/record.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { DisclosedRecord } from "../formats/evidence.mjs" */

/**
 * The hashes of a document in hexadecimal, and its size in bytes.
 * @typedef {{sha256: string, size: number, sm3?: string}} DocumentDigests
 */
/**
 * @typedef {Uint8Array | DocumentDigests} ComparedDocument a document, or its hashes where it was hashed
 *   elsewhere
 */

/** @param {Uint8Array} bytes @returns {DocumentDigests} */
const hashDocument = (bytes) => ({
  sha256: hex(sha256(bytes)),
  size: bytes.length,
  sm3: hex(sm3(bytes)),
});

/** Codes of a document, the worst first (SPEC 18.3 list 1); `ok` comes after them. */
const WORST_FIRST = ["content.document_differs", "content.sm3_unavailable", "content.nothing_compared"];
/** Codes of a document by the descriptions of its SHA-256, the best first. */
const BEST_FIRST = ["ok", "content.sm3_unavailable", "content.document_differs"];

/**
 * The code of check 1. Without a proved entry neither names nor required fields can be checked.
 * @param {DisclosedRecord} disclosed @param {ComparedDocument[]} documents @param {Entry | null} entry proved
 * @returns {string}
 */
export function checkContent(disclosed, documents, entry) {
  const { record, disclosures, places } = disclosed;
  if (places.includes(undefined)) return "content.field_differs";
  if (
    entry &&
    disclosures.some(({ name }, at) => name !== fieldNameAt(entry, places[at] ?? 0, record.bound))
  ) {
    return "content.name_differs";
  }
  const codes = documents.map((document) => compareDocument(disclosed, document, entry));
  const worst = WORST_FIRST.find((code) => codes.includes(code));
  if (worst) return worst;
  const required = entry && [0, ...entry.shown.map((field) => entry.fields.indexOf(field))];
  return codes.length || required?.every((place) => places.includes(place))
    ? "ok"
    : "content.nothing_compared";
}

/**
 * The code of one document: the first row of the table in SPEC 18.3 list 1 that fits.
 * @param {DisclosedRecord} disclosed @param {ComparedDocument} document @param {Entry | null} entry
 * @returns {string}
 */
function compareDocument({ record, disclosures }, document, entry) {
  const digests = document instanceof Uint8Array ? hashDocument(document) : document;
  const described = disclosures.map(({ value }) => value).filter((value) => typeof value === "object");
  // Row 1: a document of its SHA-256 and size is disclosed.
  const codes = described
    .filter((value) => value.sha256 === digests.sha256 && value.size === digests.size)
    .map((value) => compareSm3(value, digests));
  const best = BEST_FIRST.find((code) => codes.includes(code));
  if (best) return best;
  // Row 2: all documents are disclosed.
  const places = entry ? record.digests.length - entry.fields.length - Number(record.bound) : Infinity;
  if (described.length >= places) return "content.document_differs";
  // Row 4: without the number's salt, which is the access code, those that are withheld cannot be compared.
  const number = disclosures.find(({ name }) => name === NUMBER_FIELD);
  if (!number?.salt) return "content.nothing_compared";
  // Row 3.
  if (isWithheldDocument(record.digests, number.salt, digests)) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/** @param {DocumentDigests} recorded @param {DocumentDigests} digests of the document @returns {string} */
function compareSm3(recorded, digests) {
  if (recorded.sm3 === undefined || recorded.sm3 === digests.sm3) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/**
 * Whether a description of a document, with or without its SM3, has the digest of a place but 0 under the salt that
 * the access code gives that place (SPEC 4.5).
 * @param {Uint8Array[]} recorded digests of the record @param {string} code @param {DocumentDigests} digests
 */
function isWithheldDocument(recorded, code, digests) {
  const plain = { sha256: digests.sha256, size: digests.size };
  const forms = digests.sm3 === undefined ? [plain] : [plain, { ...plain, sm3: digests.sm3 }];
  return recorded.some((digest, place) => {
    if (place === 0) return false;
    const salt = deriveSalt(code, place);
    return forms.some((form) =>
      equal(digest, disclosureDigest(formatDisclosure(salt, DOCUMENT_FIELD, form))),
    );
  });
}
