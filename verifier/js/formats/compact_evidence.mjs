/** Compact evidence, for a QR code (SPEC 16.2). @module */

import { chunks, concatAll, hex, hexToBytes } from "../bytes.mjs";
import { fail } from "../errors.mjs";
import { decodeBase45, encodeBase45 } from "./base45.mjs";
import { fieldNameAt } from "./catalog.mjs";
import { CborReader, TEXT, encodeCbor } from "./cbor.mjs";
import { decodeBase64Url, encodeBase64Url } from "./encoding.mjs";
import { locateDisclosures } from "./evidence.mjs";
import { readPresentation } from "./presentation.mjs";
import {
  DOCUMENT_FIELD,
  HOLDER_KINDS,
  MAX_DIGESTS,
  MAX_VALUE_CHARACTERS,
  checkDocument,
  checkFieldValue,
  disclosureDigest,
  formatDisclosure,
  readRecord,
} from "./record.mjs";
import { dayNumber, formatDay } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { Cbor } from "./cbor.mjs" */
/** @import { Presentation } from "./presentation.mjs" */
/** @import { Entry } from "./catalog.mjs" */
/** @import { DisclosedRecord } from "./evidence.mjs" */
/** @import { CertificateRecord, Disclosure, Value } from "./record.mjs" */

/** The name of this version in a policy's list. */
export const COMPACT_TYPE = "certledger/compact/1";

const COMPACT_PREFIX = "CL1:";
const COMPACT_VERSION = 1;
/** Normal form of an access code (SPEC 4.2). */
const ACCESS_CODE_PATTERN = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const MAX_COMPACT_CHARACTERS = 4096;
/** Elements of the item without a presentation. */
const COMPACT_ELEMENTS = 5;
const MAX_PATH_HASHES = 32;
/** Bytes of a code, salt, id or signature before the readers of JSON check them. */
const MAX_SHORT_BYTES = 64;
const FIRST_DAY = /** @type {number} */ (dayNumber(1, 1, 1));
const LAST_DAY = /** @type {number} */ (dayNumber(9999, 12, 31));

/** @typedef {{place: number, salt: string, value: Value}} CompactDisclosure its place gives the name */

/** @typedef {ReturnType<typeof parseCompactEvidence>} CompactEvidence */

/**
 * Parse the text of a code.
 * @param {string} text @throws {CertledgerError} `base45.invalid`, `compact.*`, and those of records
 */
export function parseCompactEvidence(text) {
  if (text.length > MAX_COMPACT_CHARACTERS || !text.startsWith(COMPACT_PREFIX)) {
    fail(
      "compact.invalid",
      `a code does not start with ${COMPACT_PREFIX}, or is longer than ${MAX_COMPACT_CHARACTERS} characters`,
    );
  }
  const packed = decodeBase45(text.slice(COMPACT_PREFIX.length));
  const reader = new CborReader(packed, "compact.invalid", "compact.not_canonical");
  const size = reader.list(1, COMPACT_ELEMENTS + 1);
  if (reader.integer() !== COMPACT_VERSION) fail("compact.version", `not version ${COMPACT_VERSION}`);
  reader.expect(size >= COMPACT_ELEMENTS, `a list of ${COMPACT_ELEMENTS} or more`);
  const ledger = reader.binary(8, 8);
  const record = decodeRecord(reader);
  const compact = {
    /** First 8 bytes of the ledger's identity. */ ledger,
    record,
    path: decodePath(reader),
    disclosures: decodeDisclosures(reader, record.digests.length),
    presentation: size > COMPACT_ELEMENTS ? decodePresentation(reader) : null,
  };
  reader.finish();
  if (compact.presentation && !compact.record.bound) {
    fail("compact.invalid", "a presentation of a record that is not bound");
  }
  return compact;
}

/**
 * The record, checked by the reader of its JSON, so that both forms obey one set of rules.
 * @param {CborReader} reader
 */
function decodeRecord(reader) {
  reader.list(12, 12);
  const day = () => formatDay(reader.integer(FIRST_DAY, LAST_DAY));
  /** @type {{[name: string]: Json}} */ const value = { type: "certledger/record/1" };
  value.issuer = reader.text(MAX_SHORT_BYTES);
  value.index = reader.integer();
  value.id = encodeBase64Url(reader.binary(0, MAX_SHORT_BYTES));
  value.edition = reader.integer();
  if (!reader.skipNull()) value.replaces = reader.integer();
  value.category = reader.text(MAX_SHORT_BYTES);
  value.entry = reader.integer();
  value.holder = HOLDER_KINDS[reader.integer(0, HOLDER_KINDS.length - 1)];
  value.issued = day();
  if (!reader.skipNull()) value.expires = day();
  value.bound = reader.boolean();
  value.digests = encodeBase64Url(reader.binary(0, 32 * MAX_DIGESTS));
  return readRecord(/** @type {Json} */ (value));
}

