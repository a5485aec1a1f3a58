/**
 * The certledger verifier as one module for browsers and Node: evidence in, a verdict out, no network.
 *
 * It follows docs/SPEC.md, whose sections the comments of its modules name. It has no secret and signs nothing, so its arithmetic
 * need not run in constant time.
 * @module
 */

export { CertledgerError } from "./errors.mjs";
export { canonicalBytes, canonicalText, parseCanonical } from "./formats/canonical_json.mjs";
export { sha256, sha512, sm3 } from "./crypto/hashing.mjs";
export { keccak256 } from "./crypto/keccak.mjs";
export { verifyEd25519 } from "./crypto/ed25519.mjs";
export { parseTime } from "./formats/time.mjs";
export { lookupDigest, normalAccessCode, normalNumber } from "./formats/certificate_number.mjs";
export { deriveSalt, formatDisclosure } from "./formats/record.mjs";
export { parseCompactEvidence } from "./formats/compact_evidence.mjs";
export { formatShortLink, parseShortLink } from "./formats/short_link.mjs";
export { findSuccessors, parsePolicy } from "./formats/signed_policy.mjs";
export { checkFingerprint, policyFingerprint } from "./formats/fingerprint.mjs";
export { codeOf, fileOf, messageToSign, openHolding, showFields } from "./present/holding.mjs";
export { CODES, WARNINGS } from "./verify/codes.mjs";
export { verifyEvidence } from "./verify/full.mjs";
export { openSnapshot, updateSnapshot } from "./verify/proven_snapshot.mjs";
export { verifyCompact } from "./verify/compact.mjs";
