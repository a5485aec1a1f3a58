/** Check 6: whether the block is to be trusted (SPEC 18.1). @module */

import { compareBytes, equal, utf8 } from "../bytes.mjs";
import { orNull } from "../errors.mjs";
import { checkCosignature, parseNote, witnessKeyId } from "../formats/checkpoint.mjs";
import { ledgerOf } from "../formats/policy.mjs";
/** @import { Checkpoint, Note } from "../formats/checkpoint.mjs" */
/** @import { Ledger } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Question } from "./full.mjs" */

/** @typedef {{code: string, time: number | null, basis?: string}} Judgement how check 6 ended; T and on whom the block rests where it passed */

/**
 * Whether enough operators of the policy have cosigned a checkpoint.
 * @param {Note} note @param {Policy} policy @param {Ledger} ledger @returns {Judgement}
 */
export function judgeByWitnesses({ checkpoint, cosignatures }, policy, ledger) {
  /** @param {string} code @param {number | null} time @param {string} basis @returns {Judgement} */
  const judged = (code, time = null, basis = "") => ({ code, time, basis });
  // A line is known by name and key id together; others are ignored, as C2SP has it.
  const named = cosignatures.flatMap((line) =>
    policy.witnesses
      .filter(({ name, key }) => name === line.name && equal(witnessKeyId(name, key), line.keyId))
      .map((witness) => ({ line, witness })),
  );
  if (!named.every(({ line, witness }) => checkCosignature(checkpoint, line, witness.key))) {
    return judged("checkpoint.unusable");
  }
  if (!policy.trust.ways.includes("witnesses")) return judged("block.untrusted");
  if (ledger.retired && checkpoint.number > ledger.retired.number) return judged("block.untrusted");
  if (ledger.retired?.number === checkpoint.number && ledger.retired.body !== checkpoint.body) {
    return judged("block.differs");
  }
  /** @type {Map<string, number>} */ const latest = new Map();
  const serves = (witness) => witness.from <= checkpoint.number && checkpoint.number <= witness.until;
  for (const { line, witness } of named) {
    if (serves(witness)) {
      latest.set(witness.operator, Math.max(line.time, latest.get(witness.operator) ?? 0));
    }
  }
  if (latest.size < policy.trust.threshold) return judged("block.witnesses_too_few");
  const time = [...latest.values()].sort((left, right) => right - left)[policy.trust.threshold - 1];
  if (Math.abs(time - checkpoint.time) > policy.blockLag) return judged("block.clock");
  const operators = new Set(policy.witnesses.filter(serves).map(({ operator }) => operator));
  const names = [...latest.keys()].sort((left, right) => compareBytes(utf8(left), utf8(right))).join(", ");
  return judged("ok", time, `${latest.size} of ${operators.size} witnesses: ${names}`);
}

/**
 * Whether the block that evidence speaks of is to be trusted (check 6).
 * @param {string} text of the note @param {Question} question
 * @returns {Judgement & {checkpoint?: Checkpoint, ledger?: Ledger}}
 */
export function judgeBlock(text, { policy, now }) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  const note = orNull(() => parseNote(text));
  if (!note) return { code: "checkpoint.unusable", time: null };
  const { checkpoint } = note;
  const ledger = ledgerOf(policy, checkpoint.identity);
  if (!ledger) return { code: "block.other_ledger", time: null };
  return { ...judgeByWitnesses(note, policy, ledger), checkpoint, ledger };
}
