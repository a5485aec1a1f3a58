/** A holder's evidence with all disclosures, of which chosen ones are shown (SPEC 16). @module */

import { equal } from "../bytes.mjs";
import { fail } from "../errors.mjs";
import { canonicalBytes, parseCanonical } from "../formats/canonical_json.mjs";
import { parseNote } from "../formats/checkpoint.mjs";
import { formatCompactEvidence } from "../formats/compact_evidence.mjs";
import { encodeBase64Url } from "../formats/encoding.mjs";
import { MAX_EVIDENCE_BYTES, locateDisclosures, readEvidence } from "../formats/evidence.mjs";
import { ObjectReader } from "../formats/object_reader.mjs";
import { TOKEN_PATTERN, presentationMessage } from "../formats/presentation.mjs";
import { HOLDER_KEY_FIELD, MAX_DIGESTS, NUMBER_FIELD, readDisclosure, readRecord } from "../formats/record.mjs";
/** @import { Json } from "../formats/canonical_json.mjs" */
/** @import { Evidence } from "../formats/evidence.mjs" */
/** @import { Disclosure } from "../formats/record.mjs" */

const MAX_HOLDING_BYTES = 262144;

/**
 * A field that can be shown: its place in the record, and whether the category requires it.
 * @typedef {{place: number, text: string, disclosure: Disclosure, required: boolean}} HolderField
 */

/** @typedef {{json: {[name: string]: Json}, evidence: Evidence, identity: Uint8Array, fields: HolderField[]}} Holding */

/**
 * Open evidence and the holder's own file, which has every disclosure; without it those of the evidence.
 * @param {Uint8Array} evidenceFile @param {Uint8Array | null} holderFile @returns {Holding}
 * @throws {CertledgerError} of SPEC 18.5; `disclosure.foreign` where the two are of different certificates
 */
export function openHolding(evidenceFile, holderFile) {
  const json = /** @type {{[name: string]: Json}} */ (parseCanonical(evidenceFile, MAX_EVIDENCE_BYTES));
  const evidence = readEvidence(json);
  const { record } = evidence.disclosed;
  const texts = holderFile
    ? readHolderFile(holderFile, record.leaf)
    : /** @type {string[]} */ (json.disclosures);
  const disclosures = texts.map(readDisclosure);
  const { places } = locateDisclosures(record, disclosures);
  const shown = [NUMBER_FIELD, ...evidence.catalog.entry.shown];
  const fields = disclosures.map((disclosure, at) => ({
    place: places[at] ?? fail("disclosure.foreign", `${disclosure.name} is not of this record`),
    text: texts[at],
    disclosure,
    required: shown.includes(disclosure.name),
  }));
  const { identity } = parseNote(evidence.checkpoint).checkpoint;
  return { json, evidence, identity, fields: fields.sort((left, right) => left.place - right.place) };
}

/** Texts of the disclosures in a holder's file. @param {Uint8Array} file @param {Uint8Array} leaf of the evidence */
function readHolderFile(file, leaf) {
  const read = new ObjectReader(parseCanonical(file, MAX_HOLDING_BYTES), "holding");
  read.constant("type", "certledger/holding/1");
  const record = readRecord(read.require("record"));
  const texts = read.texts("disclosures", 1, MAX_DIGESTS);
  read.texts("names", 0, MAX_DIGESTS);
  read.finish();
  if (!equal(record.leaf, leaf)) fail("disclosure.foreign", "the two files are of different certificates");
  return texts;
}

/**
 * The same holding with chosen fields only; a holder key comes with a signature.
 * @param {Holding} holding @param {Set<number>} places @param {boolean} isSigned
 * @returns {Holding}
 */
export function showFields(holding, places, isSigned) {
  const fields = holding.fields.filter(
    ({ place, disclosure }) => places.has(place) || (isSigned && disclosure.name === HOLDER_KEY_FIELD),
  );
  const { presentation: _, ...json } = holding.json;
  return { ...holding, fields, json: { ...json, disclosures: fields.map(({ text }) => text) } };
}

/**
 * What the holder's key signs for a counter.
 * @param {Holding} shown @param {{audience: string, nonce: string, time: number}} request
 * @throws {CertledgerError} `holder.word`, an audience or nonce that cannot be one
 */
export function messageToSign({ evidence, identity, fields }, request) {
  for (const text of [request.audience, request.nonce]) {
    if (!TOKEN_PATTERN.test(text)) fail("holder.word", `${text} cannot be an audience or a nonce`);
  }
  const disclosures = fields.map(({ disclosure }) => disclosure);
  return presentationMessage(request, identity, evidence.disclosed.record.leaf, disclosures);
}

/** @typedef {{audience: string, nonce: string, time: number, signature: Uint8Array}} SignedPresentation */

/** The evidence file. @param {Holding} shown @param {SignedPresentation | null} presentation @returns {Uint8Array} */
export function fileOf({ json }, presentation) {
  if (!presentation) return canonicalBytes(json);
  const signature = encodeBase64Url(presentation.signature);
  return canonicalBytes({ ...json, presentation: { ...presentation, signature } });
}

/** The text of a code. @param {Holding} shown @param {SignedPresentation | null} presentation */
export function codeOf({ evidence, identity, fields }, presentation) {
  const disclosed = {
    record: evidence.disclosed.record,
    disclosures: fields.map(({ disclosure }) => disclosure),
    places: fields.map(({ place }) => place),
  };
  return formatCompactEvidence(identity, disclosed, evidence.path, presentation);
}
