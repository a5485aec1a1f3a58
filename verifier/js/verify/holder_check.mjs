/** Check 10: the holder's presentation (SPEC 18.1). @module */

import { hex, join } from "../bytes.mjs";
import { P256, checkEcdsa, decompress } from "../crypto/ecdsa.mjs";
import { checkEd25519 } from "../crypto/ed25519.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { canonicalBytes } from "../formats/canonical_json.mjs";
import { fromBase64Url } from "../formats/encoding.mjs";
import { HOLDER_KEY } from "../formats/record.mjs";
/** @import { Showing } from "../formats/evidence.mjs" */
/** @import { Presentation } from "../formats/presentation.mjs" */
/** @import { Question } from "./full.mjs" */

/** @typedef {{audience: string, nonce: string}} Request what a counter asked the holder to sign */

/**
 * Check 10.
 * @param {Showing} showing @param {Presentation | null} presented
 * @param {Uint8Array | null} identity of the ledger, where known @param {Question} question
 */
export function checkHolder({ record, disclosures }, presented, identity, question) {
  if (!record.bound) return "ok";
  if (!presented) return "holder.presentation_missing";
  const { policy, now, request, seen } = question;
  const key = disclosures.find(({ name }) => name === HOLDER_KEY)?.value;
  if (!identity || typeof key !== "string" || !request) return "holder.presentation_unusable";
  const message = canonicalBytes({
    type: "certledger/presentation/1",
    audience: presented.audience,
    ledger: hex(identity),
    leaf: hex(record.leaf),
    nonce: presented.nonce,
    shown: hex(sha256(join(disclosures.map(({ digest }) => digest)))),
    time: presented.time,
  });
  if (!signedByHolder(key, message, presented.signature)) return "holder.presentation_unusable";
  if (presented.audience !== request.audience) return "holder.other_audience";
  if (presented.nonce !== request.nonce) return "holder.other_nonce";
  if (presented.time < now - policy.presentationAge || presented.time > now + policy.clockTolerance) {
    return "holder.presentation_old";
  }
  return seen?.(presented.signature.subarray(0, 32)) ? "holder.replayed" : "ok";
}

/** @param {string} text of a holder key (section 4.6) @param {Uint8Array} message @param {Uint8Array} signature */
function signedByHolder(text, message, signature) {
  const [, kind, encoded] = /^(p256|ed25519):(.*)$/s.exec(text) ?? [];
  const key = encoded === undefined ? null : fromBase64Url(encoded);
  if (!key) return false;
  if (kind === "ed25519") return key.length === 32 && checkEd25519(key, message, signature);
  const point = decompress(P256, key);
  return point !== null && checkEcdsa(P256, point, sha256(message), signature);
}
