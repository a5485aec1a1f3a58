/** Presentations, signed by the holder for one request of a counter (SPEC 16.3). @module */

import { Members } from "./members.mjs";
import { GREATEST_TIME } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

const PRESENTED_WORD = /^[A-Za-z0-9._-]{1,64}$/;
/** @typedef {ReturnType<typeof readPresentation>} Presentation */

/** @param {Json} value */
export function readPresentation(value) {
  const read = new Members(value, "presentation");
  const presentation = {
    audience: read.text("audience", PRESENTED_WORD),
    nonce: read.text("nonce", PRESENTED_WORD),
    signature: read.binary("signature", 64),
    time: read.integer("time", 0, GREATEST_TIME),
  };
  read.done();
  return presentation;
}
