/** The verdict on full evidence. @module */

import { ZERO32, equal } from "../bytes.mjs";
import { Refusal, orNull } from "../errors.mjs";
import { parseCanonical } from "../formats/canonical_json.mjs";
import { EVIDENCE_TYPE, LONGEST_EVIDENCE, readEvidence } from "../formats/evidence.mjs";
import { CELLS, statusRoot } from "../formats/status_tree.mjs";
import { judgeBlock } from "./block_trust.mjs";
import { checkDates, checkFreshness, checkInclusion, checkObeys, checkStatus, isEntryOf } from "./checks.mjs";
import { checkContent } from "./content_check.mjs";
import { checkHolder } from "./holder_check.mjs";
import { checkAnchor, checkSignature, proveEntry } from "./proofs.mjs";
import { conclude, unusable } from "./result.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { Evidence } from "../formats/evidence.mjs" */
/** @import { BodyState } from "../formats/issuer_state.mjs" */
/** @import { Judgement } from "./block_trust.mjs" */
/** @import { Desk } from "./desk.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Paper } from "./content_check.mjs" */
/** @import { Request } from "./holder_check.mjs" */
/** @import { Codes } from "./verdict.mjs" */

/**
 * @typedef {object} Question
 * @property {Policy} policy whom to believe
 * @property {number} now seconds since 1970
 * @property {Paper[]} [documents] to compare
 * @property {Request | null} [request]
 * @property {Desk} [desk] full evidence that is older than its snapshot gets status and standing from it
 * @property {(mark: Uint8Array) => boolean} [seen] whether this counter accepted a presentation before; `mark` is the
 *   half of its signature that has one spelling
 */

/**
 * The codes of all checks.  What rests on another check is judged only if that passed.
 * @param {Evidence} evidence @param {Question} question @param {ReturnType<typeof judgeBlock>} block
 * @param {Entry | null} entry proved @returns {Codes}
 */
function judge(evidence, question, block, entry) {
  const { showing, statement, body, word } = evidence;
  const { record } = showing;
  const own = entry && isEntryOf(record, entry) ? entry : null;
  const codes = {
    content: checkContent(showing, question.documents ?? [], own),
    inclusion: checkInclusion(record, statement, evidence.path),
    block: block.code,
    dates: checkDates(record, question.now),
    holder: checkHolder(showing, evidence.presentation, block.ledger?.identity ?? null, question),
  };
  const rest = (code) => ({ signature: code, entitlement: code, status: code });
  if (block.code !== "ok" || block.time === null || !block.ledger || !block.checkpoint) {
    return { ...codes, ...rest("block.needed"), anchor: "block.needed", freshness: "block.needed" };
  }
  const { current } = block;
  const time = current?.judgement.time ?? block.time;
  const freshness =
    current && !current.state
      ? "freshness.overtaken"
      : checkFreshness(record.category, question.policy, time, question.now);
  const anchor = checkAnchor(evidence, block.checkpoint, block.ledger);
  if (anchor !== "ok") return { ...codes, ...rest("anchor.needed"), anchor, freshness };
  const root = orNull(() => statusRoot(word, Math.floor(record.index / CELLS)));
  let entitlement = own ? checkObeys(record, own) : "entitlement.entry_differs";
  if (!entry) entitlement = "entitlement.entry_unproved";
  return {
    ...codes,
    anchor,
    freshness,
    entitlement,
    signature: checkSignature(evidence, block.ledger, question.policy, current?.state ?? body),
    status: current?.state
      ? checkStatus(record.index, current.word, current.state.standing)
      : root && equal(root, body.status)
        ? checkStatus(record.index, word.word, body.standing)
        : "status.unproved",
  };
}

/**
 * What a desk holds of an issuer after the block of full evidence, null where it holds nothing.  Without `state`,
 * that block does not have what the evidence proves.
 * @param {Desk | undefined} desk @param {Evidence} evidence @param {ReturnType<typeof judgeBlock>} block
 * @returns {{judgement: Judgement, state?: BodyState, word?: Uint8Array} | null}
 */
function findNewer(desk, { showing: { record } }, block) {
  if (!desk || block.code !== "ok" || !block.checkpoint || desk.judgement.code !== "ok") return null;
  const head = desk.snapshot.note.checkpoint;
  if (!equal(head.identity, block.checkpoint.identity) || head.number <= block.checkpoint.number) return null;
  const held = desk.byIssuer.get(record.issuer);
  if (!held || record.index >= held.state.certificates) return { judgement: block };
  const word = held.words.get(Math.floor(record.index / CELLS)) ?? ZERO32;
  return { judgement: desk.judgement, state: held.state, word };
}

/**
 * The result (section 18.4) for the bytes of an evidence file; bad input is a verdict, not an error.
 * `canonicalBytes` of it are the same for the same evidence, policy, documents and instant, for ever.
 * @param {Uint8Array} bytes @param {Question} question
 */
export function verifyEvidence(bytes, question) {
  let evidence;
  try {
    evidence = readEvidence(parseCanonical(bytes, LONGEST_EVIDENCE));
  } catch (error) {
    if (error instanceof Refusal) return unusable(error.code);
    throw error;
  }
  const { policy, now } = question;
  if (!policy.evidence.includes(EVIDENCE_TYPE)) return unusable("schema.version");
  const judged = judgeBlock(evidence.checkpoint, question);
  const current = findNewer(question.desk, evidence, judged);
  const block = { ...judged, current };
  const { catalog, statement, body, anchor, showing } = evidence;
  const entry = proveEntry(catalog, statement.catalog);
  const proved = {
    body: (current?.state ?? body).name,
    entry: catalog.entry,
    statement,
    block: anchor.block,
  };
  return conclude(
    judge(evidence, question, block, entry),
    showing,
    proved,
    current?.judgement ?? block,
    now + policy.clockTolerance,
  );
}
