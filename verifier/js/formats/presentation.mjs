/** Presentations: a holder's signature for one request of one counter (SPEC 16.3). @module */

import { concatAll, hex } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { canonicalBytes } from "./canonical_json.mjs";
import { ObjectReader } from "./object_reader.mjs";
import { MAX_TIME } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { Disclosure } from "./record.mjs" */

/** An audience or a nonce. */
export const TOKEN_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/** @typedef {ReturnType<typeof readPresentation>} Presentation */

/**
 * Read a presentation; its `time` is in seconds.
 * @param {Json} value @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
export function readPresentation(value) {
  const read = new ObjectReader(value, "presentation");
  const presentation = {
    audience: read.text("audience", TOKEN_PATTERN),
    nonce: read.text("nonce", TOKEN_PATTERN),
    signature: read.binary("signature", 64),
    time: read.integer("time", 0, MAX_TIME),
  };
  read.finish();
  return presentation;
}

/**
 * What a holder signs (SPEC 16.3).
 * @param {{audience: string, nonce: string, time: number}} presentation @param {Uint8Array} identity of the ledger
 * @param {Uint8Array} leaf @param {Disclosure[]} disclosures in the order of the record
 */
export const presentationMessage = ({ audience, nonce, time }, identity, leaf, disclosures) =>
  canonicalBytes({
    type: "certledger/presentation/1",
    audience,
    ledger: hex(identity),
    leaf: hex(leaf),
    nonce,
    shown: hex(sha256(concatAll(disclosures.map(({ digest }) => digest)))),
    time,
  });
