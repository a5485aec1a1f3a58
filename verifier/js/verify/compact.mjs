/** The verdict on compact evidence, from a snapshot and without a network. @module */

import { ZERO32, equal, hex } from "../bytes.mjs";
import { Refusal } from "../errors.mjs";
import { COMPACT_TYPE, parseCompact, showingAt } from "../formats/compact_evidence.mjs";
import { showingOf } from "../formats/evidence.mjs";
import { CELLS } from "../formats/status_tree.mjs";
import {
  checkCountersigned,
  checkDates,
  checkFreshness,
  checkInclusion,
  checkKey,
  checkObeys,
  checkStatus,
  isEntryOf,
} from "./checks.mjs";
import { checkContent } from "./content_check.mjs";
import { checkHolder } from "./holder_check.mjs";
import { conclude, unusable } from "./result.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { Compact } from "../formats/compact_evidence.mjs" */
/** @import { CertificateRecord } from "../formats/record.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { HeldBody, Row } from "../formats/snapshot.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */
/** @import { Judgement } from "./block_trust.mjs" */
/** @import { Desk } from "./desk.mjs" */
/** @import { Question } from "./full.mjs" */
/** @import { Codes } from "./verdict.mjs" */

/** @typedef {{body: HeldBody, row: Row, statement: Statement, entry: Entry | null}} Backing */

/**
 * What stands behind a record, or the code of check 3 that says why nothing does.
 * @param {Desk} desk @param {CertificateRecord} record @returns {Backing | string}
 */
function findBacking(desk, record) {
  const body = desk.byIssuer.get(record.issuer);
  if (!body) return "anchor.body_absent";
  if (body.state.nameDigest) return "anchor.name_absent";
  if (record.index >= body.state.certificates) return "anchor.batch_pending";
  let [low, high] = [0, body.statements.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (body.statements[middle].first <= record.index) low = middle;
    else high = middle;
  }
  const catalog = desk.snapshot.catalogs.get(hex(body.rows[low].catalog));
  if (catalog && !catalog.entries) return "anchor.catalog_absent";
  const entry = catalog?.entries?.find((candidate) => isEntryOf(record, candidate)) ?? null;
  return { body, row: body.rows[low], statement: body.statements[low], entry };
}

/**
 * Checks 4, 5 and 8 from a trusted snapshot: its catalogs are here whole, so what is absent is absent.
 * @param {CertificateRecord} record @param {Backing} backing @param {Policy} policy @returns {Codes}
 */
function judgeBacking(record, { body, row, statement, entry }, policy) {
  const key = body.state.keys[row.key];
  const signature = key ? checkKey(key, row.block) : "signature.signer_differs";
  const word = body.words.get(Math.floor(record.index / CELLS)) ?? ZERO32;
  return {
    signature: signature === "ok" ? checkCountersigned(policy, statement) : signature,
    entitlement: entry ? checkObeys(record, entry) : "entitlement.category_absent",
    status: checkStatus(record.index, word, body.state.standing),
  };
}

/**
 * The codes of the checks that rest on the snapshot.
 * @param {Compact} compact @param {Backing | string} found @param {Judgement} judgement @param {Desk} desk
 * @param {number} now @returns {Codes}
 */
function judgeCompact({ record, path }, found, judgement, { policy }, now) {
  const trusted = judgement.code === "ok" && judgement.time !== null;
  const freshness = trusted
    ? checkFreshness(record.category, policy, judgement.time ?? 0, now)
    : "block.needed";
  const rest = (code) => ({ signature: code, entitlement: code, status: code });
  const codes = { block: judgement.code, freshness };
  if (typeof found === "string") {
    // Nothing here speaks for or against: the batch may have come since.
    const [anchor, code] = trusted ? [found, "anchor.needed"] : ["block.needed", "block.needed"];
    return { ...codes, ...rest(code), anchor, inclusion: "inclusion.path_unusable" };
  }
  const inclusion = checkInclusion(record, found.statement, path);
  return { ...codes, ...judgeBacking(record, found, policy), inclusion, anchor: "ok" };
}

/**
 * Check 6 of a desk.
 * @param {Desk} desk @param {Uint8Array} ledger first bytes of an identity @param {number} now
 * @returns {Judgement}
 */
function judgeDesk({ policy, ledger: { identity }, judgement }, ledger, now) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  return equal(ledger, identity.subarray(0, 8)) ? judgement : { code: "block.other_ledger", time: null };
}

/**
 * The result for the text of a compact code, from a desk's snapshot and policy.
 * @param {string} text @param {Omit<Question, "policy"> & {desk: Desk}} question
 */
export function verifyCompact(text, { desk, ...question }) {
  let compact;
  try {
    compact = parseCompact(text);
  } catch (error) {
    if (error instanceof Refusal) return unusable(error.code);
    throw error;
  }
  const { policy, ledger } = desk;
  if (!policy.evidence.includes(COMPACT_TYPE)) return unusable("schema.version");
  const { record, shown, presentation } = compact;
  const { now, documents = [] } = question;
  const judgement = judgeDesk(desk, compact.ledger, now);
  // A snapshot that is of another ledger or not trusted speaks neither for nor against.
  const found = judgement.code === "ok" ? findBacking(desk, record) : judgement.code;
  const backing = typeof found === "string" ? null : found;
  const entry = backing?.entry ?? null;
  const showing = entry ? showingAt(record, shown, entry) : showingOf(record, []);
  const codes = {
    content: checkContent(showing, documents, entry),
    dates: checkDates(record, now),
    holder: checkHolder(showing, presentation, ledger.identity, { ...question, policy }),
    ...judgeCompact(compact, found, judgement, desk, now),
  };
  const proved =
    backing && entry
      ? { body: backing.body.state.name, entry, statement: backing.statement, block: backing.row.block }
      : null;
  return conclude(codes, showing, proved, judgement, now + policy.clockTolerance);
}
