/** Proof that a snapshot is the contract's state at its checkpoint (SPEC 13, 17). @module */

import { ZERO32, concat, equal, hex, uintToBytes, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/keccak.mjs";
import { CertledgerError, fail } from "../errors.mjs";
import { clearBrake, stateDigest } from "./issuer_state.mjs";
import {
  ROLL_POSITION,
  decodeSlotValue,
  findInTrie,
  issuerSlotPosition,
  proveAccount,
} from "./state_proof.mjs";
/** @import { Ledger } from "./policy.mjs" */
/** @import { Snapshot, SnapshotIssuer } from "./snapshot.mjs" */

/** The nodes of many proofs of one storage trie, each once; `used` collects those that a proof needed. */
export class TrieNodes {
  /** @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot */
  constructor(nodes, storageRoot) {
    this.nodes = new Map(nodes.map((node) => [hex(keccak256(node)), node]));
    this.root = storageRoot;
    /** @type {Set<Uint8Array>} */ this.used = new Set();
  }

  /**
   * Value of a slot.
   * @param {Uint8Array} position @returns {Uint8Array} @throws {CertledgerError} `proof.invalid`
   */
  slot(position) {
    return decodeSlotValue(
      findInTrie(this.root, keccak256(position), (hash) => {
        const node = this.nodes.get(hex(hash)) ?? fail("proof.invalid", `node ${hex(hash)} is missing`);
        this.used.add(node);
        return node;
      }),
    );
  }
}

/**
 * The roll after the registration of these issuers, in their order (SPEC 13).
 * @param {SnapshotIssuer[]} issuers
 */
function computeRoll(issuers) {
  let roll = ZERO32;
  for (const [at, { state }] of issuers.entries()) {
    roll = concat(keccak256(concat(roll, utf8(state.issuer))).subarray(0, 28), uintToBytes(at + 1, 4));
  }
  return roll;
}

/** @param {string} problem @returns {never} */
export const failUnproved = (problem) => fail("snapshot.unproved", problem);

/**
 * Verify a proof of a snapshot: its `proof.invalid` becomes `snapshot.unproved`.
 * @template T @param {() => T} prove @returns {T}
 */
export function requireProof(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof CertledgerError && error.code === "proof.invalid")
      return failUnproved(error.message);
    throw error;
  }
}

/**
 * Check that a snapshot is the state of the ledger's contract under its checkpoint's state root, whole (SPEC 17).
 * @param {Snapshot} snapshot @param {Ledger} ledger @throws {CertledgerError} `snapshot.unproved`
 */
export function checkSnapshot({ note, accountProof, nodes, catalogs, issuers }, ledger) {
  const account = requireProof(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account || !equal(account.codeHash, ledger.codeHash))
    return failUnproved("the account has another code hash than the policy's ledger");
  const known = new TrieNodes(nodes, account.storageRoot);
  requireProof(() => {
    if (!equal(known.slot(ROLL_POSITION), computeRoll(issuers)))
      failUnproved("the list of issuers does not give the roll");
    for (const { state } of issuers) {
      const slot = clearBrake(known.slot(issuerSlotPosition(state.issuer)));
      if (!equal(slot, stateDigest(state)))
        failUnproved(`the state of ${state.issuer} does not have the digest in its slot`);
    }
  });
  if (known.used.size !== nodes.length)
    failUnproved(`${nodes.length - known.used.size} nodes are not needed`);
  if (new Set(issuers.map(({ state }) => state.issuer)).size !== issuers.length)
    failUnproved("an issuer is listed twice");
  const needed = catalogRootsOf(issuers);
  if (needed.size !== catalogs.size || ![...needed].every((root) => catalogs.has(root))) {
    failUnproved("a catalog is missing or not needed");
  }
}

/**
 * Roots, in hex, of the catalogs of batches and states, without the empty one.
 * @param {SnapshotIssuer[]} issuers @returns {Set<string>}
 */
export function catalogRootsOf(issuers) {
  const roots = issuers.flatMap(({ state, rows }) => [state.catalog, ...rows.map(({ catalog }) => catalog)]);
  // Batches of one catalog share the bytes of its root, which are compared once.
  return new Set([...new Set(roots)].filter((root) => !equal(root, ZERO32)).map(hex));
}
