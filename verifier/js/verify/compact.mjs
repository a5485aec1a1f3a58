/** Verification of compact evidence, from a snapshot and without a network (SPEC 16.2, 17, 18). @module */

import { equal, hex } from "../bytes.mjs";
import { CertledgerError } from "../errors.mjs";
import {
  COMPACT_TYPE,
  locateCompactDisclosures,
  parseCompactEvidence,
} from "../formats/compact_evidence.mjs";
import { locateDisclosures } from "../formats/evidence.mjs";
import { statusWordPosition } from "../formats/status_tree.mjs";
import {
  checkCountersigned,
  checkDates,
  checkEntryObeyed,
  checkFreshness,
  checkInclusion,
  checkKey,
  checkStatus,
  isEntryOf,
  unmadeChecks,
} from "./checks.mjs";
import { checkContent } from "./content_check.mjs";
import { checkHolder } from "./holder_check.mjs";
import { makeResult, unusableResult } from "./result.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { CompactEvidence } from "../formats/compact_evidence.mjs" */
/** @import { CertificateRecord } from "../formats/record.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { BatchRow, SnapshotIssuer } from "../formats/snapshot.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */
/** @import { BlockTrust } from "./block_trust.mjs" */
/** @import { Question } from "./full.mjs" */
/** @import { ProvenSnapshot } from "./proven_snapshot.mjs" */
/** @import { CheckCodes } from "./verdict.mjs" */

/**
 * A record's batch in a snapshot, and its entry if the catalog of the batch has it.
 * @typedef {{issuer: SnapshotIssuer, row: BatchRow, statement: Statement, entry: Entry | null}} SnapshotBatch
 */

/**
 * The batch of a record, or the code of check 3 if the snapshot does not have it, in the order of SPEC 17.
 * @param {ProvenSnapshot} proven @param {CertificateRecord} record @returns {SnapshotBatch | string}
 */
function findBatch(proven, record) {
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer) return "anchor.body_absent";
  if (issuer.state.nameDigest) return "anchor.name_absent";
  if (record.index >= issuer.state.certificates) return "anchor.batch_pending";
  // The last batch that begins at or before the index.
  let [low, high] = [0, issuer.statements.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (issuer.statements[middle].first <= record.index) low = middle;
    else high = middle;
  }
  const row = issuer.rows[low];
  const catalog = proven.snapshot.catalogs.get(hex(row.catalog));
  if (catalog && !catalog.entries) return "anchor.catalog_absent";
  const entry = catalog?.entries?.find((candidate) => isEntryOf(record, candidate)) ?? null;
  return { issuer, row, statement: issuer.statements[low], entry };
}

/**
 * Checks 4, 5 and 8 from a trusted snapshot, which has its catalogs whole: an entry that is not there does not exist.
 * @param {CertificateRecord} record @param {SnapshotBatch} batch @param {Policy} policy @returns {CheckCodes}
 */
function checkBatch(record, { issuer, row, statement, entry }, policy) {
  const key = issuer.state.keys[row.key];
  const signature = key ? checkKey(key, row.block) : "signature.signer_differs";
  const word = issuer.statuses.word(statusWordPosition(record.index));
  return {
    signature: signature === "ok" ? checkCountersigned(policy, statement) : signature,
    entitlement: entry ? checkEntryObeyed(record, entry) : "entitlement.category_absent",
    status: checkStatus(record.index, word, issuer.state.standing),
  };
}

/**
 * Checks 2 to 8, which rest on the snapshot.
 * @param {CompactEvidence} compact @param {SnapshotBatch | string} found @param {BlockTrust} trust
 * @param {Policy} policy @param {number} now @returns {CheckCodes}
 */
function checkBySnapshot({ record, path }, found, trust, policy, now) {
  const trusted = trust.code === "ok" && trust.time !== null;
  const freshness = trusted
    ? checkFreshness(record.category, policy, trust.time ?? 0, now, trust.end)
    : "block.needed";
  const codes = { block: trust.code, freshness };
  if (typeof found === "string") {
    // The snapshot speaks neither for nor against: the batch may have come since (SPEC 17).
    const [anchor, code] = trusted ? [found, "anchor.needed"] : ["block.needed", "block.needed"];
    return { ...codes, ...unmadeChecks(code), anchor, inclusion: "inclusion.path_unusable" };
  }
  const inclusion = checkInclusion(record, found.statement, path);
  return { ...codes, ...checkBatch(record, found, policy), inclusion, anchor: "ok" };
}

/**
 * Check 6, block, for a code that names a ledger.
 * @param {ProvenSnapshot} proven @param {Uint8Array} identity its first 8 bytes @param {number} now
 * @returns {BlockTrust}
 */
function checkSnapshotBlock({ policy, ledger, trust }, identity, now) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  if (!equal(identity, ledger.identity.subarray(0, 8))) return { code: "block.other_ledger", time: null };
  return trust;
}

/**
 * Verify the text of a compact code by a snapshot and its policy. Bad input is a result, not an error.
 * @param {string} text @param {Omit<Question, "policy"> & {snapshot: ProvenSnapshot}} question
 */
export function verifyCompact(text, { snapshot, ...question }) {
  let compact;
  try {
    compact = parseCompactEvidence(text);
  } catch (error) {
    if (error instanceof CertledgerError) return unusableResult(error.code);
    throw error;
  }
  const { policy, ledger } = snapshot;
  if (!policy.evidence.includes(COMPACT_TYPE)) return unusableResult("schema.version");
  const { record, disclosures, presentation } = compact;
  const { now, documents = [] } = question;
  const trust = checkSnapshotBlock(snapshot, compact.ledger, now);
  const found = trust.code === "ok" ? findBatch(snapshot, record) : trust.code;
  const batch = typeof found === "string" ? null : found;
  const entry = batch?.entry ?? null;
  // Without the entry disclosures have no names, so nothing is disclosed (SPEC 17).
  const disclosed = entry
    ? locateCompactDisclosures(record, disclosures, entry)
    : locateDisclosures(record, []);
  const codes = {
    content: checkContent(disclosed, documents, entry),
    dates: checkDates(record, now),
    holder: checkHolder(disclosed, presentation, ledger.identity, { ...question, policy }),
    ...checkBySnapshot(compact, found, trust, policy, now),
  };
  const proved =
    batch && entry
      ? { issuerName: batch.issuer.state.name, entry, statement: batch.statement, block: batch.row.block }
      : null;
  return makeResult(codes, disclosed, proved, trust, now + policy.clockTolerance);
}
