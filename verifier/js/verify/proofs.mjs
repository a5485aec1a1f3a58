/**
 * The proofs in full evidence: checks 3 and 4, the entry of check 5, the status of check 8 (SPEC 18.1, 18.3).
 * @module
 */

import { ZERO32, bytesToBigInt, equal } from "../bytes.mjs";
import { SECP256K1, verifyEcdsa } from "../crypto/ecdsa.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { CertledgerError, valueOrNull } from "../errors.mjs";
import { catalogRoot } from "../formats/catalog.mjs";
import { batchLeaf, clearBrake, stateDigest } from "../formats/issuer_state.mjs";
import { impliedRoot, locatePeak } from "../formats/merkle.mjs";
import {
  decodeSlotValue,
  issuerSlotPosition,
  proveAccount,
  proveTrieValue,
} from "../formats/state_proof.mjs";
import { batchDigest } from "../formats/statements.mjs";
import { impliedStatusRoot, statusWordPosition } from "../formats/status_tree.mjs";
import { checkCountersigned, checkKey, checkStatus } from "./checks.mjs";
/** @import { Checkpoint } from "../formats/checkpoint.mjs" */
/** @import { Evidence } from "../formats/evidence.mjs" */
/** @import { IssuerState } from "../formats/issuer_state.mjs" */
/** @import { Ledger } from "../formats/policy.mjs" */
/** @import { Policy } from "../formats/signed_policy.mjs" */

/**
 * The value of the issuer's slot under a checkpoint's state root, or the code of check 3 if it is not proved.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger
 * @returns {Uint8Array | string}
 */
function proveSlot({ state, proof }, checkpoint, ledger) {
  try {
    const account = proveAccount(checkpoint.stateRoot, ledger.address, proof.account);
    if (!account || !equal(account.codeHash, ledger.codeHash)) return "anchor.other_contract";
    const key = keccak256(issuerSlotPosition(state.issuer));
    return decodeSlotValue(proveTrieValue(account.storageRoot, key, proof.slot));
  } catch (error) {
    if (error instanceof CertledgerError) return "anchor.proof_unusable";
    throw error;
  }
}

/**
 * Check 3, anchor.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger @returns {string}
 */
export function checkAnchor(evidence, checkpoint, ledger) {
  const { state, anchor, statement, disclosed } = evidence;
  if (state.issuer !== disclosed.record.issuer) return "anchor.other_body";
  const slot = proveSlot(evidence, checkpoint, ledger);
  if (typeof slot === "string") return slot;
  const digest = clearBrake(slot);
  if (equal(digest, ZERO32)) return "anchor.body_absent";
  if (!equal(digest, stateDigest(state))) return "anchor.state_differs";
  if (statement.sequence > state.batches) return "anchor.batch_pending";
  const leaf = batchLeaf(
    batchDigest(statement, ledger.identity),
    statement.catalog,
    anchor.key,
    anchor.block,
  );
  const { peak, within, width } = locatePeak(statement.sequence - 1, state.batches);
  const root = valueOrNull(() => impliedRoot(leaf, within, width, anchor.path));
  return root && equal(root, state.peaks[peak]) ? "ok" : "anchor.batch_unproved";
}

/**
 * Check 4, signature, by the keys of the newest state that is known (SPEC 18.1).
 * @param {Evidence} evidence @param {Ledger} ledger @param {Policy} policy @param {IssuerState} state
 * @returns {string}
 */
export function checkSignature({ anchor, signer, signature, statement }, ledger, policy, state) {
  const key = state.keys[anchor.key];
  // An Ethereum address is the last 20 bytes of the hash of the public key.
  if (!key || !equal(keccak256(signer).subarray(12), key.address)) return "signature.signer_differs";
  const code = checkKey(key, anchor.block);
  if (code !== "ok") return code;
  // s lies in the lower half (SPEC 7).
  const isLow = bytesToBigInt(signature.subarray(32)) <= SECP256K1.n / 2n;
  /** @type {[bigint, bigint]} */ const point = [
    bytesToBigInt(signer.subarray(0, 32)),
    bytesToBigInt(signer.subarray(32)),
  ];
  if (!isLow || !verifyEcdsa(SECP256K1, point, batchDigest(statement, ledger.identity), signature)) {
    return "signature.damaged";
  }
  return checkCountersigned(policy, statement);
}

/**
 * The entry of evidence if its path leads to a catalog, else null.
 * @param {Evidence["catalog"]} proof @param {Uint8Array} catalog root
 */
export function proveEntry({ entry, place, count, path }, catalog) {
  const root = valueOrNull(() => impliedRoot(entry.leaf, place, count, path));
  return root && equal(catalogRoot(count, root), catalog) ? entry : null;
}

/** Check 8, status, by the word in the evidence. @param {Evidence} evidence @returns {string} */
export function checkProvedStatus({ state, wordProof, disclosed: { record } }) {
  const root = valueOrNull(() => impliedStatusRoot(wordProof, statusWordPosition(record.index)));
  if (!root || !equal(root, state.status)) return "status.unproved";
  return checkStatus(record.index, wordProof.word, state.standing);
}
