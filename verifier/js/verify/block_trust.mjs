/** Check 6, block: whether enough witnesses vouch for a checkpoint (SPEC 15, 18.1, 18.3). @module */

import { compareBytes, equal, utf8 } from "../bytes.mjs";
import { valueOrNull } from "../errors.mjs";
import { parseNote, verifyCosignature, witnessKeyId } from "../formats/checkpoint.mjs";
import { findLedger } from "../formats/policy.mjs";
/** @import { Checkpoint, Note } from "../formats/checkpoint.mjs" */
/** @import { Ledger, Witness } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Question } from "./full.mjs" */

/**
 * The outcome of check 6: its code and, if it passed, T in seconds and the basis (SPEC 18.4).
 * On a retired ledger `end` is the time of its final checkpoint.
 * @typedef {{code: string, time: number | null, basis?: string, end?: number}} BlockTrust
 */

/** The basis of a retired ledger's last block (SPEC 18.4). */
const FINAL_CHECKPOINT = "the trust policy: the ledger's final checkpoint";

/** @param {string} code @returns {BlockTrust} */
const withoutTrust = (code) => ({ code, time: null });

/**
 * Whether enough operators of the policy, in service at the block, have cosigned a checkpoint.
 * @param {Note} note @param {Policy} policy @param {Ledger} ledger of the checkpoint @returns {BlockTrust}
 */
export function trustByWitnesses({ checkpoint, cosignatures }, policy, ledger) {
  // A line is known by name and key id together; the others are ignored (SPEC 14).
  const known = cosignatures.flatMap((line) =>
    policy.witnesses
      .filter(({ name, key }) => name === line.name && equal(witnessKeyId(name, key), line.keyId))
      .map((witness) => ({ line, witness })),
  );
  if (!known.every(({ line, witness }) => verifyCosignature(checkpoint, line, witness.key))) {
    return withoutTrust("checkpoint.unusable");
  }
  const { retired } = ledger;
  const end = retired ? { end: retired.time } : {};
  if (retired && retired.text === checkpoint.text) {
    // The signatures of the policy vouch for it (SPEC 15).
    return { code: "ok", time: checkpoint.time, basis: FINAL_CHECKPOINT, ...end };
  }
  if (!policy.trust.ways.includes("witnesses")) return withoutTrust("block.untrusted");
  if (retired && checkpoint.number > retired.number) return withoutTrust("block.untrusted");
  if (retired?.number === checkpoint.number && retired.text !== checkpoint.text) {
    return withoutTrust("block.differs");
  }
  /** @param {Witness} witness */
  const isInService = (witness) => {
    // Another ledger's blocks have other numbers: there a witness counts until it has ended anywhere.
    if (witness.ledger && !equal(witness.ledger, checkpoint.identity)) return witness.until === null;
    return witness.from <= checkpoint.number && checkpoint.number <= (witness.until ?? checkpoint.number);
  };
  // An operator's time is its latest by a witness in service.
  /** @type {Map<string, number>} */ const times = new Map();
  for (const { line, witness } of known.filter((one) => isInService(one.witness))) {
    times.set(witness.operator, Math.max(line.time, times.get(witness.operator) ?? 0));
  }
  const { threshold } = policy.trust;
  if (times.size < threshold) return withoutTrust("block.witnesses_too_few");
  // T is the k-th greatest of these times (SPEC 15).
  const time = [...times.values()].sort((left, right) => right - left)[threshold - 1];
  if (Math.abs(time - checkpoint.time) > policy.blockLag) return withoutTrust("block.clock");
  const operators = new Set(policy.witnesses.filter(isInService).map(({ operator }) => operator));
  const names = [...times.keys()].sort((left, right) => compareBytes(utf8(left), utf8(right))).join(", ");
  return { code: "ok", time, basis: `${times.size} of ${operators.size} witnesses: ${names}`, ...end };
}

/**
 * Check 6 for the note in full evidence; checkpoint and ledger are there once they are known.
 * @param {string} text of the note @param {Question} question
 * @returns {BlockTrust & {checkpoint?: Checkpoint, ledger?: Ledger}}
 */
export function checkBlock(text, { policy, now }) {
  if (now > policy.ends) return withoutTrust("policy.ended");
  const note = valueOrNull(() => parseNote(text));
  if (!note) return withoutTrust("checkpoint.unusable");
  const { checkpoint } = note;
  const ledger = findLedger(policy, checkpoint.identity);
  if (!ledger) return withoutTrust("block.other_ledger");
  return { ...trustByWitnesses(note, policy, ledger), checkpoint, ledger };
}
