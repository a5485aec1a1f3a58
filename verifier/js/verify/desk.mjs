/** A snapshot that is opened once and then answers for many codes (SPEC 17). @module */

import { refuse } from "../errors.mjs";
import { ledgerOf } from "../formats/policy.mjs";
import { SNAPSHOT_TYPE, readSnapshot } from "../formats/snapshot.mjs";
import { applyDelta } from "../formats/snapshot_delta.mjs";
import { checkSnapshot, unproved } from "../formats/snapshot_proof.mjs";
import { inflate } from "../formats/zlib.mjs";
import { judgeByWitnesses } from "./block_trust.mjs";
/** @import { Ledger } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { HeldBody, Snapshot } from "../formats/snapshot.mjs" */
/** @import { Judgement } from "./block_trust.mjs" */

/** @typedef {{policy: Policy, ledger: Ledger, snapshot: Snapshot, judgement: Judgement, byIssuer: Map<string, HeldBody>}} Desk */

/**
 * A desk that answers from a snapshot, once that is proved whole.
 * @param {Uint8Array} file @param {Policy} policy @returns {Promise<Desk>}
 * @throws {Refusal} `snapshot.invalid`, `snapshot.version`, `snapshot.unproved`, and others of what it holds
 */
export async function openDesk(file, policy) {
  return deskOf(readSnapshot(await inflate(file)), policy);
}

/**
 * The desk that a delta leads to.
 * @param {Desk} desk @param {Uint8Array} file @returns {Promise<Desk>}
 * @throws {Refusal} as `openDesk`, and `snapshot.other_base`, `snapshot.older`
 */
export async function updateDesk(desk, file) {
  return deskOf(applyDelta(desk.snapshot, await inflate(file), desk.ledger), desk.policy);
}

/** @param {Snapshot} snapshot @param {Policy} policy @returns {Desk} */
function deskOf(snapshot, policy) {
  if (!policy.evidence.includes(SNAPSHOT_TYPE)) refuse("snapshot.version", "the policy does not list it");
  const ledger =
    ledgerOf(policy, snapshot.note.checkpoint.identity) ?? unproved("the policy does not know this ledger");
  checkSnapshot(snapshot, ledger);
  return {
    policy,
    ledger,
    snapshot,
    judgement: judgeByWitnesses(snapshot.note, policy, ledger),
    byIssuer: new Map(snapshot.bodies.map((body) => [body.state.issuer, body])),
  };
}
