/** Compact evidence, for a QR code (SPEC 16.2). @module */

import { chunks, hex } from "../bytes.mjs";
import { refuse } from "../errors.mjs";
import { fromBase45 } from "./base45.mjs";
import { nameAt } from "./catalog.mjs";
import { CborReader, TEXT } from "./cbor.mjs";
import { toBase64Url } from "./encoding.mjs";
import { showingOf } from "./evidence.mjs";
import { readPresentation } from "./presentation.mjs";
import {
  DOCUMENT,
  HOLDERS,
  LONGEST_VALUE,
  MOST_DIGESTS,
  checkDocument,
  checkFieldValue,
  digestOf,
  formatDisclosure,
  readRecord,
} from "./record.mjs";
import { dayNumber, formatDay } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { Entry } from "./catalog.mjs" */
/** @import { Showing } from "./evidence.mjs" */
/** @import { CertificateRecord, Disclosure, Value } from "./record.mjs" */

/** How a policy names codes and snapshots of these versions. */
export const COMPACT_TYPE = "certledger/compact/1";

const COMPACT_PREFIX = "CL1:";
const ACCESS_CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const LONGEST_COMPACT = 4096;
const COMPACT_PARTS = 5;
const MAX_PATH = 32;
/** Bytes of a code, salt, id or signature. */
const MAX_WORD = 64;

const FIRST_DAY = /** @type {number} */ (dayNumber(1, 1, 1));
const LAST_DAY = /** @type {number} */ (dayNumber(9999, 12, 31));
/** @typedef {{place: number, salt: string, value: Value}} Shown a disclosure without its name, which the place gives */

/** @typedef {ReturnType<typeof parseCompact>} Compact */

/** @param {string} text of a code */
export function parseCompact(text) {
  if (text.length > LONGEST_COMPACT || !text.startsWith(COMPACT_PREFIX)) {
    refuse(
      "compact.invalid",
      `a code starts with ${COMPACT_PREFIX} and is not longer than ${LONGEST_COMPACT}`,
    );
  }
  const packed = fromBase45(text.slice(COMPACT_PREFIX.length));
  const reader = new CborReader(packed, "compact.invalid", "compact.not_canonical");
  const size = reader.list(1, COMPACT_PARTS + 1);
  if (reader.integer() !== 1) refuse("compact.version", "not compact evidence of version 1");
  reader.need(size >= COMPACT_PARTS, `${COMPACT_PARTS} parts`);
  const ledger = reader.binary(8, 8);
  const record = unpackRecord(reader);
  const compact = {
    ledger,
    record,
    path: unpackPath(reader),
    shown: unpackShown(reader, record.digests.length),
    presentation: size > COMPACT_PARTS ? unpackPresentation(reader) : null,
  };
  reader.done();
  if (compact.presentation && !compact.record.bound) {
    refuse("compact.invalid", "a presentation of a record that is not bound");
  }
  return compact;
}

/** The record, judged by the reader of JSON, so that both forms obey one set of rules. @param {CborReader} reader */
function unpackRecord(reader) {
  reader.list(12, 12);
  const day = () => formatDay(reader.integer(FIRST_DAY, LAST_DAY));
  /** @type {{[name: string]: Json}} */ const value = { type: "certledger/record/1" };
  value.issuer = reader.text(MAX_WORD);
  value.index = reader.integer();
  value.id = toBase64Url(reader.binary(0, MAX_WORD));
  value.edition = reader.integer();
  if (!reader.isNull()) value.replaces = reader.integer();
  value.category = reader.text(MAX_WORD);
  value.entry = reader.integer();
  value.holder = HOLDERS[reader.integer(0, HOLDERS.length - 1)];
  value.issued = day();
  if (!reader.isNull()) value.expires = day();
  value.bound = reader.boolean();
  value.digests = toBase64Url(reader.binary(0, 32 * MOST_DIGESTS));
  return readRecord(/** @type {Json} */ (value));
}

/** @param {CborReader} reader */
function unpackPath(reader) {
  const path = reader.binary(0, 32 * MAX_PATH);
  if (path.length % 32) refuse("compact.invalid", "a path is made of hashes of 32 bytes");
  return chunks(path, 32);
}

/**
 * Disclosures, whose places strictly ascend among those of the record.
 * @param {CborReader} reader @param {number} places @returns {Shown[]}
 */
function unpackShown(reader, places) {
  let place = -1;
  return reader.parts(places, () => {
    reader.list(3, 3);
    place = reader.integer(place + 1, places - 1);
    const salt = place === 0 ? reader.text(MAX_WORD) : toBase64Url(reader.binary(16, 16));
    if (place === 0 && !ACCESS_CODE.test(salt))
      refuse("compact.invalid", "the salt of the number is no access code");
    return { place, salt, value: unpackValue(reader) };
  });
}

/** @param {CborReader} reader @returns {Value} */
function unpackValue(reader) {
  if (reader.kind() === TEXT) {
    const value = reader.text(4 * LONGEST_VALUE);
    checkFieldValue(value);
    return value;
  }
  const size = reader.list(2, 3);
  const digest = () => hex(reader.binary(32, 32));
  const [sha, length] = [digest(), reader.integer()];
  const document = { sha256: sha, size: length, ...(size > 2 ? { sm3: digest() } : {}) };
  checkDocument(document);
  return document;
}

/** @param {CborReader} reader */
function unpackPresentation(reader) {
  reader.list(4, 4);
  const [audience, nonce, time] = [reader.text(MAX_WORD), reader.text(MAX_WORD), reader.integer()];
  const signature = toBase64Url(reader.binary(0, MAX_WORD));
  return readPresentation(/** @type {Json} */ ({ audience, nonce, time, signature }));
}

/**
 * A disclosure under the name of its place.
 * @param {Shown} shown @param {Entry} entry @param {boolean} bound @returns {Disclosure}
 */
function nameShown({ place, salt, value }, entry, bound) {
  const name = nameAt(entry, place, bound);
  return { salt, name, value, digest: digestOf(formatDisclosure(salt, name, value)) };
}

/**
 * The same of a code, whose disclosures each name their place: one whose digest has another place, or whose value
 * is of another kind than the place has, is not the record's.
 * @param {CertificateRecord} record @param {Shown[]} shown @param {Entry} entry @returns {Showing}
 */
export function showingAt(record, shown, entry) {
  const found = showingOf(
    record,
    shown.map((part) => nameShown(part, entry, record.bound)),
  );
  const places = found.disclosures.map(({ name, value }, at) => {
    const fits = found.places[at] === shown[at].place && (typeof value === "object") === (name === DOCUMENT);
    return fits ? found.places[at] : undefined;
  });
  return { ...found, places };
}
