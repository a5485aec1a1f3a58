/** Check 10, holder: the presentation of a bound record (SPEC 16.3, 18.1, 18.3). @module */

import { P256, decompressPoint, verifyEcdsa } from "../crypto/ecdsa.mjs";
import { verifyEd25519 } from "../crypto/ed25519.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { tryDecodeBase64Url } from "../formats/encoding.mjs";
import { presentationMessage } from "../formats/presentation.mjs";
import { HOLDER_KEY_FIELD } from "../formats/record.mjs";
/** @import { DisclosedRecord } from "../formats/evidence.mjs" */
/** @import { Presentation } from "../formats/presentation.mjs" */
/** @import { Question } from "./full.mjs" */

/**
 * @typedef {{audience: string, nonce: string}} PresentationRequest what the counter asked the holder to sign
 */

/**
 * The code of check 10.
 * @param {DisclosedRecord} disclosed @param {Presentation | null} presentation
 * @param {Uint8Array | null} identity of the ledger, where known @param {Question} question
 */
export function checkHolder({ record, disclosures }, presentation, identity, question) {
  if (!record.bound) return "ok";
  if (!presentation) return "holder.presentation_missing";
  const { policy, now, request, isUsed } = question;
  const key = disclosures.find(({ name }) => name === HOLDER_KEY_FIELD)?.value;
  if (!identity || typeof key !== "string" || !request) return "holder.presentation_unusable";
  const message = presentationMessage(presentation, identity, record.leaf, disclosures);
  if (!verifyHolderSignature(key, message, presentation.signature)) return "holder.presentation_unusable";
  if (presentation.audience !== request.audience) return "holder.other_audience";
  if (presentation.nonce !== request.nonce) return "holder.other_nonce";
  if (presentation.time < now - policy.presentationAge || presentation.time > now + policy.clockTolerance) {
    return "holder.presentation_old";
  }
  // The first half of a signature has one spelling, the second of ECDSA has two (SPEC 16.3).
  return isUsed?.(presentation.signature.subarray(0, 32)) ? "holder.replayed" : "ok";
}

/**
 * Whether a holder key has signed a message; a text that is no key has not.
 * @param {string} text of the key (SPEC 4.6) @param {Uint8Array} message @param {Uint8Array} signature r ‖ s
 */
function verifyHolderSignature(text, message, signature) {
  const [, kind, encoded] = /^(p256|ed25519):(.*)$/s.exec(text) ?? [];
  const key = encoded === undefined ? null : tryDecodeBase64Url(encoded);
  if (!key) return false;
  if (kind === "ed25519") return key.length === 32 && verifyEd25519(key, message, signature);
  const point = decompressPoint(P256, key);
  return point !== null && verifyEcdsa(P256, point, sha256(message), signature);
}
