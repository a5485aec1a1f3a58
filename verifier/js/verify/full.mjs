/** Verification of full evidence (SPEC 16.1, 18). @module */

import { equal } from "../bytes.mjs";
import { CertledgerError } from "../errors.mjs";
import { parseCanonical } from "../formats/canonical_json.mjs";
import { EVIDENCE_TYPE, MAX_EVIDENCE_BYTES, readEvidence } from "../formats/evidence.mjs";
import { statusWordPosition } from "../formats/status_tree.mjs";
import { checkBlock } from "./block_trust.mjs";
import {
  checkDates,
  checkEntryObeyed,
  checkFreshness,
  checkInclusion,
  checkStatus,
  isEntryOf,
  unmadeChecks,
} from "./checks.mjs";
import { checkContent } from "./content_check.mjs";
import { checkHolder } from "./holder_check.mjs";
import { checkAnchor, checkProvedStatus, checkSignature, proveEntry } from "./proofs.mjs";
import { makeResult, unusableResult } from "./result.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { Evidence } from "../formats/evidence.mjs" */
/** @import { IssuerState } from "../formats/issuer_state.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { BlockTrust } from "./block_trust.mjs" */
/** @import { ComparedDocument } from "./content_check.mjs" */
/** @import { PresentationRequest } from "./holder_check.mjs" */
/** @import { ProvenSnapshot } from "./proven_snapshot.mjs" */
/** @import { CheckCodes } from "./verdict.mjs" */

/**
 * What a counter asks about evidence.
 * @typedef {object} Question
 * @property {Policy} policy
 * @property {number} now seconds since 1970
 * @property {ComparedDocument[]} [documents] handed in with the evidence
 * @property {PresentationRequest | null} [request]
 * @property {ProvenSnapshot} [snapshot] of the counter: where it is newer than full evidence, its state of
 *   the issuer
 *   decides (SPEC 18.1)
 * @property {(mark: Uint8Array) => boolean} [isUsed] whether the counter has accepted a presentation before,
 *   by the
 *   first 32 bytes of its signature
 */

/**
 * A newer trusted block: the issuer's state and the certificate's status word there, if it has both.
 * @typedef {{trust: BlockTrust, state?: IssuerState, word?: Uint8Array}} NewerState
 */

/**
 * The codes of all checks. A check that rests on another is made only if that passed (SPEC 18.1).
 * @param {Evidence} evidence @param {Question} question @param {ReturnType<typeof checkBlock>} block
 * @param {NewerState | null} newer @param {Entry | null} entry proved @returns {CheckCodes}
 */
function checkEvidence(evidence, question, block, newer, entry) {
  const { disclosed, statement, state } = evidence;
  const { record } = disclosed;
  const ownEntry = entry && isEntryOf(record, entry) ? entry : null;
  const codes = {
    content: checkContent(disclosed, question.documents ?? [], ownEntry),
    inclusion: checkInclusion(record, statement, evidence.path),
    block: block.code,
    dates: checkDates(record, question.now),
    holder: checkHolder(disclosed, evidence.presentation, block.ledger?.identity ?? null, question),
  };
  if (block.code !== "ok" || block.time === null || !block.ledger || !block.checkpoint) {
    return { ...codes, anchor: "block.needed", freshness: "block.needed", ...unmadeChecks("block.needed") };
  }
  const { time, end } = newer?.trust ?? block;
  const freshness =
    newer && !newer.state
      ? "freshness.overtaken"
      : checkFreshness(record.category, question.policy, time ?? block.time, question.now, end);
  const anchor = checkAnchor(evidence, block.checkpoint, block.ledger);
  if (anchor !== "ok") return { ...codes, anchor, freshness, ...unmadeChecks("anchor.needed") };
  return {
    ...codes,
    anchor,
    freshness,
    signature: checkSignature(evidence, block.ledger, question.policy, newer?.state ?? state),
    entitlement: checkEntitlement(evidence, entry, ownEntry),
    status:
      newer?.state && newer.word
        ? checkStatus(record.index, newer.word, newer.state.standing)
        : checkProvedStatus(evidence),
  };
}

/**
 * Check 5, entitlement.
 * @param {Evidence} evidence @param {Entry | null} entry proved
 * @param {Entry | null} ownEntry the same if it is the record's
 */
function checkEntitlement({ disclosed: { record } }, entry, ownEntry) {
  if (!entry) return "entitlement.entry_unproved";
  return ownEntry ? checkEntryObeyed(record, ownEntry) : "entitlement.entry_differs";
}

/**
 * What the counter's snapshot says of the issuer at a block above that of the evidence (SPEC 18.1, "What is newer
 * decides"), null if it has no such block. Without `state`, that block does not have the issuer or the certificate.
 * @param {ProvenSnapshot | undefined} proven @param {Evidence} evidence
 * @param {ReturnType<typeof checkBlock>} block
 * @returns {NewerState | null}
 */
function findNewerState(proven, { disclosed: { record } }, block) {
  if (!proven || block.code !== "ok" || !block.checkpoint || proven.trust.code !== "ok") return null;
  const head = proven.snapshot.note.checkpoint;
  if (!equal(head.identity, block.checkpoint.identity) || head.number <= block.checkpoint.number) return null;
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer || record.index >= issuer.state.certificates) return { trust: block };
  const word = issuer.statuses.word(statusWordPosition(record.index));
  return { trust: proven.trust, state: issuer.state, word };
}

/**
 * Verify the bytes of an evidence file. Bad input is a result, not an error.
 *
 * `canonicalBytes` of the result are the same for the same evidence, policy, snapshot, documents and instant.
 * @param {Uint8Array} bytes @param {Question} question
 */
export function verifyEvidence(bytes, question) {
  let evidence;
  try {
    evidence = readEvidence(parseCanonical(bytes, MAX_EVIDENCE_BYTES));
  } catch (error) {
    if (error instanceof CertledgerError) return unusableResult(error.code);
    throw error;
  }
  const { policy, now } = question;
  if (!policy.evidence.includes(EVIDENCE_TYPE)) return unusableResult("schema.version");
  const block = checkBlock(evidence.checkpoint, question);
  const newer = findNewerState(question.snapshot, evidence, block);
  const { catalog, statement, state, anchor, disclosed } = evidence;
  const entry = proveEntry(catalog, statement.catalog);
  const proved = {
    issuerName: (newer?.state ?? state).name,
    entry: catalog.entry,
    statement,
    block: anchor.block,
  };
  return makeResult(
    checkEvidence(evidence, question, block, newer, entry),
    disclosed,
    proved,
    newer?.trust ?? block,
    now + policy.clockTolerance,
  );
}