/**
 * Text of a code, the inverse of `parseCompactEvidence`.
 * @param {Uint8Array} identity of the ledger @param {DisclosedRecord} disclosed by ascending place
 * @param {Uint8Array[]} path @param {Presentation | null} presentation @returns {string}
 */
export function formatCompactEvidence(identity, { record, disclosures, places }, path, presentation) {
  const { audience, nonce, time, signature } = presentation ?? {};
  return (
    COMPACT_PREFIX +
    encodeBase45(
      encodeCbor([
        COMPACT_VERSION,
        identity.subarray(0, 8),
        encodeRecord(record),
        concatAll(path),
        disclosures.map(({ salt, value }, at) => [
          places[at],
          places[at] === 0 ? salt : decodeBase64Url(salt),
          encodeValue(value),
        ]),
        ...(presentation ? [[audience, nonce, time, signature]] : []),
      ]),
    )
  );
}

/** Inverse of `decodeRecord`. @param {CertificateRecord} record @returns {Cbor} */
const encodeRecord = (record) => [
  record.issuer,
  record.index,
  record.id,
  record.edition,
  record.replaces,
  record.category,
  record.entry,
  HOLDER_KINDS.indexOf(record.holder),
  record.issued,
  record.expires,
  record.bound,
  concatAll(record.digests),
];

/** Inverse of `decodeValue`. @param {Value} value @returns {Cbor} */
function encodeValue(value) {
  if (typeof value === "string") return value;
  const digests = [value.sha256, value.sm3].filter((digest) => digest !== undefined).map(hexToBytes);
  return [digests[0], value.size, ...digests.slice(1)];
}

/** The inclusion path. @param {CborReader} reader */
function decodePath(reader) {
  const path = reader.binary(0, 32 * MAX_PATH_HASHES);
  if (path.length % 32) fail("compact.invalid", `a path of ${path.length} bytes is not a list of hashes`);
  return chunks(path, 32);
}

/**
 * Disclosures by strictly ascending place.
 * @param {CborReader} reader @param {number} places of the record @returns {CompactDisclosure[]}
 */
function decodeDisclosures(reader, places) {
  let place = -1;
  return reader.items(places, () => {
    reader.list(3, 3);
    place = reader.integer(place + 1, places - 1);
    const salt = place === 0 ? reader.text(MAX_SHORT_BYTES) : encodeBase64Url(reader.binary(16, 16));
    if (place === 0 && !ACCESS_CODE_PATTERN.test(salt))
      fail("compact.invalid", "the salt of place 0 is not an access code in its normal form");
    return { place, salt, value: decodeValue(reader) };
  });
}

/** A field's text or a document's description. @param {CborReader} reader @returns {Value} */
function decodeValue(reader) {
  if (reader.majorType() === TEXT) {
    const value = reader.text(4 * MAX_VALUE_CHARACTERS);
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

/** The presentation, checked by the reader of its JSON. @param {CborReader} reader */
function decodePresentation(reader) {
  reader.list(4, 4);
  const [audience, nonce, time] = [
    reader.text(MAX_SHORT_BYTES),
    reader.text(MAX_SHORT_BYTES),
    reader.integer(),
  ];
  const signature = encodeBase64Url(reader.binary(0, MAX_SHORT_BYTES));
  return readPresentation(/** @type {Json} */ ({ audience, nonce, time, signature }));
}

/**
 * A disclosure with the name that the entry has at its place.
 * @param {CompactDisclosure} disclosure @param {Entry} entry @param {boolean} bound @returns {Disclosure}
 */
function nameDisclosure({ place, salt, value }, entry, bound) {
  const name = fieldNameAt(entry, place, bound);
  return { salt, name, value, digest: disclosureDigest(formatDisclosure(salt, name, value)) };
}

/**
 * Name the disclosures of a code. One whose digest has another place than it names, or whose value is of another
 * kind than its place has, is not the record's (SPEC 4.6, 16.2): its place becomes undefined.
 * @param {CertificateRecord} record @param {CompactDisclosure[]} compact @param {Entry} entry
 * @returns {DisclosedRecord}
 */
export function locateCompactDisclosures(record, compact, entry) {
  const found = locateDisclosures(
    record,
    compact.map((part) => nameDisclosure(part, entry, record.bound)),
  );
  const places = found.disclosures.map(({ name, value }, at) => {
    const fits =
      found.places[at] === compact[at].place && (typeof value === "object") === (name === DOCUMENT_FIELD);
    return fits ? found.places[at] : undefined;
  });
  return { ...found, places };
}
