/** Checks that full and compact evidence share: 2, 4, 5, 7, 8 and 9 (SPEC 18.1). @module */

import { ZERO32, equal } from "../bytes.mjs";
import { orNull } from "../errors.mjs";
import { BATCHES } from "../formats/issuer_state.mjs";
import { impliedRoot } from "../formats/merkle.mjs";
import { statusIn } from "../formats/status_tree.mjs";
import { addMonths, chinaDay } from "../formats/time.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { BodyKey } from "../formats/issuer_state.mjs" */
/** @import { CertificateRecord } from "../formats/record.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */

/** Check 2. @param {CertificateRecord} record @param {Statement} statement @param {Uint8Array[]} path */
export function checkInclusion(record, statement, path) {
  const place = record.index - statement.first;
  if (place < 0 || place >= statement.count) return "inclusion.index_outside";
  const root = orNull(() => impliedRoot(record.leaf, place, statement.count, path));
  return root && equal(root, statement.root) ? "ok" : "inclusion.path_differs";
}

/** Check 4 for the recorded key. @param {BodyKey} key @param {number} block of anchoring */
export function checkKey(key, block) {
  if (block >= key.end) return "signature.key_ended";
  return key.purposes & BATCHES && key.from <= block ? "ok" : "signature.purpose";
}

/** @param {Policy} policy @param {Statement} statement */
export const checkCountersigned = (policy, statement) =>
  policy.countersignature && equal(statement.countersignature, ZERO32)
    ? "signature.countersignature_missing"
    : "ok";

/** Whether an entry is the record's. @param {CertificateRecord} record @param {Entry} entry */
export const isEntryOf = (record, entry) =>
  entry.category === record.category && entry.version === record.entry;

/**
 * Whether a record obeys its entry (section 6), as the code of check 5.
 * @param {CertificateRecord} record @param {Entry} entry
 */
export function checkObeys(record, entry) {
  if (record.holder !== entry.holder) return "entitlement.holder_kind";
  if (record.digests.length < entry.fields.length + Number(record.bound)) return "entitlement.fields_missing";
  const latest = entry.months === null ? Infinity : addMonths(record.issued, entry.months);
  const tooLong = entry.months !== null && (record.expires === null || record.expires > latest);
  return tooLong ? "entitlement.validity_too_long" : "ok";
}

/** Check 7. @param {string} category @param {Policy} policy @param {number} time T @param {number} now */
export function checkFreshness(category, policy, time, now) {
  if (time > now + policy.clockTolerance) return "freshness.future";
  return now - time <= (policy.ages.get(category) ?? policy.defaultAge) ? "ok" : "freshness.stale";
}

/**
 * Check 8, for a proved word and standing; what is true for ever is named first.
 * @param {number} index @param {Uint8Array} word @param {string} standing
 */
export function checkStatus(index, word, standing) {
  const status = statusIn(word, index);
  if (standing === "struck") return "status.body_struck";
  if (status === "revoked" || status === "superseded") return `status.${status}`;
  if (standing === "suspended") return "status.body_suspended";
  return status === "valid" ? "ok" : `status.${status}`;
}

/** Check 9. @param {CertificateRecord} record @param {number} now */
export function checkDates(record, now) {
  const today = chinaDay(now);
  if (today < record.issued) return "dates.not_yet";
  return record.expires !== null && today > record.expires ? "dates.expired" : "ok";
}
