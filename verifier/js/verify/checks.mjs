/**
 * Checks that full and compact evidence share: 2, parts of 4, 5, 7, 8 and 9 (SPEC 18.1).
 *
 * Each returns a code; of those that fit, the first in the order of SPEC 18.3.
 * @module
 */

import { ZERO32, equal } from "../bytes.mjs";
import { valueOrNull } from "../errors.mjs";
import { PURPOSE_BATCHES } from "../formats/issuer_state.mjs";
import { impliedRoot } from "../formats/merkle.mjs";
import { statusAt } from "../formats/status_tree.mjs";
import { addMonths, chinaDay } from "../formats/time.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { IssuerKey } from "../formats/issuer_state.mjs" */
/** @import { CertificateRecord } from "../formats/record.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */

/**
 * Check 2, inclusion.
 * @param {CertificateRecord} record @param {Statement} statement @param {Uint8Array[]} path
 */
export function checkInclusion(record, statement, path) {
  const place = record.index - statement.first;
  if (place < 0 || place >= statement.count) return "inclusion.index_outside";
  const root = valueOrNull(() => impliedRoot(record.leaf, place, statement.count, path));
  return root && equal(root, statement.root) ? "ok" : "inclusion.path_differs";
}

/**
 * Check 4, signature: whether a key could sign batches when one was anchored.
 * @param {IssuerKey} key @param {number} block of anchoring
 */
export function checkKey(key, block) {
  if (block >= key.end) return "signature.key_ended";
  return key.purposes & PURPOSE_BATCHES && key.from <= block ? "ok" : "signature.purpose";
}

/**
 * Check 4, signature: whether a countersignature is there if the policy asks for one.
 * @param {Policy} policy @param {Statement} statement
 */
export const checkCountersigned = (policy, statement) =>
  policy.countersignature && equal(statement.countersignature, ZERO32)
    ? "signature.countersignature_missing"
    : "ok";

/**
 * Whether an entry has the category and version that a record names.
 * @param {CertificateRecord} record @param {Entry} entry
 */
export const isEntryOf = (record, entry) =>
  entry.category === record.category && entry.version === record.entry;

/**
 * Check 5, entitlement: whether a record obeys its entry (SPEC 6).
 * @param {CertificateRecord} record @param {Entry} entry
 */
export function checkEntryObeyed(record, entry) {
  if (record.holder !== entry.holder) return "entitlement.holder_kind";
  if (record.digests.length < entry.fields.length + Number(record.bound)) return "entitlement.fields_missing";
  if (entry.months === null) return "ok";
  const latest = addMonths(record.issued, entry.months);
  return record.expires === null || record.expires > latest ? "entitlement.validity_too_long" : "ok";
}

/**
 * Check 7, freshness.
 * @param {string} category @param {Policy} policy @param {number} time T, in seconds
 * @param {number} now in seconds @param {number} [end] of a retired ledger, up to which ages count
 */
export function checkFreshness(category, policy, time, now, end = now) {
  if (time > now + policy.clockTolerance) return "freshness.future";
  return Math.min(now, end) - time <= (policy.ages.get(category) ?? policy.defaultAge) ? "ok" : "freshness.stale";
}

/**
 * Check 8, status, from a proved word and standing. What cannot be undone comes first.
 * @param {number} index of the certificate @param {Uint8Array} word @param {string} standing of the issuer
 */
export function checkStatus(index, word, standing) {
  const status = statusAt(word, index);
  if (standing === "struck") return "status.body_struck";
  if (status === "revoked" || status === "superseded") return `status.${status}`;
  if (standing === "suspended") return "status.body_suspended";
  return status === "valid" ? "ok" : `status.${status}`;
}

/**
 * Check 9, dates: the day of expiry is included.
 * @param {CertificateRecord} record @param {number} now in seconds
 */
export function checkDates(record, now) {
  const today = chinaDay(now);
  if (today < record.issued) return "dates.not_yet";
  return record.expires !== null && today > record.expires ? "dates.expired" : "ok";
}

/**
 * The codes of checks 4, 5 and 8, which are not made where one that they rest on did not pass.
 * @param {string} code `block.needed` or `anchor.needed`
 */
export const unmadeChecks = (code) => ({ signature: code, entitlement: code, status: code });
