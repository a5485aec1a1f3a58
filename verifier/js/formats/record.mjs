/** Records and disclosures (SPEC 4 and 5). @module */

import { ZERO32, concat, uint, utf8 } from "../bytes.mjs";
import { hmacSha256, sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { canonicalBytes, parseCanonical } from "./canonical_json.mjs";
import { base64Url, toBase64Url } from "./encoding.mjs";
import { Members, characters } from "./members.mjs";
import { leafHash } from "./merkle.mjs";
/** @import { Json } from "./canonical_json.mjs" */

export const ISSUER = /^[0-9A-Z]{18}$/;
export const CATEGORY = /^[A-Z0-9-]{2,24}$/;
export const HOLDERS = ["natural", "legal", "object"];
export const MOST_CERTIFICATES = 2 ** 32;
export const MOST_DIGESTS = 96;
export const LONGEST_VALUE = 512;
export const NUMBER = "certificate_number";
export const HOLDER_KEY = "holder_key";
export const DOCUMENT = "document";
/** @typedef {ReturnType<typeof readRecord>} CertificateRecord */

/** @param {Json} value */
export function readRecord(value) {
  const read = new Members(value, "record");
  read.constant("type", "certledger/record/1");
  const record = {
    issuer: read.text("issuer", ISSUER),
    index: read.integer("index", 0, MOST_CERTIFICATES - 1),
    id: read.binary("id", 32),
    edition: read.integer("edition", 0, 65535),
    replaces: read.has("replaces") ? read.integer("replaces", 0, MOST_CERTIFICATES - 1) : null,
    category: read.text("category", CATEGORY),
    entry: read.integer("entry", 1, 65535),
    holder: read.word("holder", HOLDERS),
    issued: read.day("issued"),
    expires: read.has("expires") ? read.day("expires") : null,
    bound: read.boolean("bound"),
    digests: read.hashes("digests", MOST_DIGESTS),
    leaf: ZERO32,
  };
  read.done();
  checkRegion(record.issuer);
  if (!record.digests.length) refuse("schema.invalid", "record.digests is empty");
  if ((record.replaces !== null) !== record.edition > 0) {
    refuse("record.edition", "replaces stands exactly where edition is above 0");
  }
  if (record.replaces !== null && record.replaces >= record.index) {
    refuse("record.edition", "a record replaces one of a lower index");
  }
  if (record.expires !== null && record.expires < record.issued) {
    refuse("record.dates", "a record expires before it is issued");
  }
  record.leaf = leafHash(canonicalBytes(value));
  return record;
}

/** @param {string} issuer */
export function checkRegion(issuer) {
  if (!/^[0-9]{2}$/.test(issuer.slice(2, 4))) refuse("issuer.invalid", `${issuer} is not the code of a body`);
}

/** @typedef {string | {sha256: string, size: number, sm3?: string}} Value */

/** @typedef {{salt: string, name: string, value: Value, digest: Uint8Array}} Disclosure */

/** @param {string} salt @param {string} name @param {Json} value @returns {string} */
export const formatDisclosure = (salt, name, value) => toBase64Url(canonicalBytes([salt, name, value]));

/** @param {string} text of a disclosure @returns {Uint8Array} */
export const digestOf = (text) => sha256(utf8(text));

/**
 * Salt of a document or a must-show field (section 4.5).
 * @param {string} code normal access code @param {number} place
 */
export function derivedSalt(code, place) {
  return toBase64Url(
    hmacSha256(utf8(code), concat(utf8("certledger/1/salt"), uint(place, 2))).subarray(0, 16),
  );
}

/** @param {string} text @returns {Disclosure} */
export function readDisclosure(text) {
  const parts = parseCanonical(base64Url(text), 4096);
  if (!Array.isArray(parts) || parts.length !== 3)
    return refuse("schema.invalid", "a disclosure is a list of three");
  const [salt, name, value] = parts;
  if (typeof salt !== "string" || typeof name !== "string" || !name || characters(name) > 64) {
    return refuse("schema.invalid", "salt and name of a disclosure are text");
  }
  if (name === DOCUMENT) checkDocument(value);
  else checkFieldValue(value);
  return { salt, name, value: /** @type {Value} */ (value), digest: digestOf(text) };
}

/** @param {Json} value */
export function checkFieldValue(value) {
  if (typeof value !== "string" || !value || characters(value) > LONGEST_VALUE) {
    refuse("schema.invalid", "a field is 1 to 512 characters");
  }
}

/** @param {Json} value */
export function checkDocument(value) {
  const read = new Members(value, "document");
  read.text("sha256", /^[0-9a-f]{64}$/);
  if (read.has("sm3")) read.text("sm3", /^[0-9a-f]{64}$/);
  read.integer("size");
  read.done();
}
