/** A trust snapshot that is decoded and proved once and then answers many questions (SPEC 17). @module */

import { fail } from "../errors.mjs";
import { findLedger } from "../formats/policy.mjs";
import { SNAPSHOT_TYPE, decodeSnapshot } from "../formats/snapshot.mjs";
import { applyDelta } from "../formats/snapshot_delta.mjs";
import { checkSnapshot, failUnproved } from "../formats/snapshot_proof.mjs";
import { inflate } from "../formats/zlib.mjs";
import { trustByWitnesses } from "./block_trust.mjs";
/** @import { Ledger } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */
/** @import { Snapshot, SnapshotIssuer } from "../formats/snapshot.mjs" */
/** @import { BlockTrust } from "./block_trust.mjs" */

/**
 * A snapshot that is the contract's state at its checkpoint. `trust` says whether that block is trusted.
 * @typedef {object} ProvenSnapshot
 * @property {Policy} policy
 * @property {Ledger} ledger
 * @property {Snapshot} snapshot
 * @property {BlockTrust} trust
 * @property {Map<string, SnapshotIssuer>} byIssuer
 */

/**
 * Decode a snapshot and prove it whole.
 * @param {Uint8Array} file @param {Policy} policy @returns {Promise<ProvenSnapshot>}
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`, `snapshot.unproved`,
 *   `checkpoint.unusable`, and
 *   those of its parts
 */
export async function openSnapshot(file, policy) {
  return proveSnapshot(decodeSnapshot(await inflate(file)), policy);
}

/**
 * Apply a delta to a snapshot, and prove the new one whole.
 * @param {ProvenSnapshot} proven @param {Uint8Array} file of the delta @returns {Promise<ProvenSnapshot>}
 * @throws {CertledgerError} as `openSnapshot`, and `snapshot.other_base`, `snapshot.older`
 */
export async function updateSnapshot(proven, file) {
  return proveSnapshot(applyDelta(proven.snapshot, await inflate(file), proven.ledger), proven.policy);
}

/** @param {Snapshot} snapshot @param {Policy} policy @returns {ProvenSnapshot} */
function proveSnapshot(snapshot, policy) {
  if (!policy.evidence.includes(SNAPSHOT_TYPE))
    fail("snapshot.version", `the policy does not list ${SNAPSHOT_TYPE}`);
  const ledger =
    findLedger(policy, snapshot.note.checkpoint.identity) ??
    failUnproved("the policy does not have its ledger");
  checkSnapshot(snapshot, ledger);
  return {
    policy,
    ledger,
    snapshot,
    trust: trustByWitnesses(snapshot.note, policy, ledger),
    byIssuer: new Map(snapshot.issuers.map((issuer) => [issuer.state.issuer, issuer])),
  };
}
