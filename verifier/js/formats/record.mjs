/** Records, which are public, and disclosures, which the holder shows (SPEC 4, 5). @module */

import { ZERO32, concat, uintToBytes, utf8 } from "../bytes.mjs";
import { hmacSha256, sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";
import { canonicalBytes, parseCanonical } from "./canonical_json.mjs";
import { decodeBase64Url, encodeBase64Url } from "./encoding.mjs";
import { leafHash } from "./merkle.mjs";
import { ObjectReader, countCharacters } from "./object_reader.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Code of an issuer; `checkIssuerCode` checks its region. */
export const ISSUER_PATTERN = /^[0-9A-Z]{18}$/;
export const CATEGORY_PATTERN = /^[A-Z0-9-]{2,24}$/;
export const HOLDER_KINDS = ["natural", "legal", "object"];
/** Certificates of one issuer, digests in a record, characters of a field (SPEC 19). */
export const MAX_CERTIFICATES = 2 ** 32;
export const MAX_DIGESTS = 96;
export const MAX_VALUE_CHARACTERS = 512;
const MAX_DISCLOSURE_BYTES = 4096;
const MAX_FIELD_NAME_CHARACTERS = 64;
/** Names of disclosures that every verifier knows (SPEC 4.4). */
export const NUMBER_FIELD = "certificate_number";
export const HOLDER_KEY_FIELD = "holder_key";
export const DOCUMENT_FIELD = "document";

/** @typedef {ReturnType<typeof readRecord>} CertificateRecord its `leaf` is the hash in the batch */

/**
 * Read a record (SPEC 5).
 * @param {Json} value
 * @throws {CertledgerError} `schema.*`, `base64.*`, `issuer.invalid`, `record.edition`, `record.dates`
 */
export function readRecord(value) {
  const read = new ObjectReader(value, "record");
  read.constant("type", "certledger/record/1");
  const record = {
    issuer: read.text("issuer", ISSUER_PATTERN),
    index: read.integer("index", 0, MAX_CERTIFICATES - 1),
    id: read.binary("id", 32),
    edition: read.integer("edition", 0, 65535),
    replaces: read.has("replaces") ? read.integer("replaces", 0, MAX_CERTIFICATES - 1) : null,
    category: read.text("category", CATEGORY_PATTERN),
    entry: read.integer("entry", 1, 65535),
    holder: read.oneOf("holder", HOLDER_KINDS),
    issued: read.day("issued"),
    expires: read.has("expires") ? read.day("expires") : null,
    bound: read.boolean("bound"),
    digests: read.hashes("digests", MAX_DIGESTS),
    leaf: ZERO32,
  };
  read.finish();
  checkIssuerCode(record.issuer);
  if (!record.digests.length) fail("schema.invalid", "record.digests is empty");
  if ((record.replaces !== null) !== record.edition > 0) {
    fail("record.edition", "replaces is present where edition is 0, or absent where it is not");
  }
  if (record.replaces !== null && record.replaces >= record.index) {
    fail("record.edition", `record ${record.index} replaces ${record.replaces}, which is not a lower index`);
  }
  if (record.expires !== null && record.expires < record.issued) {
    fail("record.dates", "a record expires before it is issued");
  }
  record.leaf = leafHash(canonicalBytes(value));
  return record;
}

/**
 * Check the region in an issuer's code, characters 3 and 4.
 * @param {string} issuer @throws {CertledgerError} `issuer.invalid`
 */
export function checkIssuerCode(issuer) {
  if (!/^[0-9]{2}$/.test(issuer.slice(2, 4)))
    fail("issuer.invalid", `${issuer} is not the code of an issuer`);
}

/**
 * @typedef {string | {sha256: string, size: number, sm3?: string}} Value of a field or holder key, or a
 *   document's description (SPEC 4.6)
 */

/** @typedef {{salt: string, name: string, value: Value, digest: Uint8Array}} Disclosure one value of a record */

/**
 * Text of a disclosure (SPEC 4.3).
 * @param {string} salt @param {string} name @param {Json} value @returns {string}
 */
export const formatDisclosure = (salt, name, value) => encodeBase64Url(canonicalBytes([salt, name, value]));

/**
 * Digest of the text of a disclosure, as records have it (SPEC 4.3).
 * @param {string} text @returns {Uint8Array}
 */
export const disclosureDigest = (text) => sha256(utf8(text));

/**
 * Salt of a document or of a `shown` field (SPEC 4.5).
 * @param {string} code normal form of the access code @param {number} place @returns {string}
 */
export function deriveSalt(code, place) {
  return encodeBase64Url(
    hmacSha256(utf8(code), concat(utf8("certledger/1/salt"), uintToBytes(place, 2))).subarray(0, 16),
  );
}

/**
 * Read a disclosure (SPEC 4.3).
 * @param {string} text @returns {Disclosure} @throws {CertledgerError} `schema.invalid`, `json.*`, `base64.*`
 */
export function readDisclosure(text) {
  const parts = parseCanonical(decodeBase64Url(text), MAX_DISCLOSURE_BYTES);
  if (!Array.isArray(parts) || parts.length !== 3)
    return fail("schema.invalid", "a disclosure is not a list of three");
  const [salt, name, value] = parts;
  if (
    typeof salt !== "string" ||
    typeof name !== "string" ||
    !name ||
    countCharacters(name) > MAX_FIELD_NAME_CHARACTERS
  ) {
    return fail(
      "schema.invalid",
      "salt or name of a disclosure is not text, or the name has not 1 to 64 characters",
    );
  }
  if (name === DOCUMENT_FIELD) checkDocument(value);
  else checkFieldValue(value);
  return { salt, name, value: /** @type {Value} */ (value), digest: disclosureDigest(text) };
}

/**
 * Check the value of a field or holder key (SPEC 4.6).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`
 */
export function checkFieldValue(value) {
  if (typeof value !== "string" || !value || countCharacters(value) > MAX_VALUE_CHARACTERS) {
    fail("schema.invalid", "a field is not text of 1 to 512 characters");
  }
}

/**
 * Check a document's description (SPEC 4.6).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`
 */
export function checkDocument(value) {
  const read = new ObjectReader(value, "document");
  read.text("sha256", /^[0-9a-f]{64}$/);
  if (read.has("sm3")) read.text("sm3", /^[0-9a-f]{64}$/);
  read.integer("size");
  read.finish();
}
