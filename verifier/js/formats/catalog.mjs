/** Entries of an issuer's catalog, and its root (SPEC 6). @module */

import { ZERO32, concat, uint, utf8 } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { canonicalBytes } from "./canonical_json.mjs";
import { Members } from "./members.mjs";
import { leafHash } from "./merkle.mjs";
import { CATEGORY, DOCUMENT, HOLDERS, HOLDER_KEY, NUMBER } from "./record.mjs";
/** @import { Json } from "./canonical_json.mjs" */

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

export const MOST_ENTRIES = 4096;
/** @typedef {ReturnType<typeof readEntry>} Entry */

/** @param {Json} value */
export function readEntry(value) {
  const read = new Members(value, "entry");
  read.constant("type", "certledger/entry/1");
  const entry = {
    category: read.text("category", CATEGORY),
    version: read.integer("version", 1, 65535),
    kind: read.word("kind", ENTRY_KINDS),
    holder: read.word("holder", HOLDERS),
    nameZh: read.text("name_zh", null, 128),
    nameEn: read.text("name_en", null, 128),
    fields: readNames(read, "fields"),
    shown: readNames(read, "shown"),
    months: read.has("months") ? read.integer("months", 1, 1200) : null,
    lagDays: read.integer("lag_days", 0, 36500),
    leaf: ZERO32,
  };
  read.done();
  const { fields, shown } = entry;
  if (
    new Set(fields).size !== fields.length ||
    fields[0] !== NUMBER ||
    fields.includes(DOCUMENT) ||
    fields.includes(HOLDER_KEY)
  ) {
    refuse("entry.fields", `fields are distinct, start with ${NUMBER}, and name no other place`);
  }
  if (fields.filter((field) => shown.includes(field)).join() !== shown.join() || shown.includes(NUMBER)) {
    refuse("entry.shown", `shown is an ordered part of fields, without ${NUMBER}`);
  }
  entry.leaf = leafHash(canonicalBytes(value));
  return entry;
}

/** @param {Members} read @param {string} name */
function readNames(read, name) {
  const names = read.texts(name, 1, 64);
  if (!names.every((field) => /^[a-z][a-z0-9_]{0,63}$/.test(field))) read.refuse(name, "a list of names");
  return names;
}

/**
 * Name of a disclosure at a place (section 4.4).
 * @param {Entry} entry @param {number} place @param {boolean} bound
 */
export function nameAt(entry, place, bound) {
  if (place < entry.fields.length) return entry.fields[place];
  return bound && place === entry.fields.length ? HOLDER_KEY : DOCUMENT;
}

/** @param {number} count @param {Uint8Array} root over the canonical entries */
export const catalogRoot = (count, root) =>
  sha256(concat(utf8("certledger/catalog/1"), uint(count, 4), root));

/** Order of entries: by category, then version. @param {Entry} left @param {Entry} right */
export function compareEntries(left, right) {
  if (left.category !== right.category) return left.category < right.category ? -1 : 1;
  return left.version - right.version;
}
