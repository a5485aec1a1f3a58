/** Entries of an issuer's catalog, and its root (SPEC 6). @module */

import { ZERO32, concat, uintToBytes, utf8 } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";
import { canonicalBytes } from "./canonical_json.mjs";
import { leafHash } from "./merkle.mjs";
import { ObjectReader } from "./object_reader.mjs";
import { CATEGORY_PATTERN, DOCUMENT_FIELD, HOLDER_KEY_FIELD, HOLDER_KINDS, NUMBER_FIELD } from "./record.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Kinds of certificates (SPEC 6). */
const ENTRY_KINDS = [
  "certificate",
  "licence",
  "plate",
  "proof",
  "approval",
  "expert_report",
  "appraisal_report",
  "association_document",
];

/** Entries of one catalog (SPEC 19). */
export const MAX_ENTRIES = 4096;

/** @typedef {ReturnType<typeof readEntry>} Entry its `leaf` is the hash in the catalog's tree */

/**
 * Read an entry (SPEC 6).
 * @param {Json} value @throws {CertledgerError} `schema.*`, `entry.fields`, `entry.shown`
 */
export function readEntry(value) {
  const read = new ObjectReader(value, "entry");
  read.constant("type", "certledger/entry/1");
  const entry = {
    category: read.text("category", CATEGORY_PATTERN),
    version: read.integer("version", 1, 65535),
    kind: read.oneOf("kind", ENTRY_KINDS),
    holder: read.oneOf("holder", HOLDER_KINDS),
    nameZh: read.text("name_zh", null, 128),
    nameEn: read.text("name_en", null, 128),
    fields: readFieldNames(read, "fields"),
    shown: readFieldNames(read, "shown"),
    months: read.has("months") ? read.integer("months", 1, 1200) : null,
    lagDays: read.integer("lag_days", 0, 36500),
    leaf: ZERO32,
  };
  read.finish();
  const { fields, shown } = entry;
  if (
    new Set(fields).size !== fields.length ||
    fields[0] !== NUMBER_FIELD ||
    fields.includes(DOCUMENT_FIELD) ||
    fields.includes(HOLDER_KEY_FIELD)
  ) {
    fail(
      "entry.fields",
      `fields are not distinct, do not start with ${NUMBER_FIELD}, or include a reserved name`,
    );
  }
  if (
    fields.filter((field) => shown.includes(field)).join() !== shown.join() ||
    shown.includes(NUMBER_FIELD)
  ) {
    fail("entry.shown", `shown is not a subset of fields in their order without ${NUMBER_FIELD}`);
  }
  entry.leaf = leafHash(canonicalBytes(value));
  return entry;
}

/** A list of names of fields. @param {ObjectReader} read @param {string} name */
function readFieldNames(read, name) {
  const names = read.texts(name, 1, 64);
  if (!names.every((field) => /^[a-z][a-z0-9_]{0,63}$/.test(field))) read.fail(name, "a list of names");
  return names;
}

/**
 * Name of the disclosure at a place: fields, then the holder key of a bound record, then documents (SPEC 4.4).
 * @param {Entry} entry @param {number} place @param {boolean} bound @returns {string}
 */
export function fieldNameAt(entry, place, bound) {
  if (place < entry.fields.length) return entry.fields[place];
  return bound && place === entry.fields.length ? HOLDER_KEY_FIELD : DOCUMENT_FIELD;
}

/** Root of a catalog (SPEC 6). @param {number} count of entries @param {Uint8Array} root of their tree */
export const catalogRoot = (count, root) =>
  sha256(concat(utf8("certledger/catalog/1"), uintToBytes(count, 4), root));

/**
 * Order of entries in a catalog: by category, then version (SPEC 6).
 * @param {Entry} left @param {Entry} right
 */
export function compareEntries(left, right) {
  if (left.category !== right.category) return left.category < right.category ? -1 : 1;
  return left.version - right.version;
}
