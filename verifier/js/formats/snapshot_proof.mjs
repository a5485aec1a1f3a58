/** Proof that a snapshot is what the contract holds under its checkpoint (SPEC 17). @module */

import { ZERO32, concat, equal, hex, uint, utf8 } from "../bytes.mjs";
import { keccak256 } from "../crypto/hashing.mjs";
import { Refusal, refuse } from "../errors.mjs";
import { stateDigest, withoutBrake } from "./issuer_state.mjs";
import { ROLL_POSITION, proveAccount, slotPosition, slotValue, walk } from "./state_proof.mjs";
/** @import { Ledger } from "./policy.mjs" */
/** @import { HeldBody, Snapshot } from "./snapshot.mjs" */

/** The nodes of many proofs of one trie, each once; `used` tells which were needed. */
export class NodeSet {
  /** @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot */
  constructor(nodes, storageRoot) {
    this.nodes = new Map(nodes.map((node) => [hex(keccak256(node)), node]));
    this.root = storageRoot;
    /** @type {Set<Uint8Array>} */ this.used = new Set();
  }

  /** @param {Uint8Array} position @returns {Uint8Array} value of a slot */
  slot(position) {
    return slotValue(
      walk(this.root, keccak256(position), (hash) => {
        const node = this.nodes.get(hex(hash)) ?? refuse("proof.invalid", "a node is missing");
        this.used.add(node);
        return node;
      }),
    );
  }
}

/** Value of the roll once these bodies were registered (section 13). @param {HeldBody[]} bodies */
function rollOf(bodies) {
  let roll = ZERO32;
  for (const [at, { state }] of bodies.entries()) {
    roll = concat(keccak256(concat(roll, utf8(state.issuer))).subarray(0, 28), uint(at + 1, 4));
  }
  return roll;
}

/** @param {string} why @returns {never} */
export const unproved = (why) => refuse("snapshot.unproved", why);

/**
 * Runs a proof whose failure means that a snapshot is not what the chain holds.
 * @template T @param {() => T} prove @returns {T}
 */
export function proving(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof Refusal && error.code === "proof.invalid") return unproved(error.message);
    throw error;
  }
}

/**
 * Checks that a snapshot is what the ledger's contract holds under its checkpoint's state root.
 * @param {Snapshot} snapshot @param {Ledger} ledger @throws {Refusal} `snapshot.unproved`
 */
export function checkSnapshot({ note, accountProof, nodes, catalogs, bodies }, ledger) {
  const account = proving(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account || !equal(account.codeHash, ledger.codeHash))
    return unproved("the chain holds another contract");
  const known = new NodeSet(nodes, account.storageRoot);
  proving(() => {
    if (!equal(known.slot(ROLL_POSITION), rollOf(bodies))) unproved("the list of bodies is not complete");
    for (const { state } of bodies) {
      const slot = withoutBrake(known.slot(slotPosition(state.issuer)));
      if (!equal(slot, stateDigest(state))) unproved(`the state of ${state.issuer} is another one`);
    }
  });
  if (known.used.size !== nodes.length) unproved("a node is not needed");
  if (new Set(bodies.map(({ state }) => state.issuer)).size !== bodies.length)
    unproved("a body stands twice");
  const needed = catalogsOf(bodies);
  if (needed.size !== catalogs.size || ![...needed].every((root) => catalogs.has(root))) {
    unproved("a catalog is missing or not needed");
  }
}

/** Roots (hex) of the catalogs under batches and states. @param {HeldBody[]} bodies @returns {Set<string>} */
export function catalogsOf(bodies) {
  const roots = bodies.flatMap(({ state, rows }) => [state.catalog, ...rows.map(({ catalog }) => catalog)]);
  return new Set(roots.filter((root) => !equal(root, ZERO32)).map(hex));
}
