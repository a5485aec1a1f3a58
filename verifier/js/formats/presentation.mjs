/** Presentations: a holder's signature for one request of one counter (SPEC 16.3). @module */

import { ObjectReader } from "./object_reader.mjs";
import { MAX_TIME } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** An audience or a nonce. */
const TOKEN_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

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
