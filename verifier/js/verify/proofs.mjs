/** Checks 3 and 4 on the proofs that full evidence carries (SPEC 18.1). @module */

import { ZERO32, equal, toBigInt } from "../bytes.mjs";
import { SECP256K1, checkEcdsa } from "../crypto/ecdsa.mjs";
import { keccak256 } from "../crypto/hashing.mjs";
import { Refusal, orNull } from "../errors.mjs";
import { catalogRoot } from "../formats/catalog.mjs";
import { batchLeaf, stateDigest, withoutBrake } from "../formats/issuer_state.mjs";
import { impliedRoot, peakOf } from "../formats/merkle.mjs";
import { proveAccount, slotPosition, slotValue, walkProof } from "../formats/state_proof.mjs";
import { batchDigest } from "../formats/statements.mjs";
import { checkCountersigned, checkKey } from "./checks.mjs";
/** @import { Checkpoint } from "../formats/checkpoint.mjs" */
/** @import { Evidence } from "../formats/evidence.mjs" */
/** @import { Ledger } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */

/**
 * The body's slot under a checkpoint, or the code of check 3 that says why it is not proved.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger
 */
function proveSlot({ body, proof }, checkpoint, ledger) {
  try {
    const account = proveAccount(checkpoint.stateRoot, ledger.address, proof.account);
    if (!account || !equal(account.codeHash, ledger.codeHash)) return "anchor.other_contract";
    return slotValue(walkProof(account.storageRoot, keccak256(slotPosition(body.issuer)), proof.slot));
  } catch (error) {
    if (error instanceof Refusal) return "anchor.proof_unusable";
    throw error;
  }
}

/** Check 3. @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger @returns {string} */
export function checkAnchor(evidence, checkpoint, ledger) {
  const { body, anchor, statement, showing } = evidence;
  if (body.issuer !== showing.record.issuer) return "anchor.other_body";
  const slot = proveSlot(evidence, checkpoint, ledger);
  if (typeof slot === "string") return slot;
  const digest = withoutBrake(slot);
  if (equal(digest, ZERO32)) return "anchor.body_absent";
  if (!equal(digest, stateDigest(body))) return "anchor.state_differs";
  if (statement.sequence > body.batches) return "anchor.batch_pending";
  const leaf = batchLeaf(
    batchDigest(statement, ledger.identity),
    statement.catalog,
    anchor.key,
    anchor.block,
  );
  const { peak, within, width } = peakOf(statement.sequence - 1, body.batches);
  const root = orNull(() => impliedRoot(leaf, within, width, anchor.path));
  return root && equal(root, body.peaks[peak]) ? "ok" : "anchor.batch_unproved";
}

/** Check 4. @param {Evidence} evidence @param {Ledger} ledger @param {Policy} policy @returns {string} */
export function checkSignature({ anchor, signer, signature, statement }, ledger, policy, body) {
  const key = body.keys[anchor.key];
  if (!key || !equal(keccak256(signer).subarray(12), key.address)) return "signature.signer_differs";
  const code = checkKey(key, anchor.block);
  if (code !== "ok") return code;
  const low = toBigInt(signature.subarray(32)) <= SECP256K1.n / 2n;
  /** @type {[bigint, bigint]} */ const point = [
    toBigInt(signer.subarray(0, 32)),
    toBigInt(signer.subarray(32)),
  ];
  if (!low || !checkEcdsa(SECP256K1, point, batchDigest(statement, ledger.identity), signature)) {
    return "signature.damaged";
  }
  return checkCountersigned(policy, statement);
}

/**
 * The entry, once it stands in the catalog under a root.
 * @param {Evidence["catalog"]} proof @param {Uint8Array} catalog
 */
export function proveEntry({ entry, place, count, path }, catalog) {
  const root = orNull(() => impliedRoot(entry.leaf, place, count, path));
  return root && equal(catalogRoot(count, root), catalog) ? entry : null;
}
