/** Deltas, which lead from one snapshot to a newer one (SPEC 17). @module */

import { compareBytes, equal, hex } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { UNSIGNED } from "./cbor.mjs";
import { LONGEST_NOTE, parseNote } from "./checkpoint.mjs";
import { MAX_LISTED, needSnapshot, openItem, packSnapshot, unpackBody, unpackCatalogs } from "./snapshot.mjs";
import { NodeSet, catalogsOf, proving, unproved } from "./snapshot_proof.mjs";
import { LONGEST_NODE, MOST_NODES, ROLL_POSITION, proveAccount, slotPosition } from "./state_proof.mjs";
/** @import { Ledger } from "./policy.mjs" */
/** @import { Catalog, HeldBody, Snapshot } from "./snapshot.mjs" */

/**
 * The snapshot that a delta leads to, not yet proved.
 * @param {Snapshot} old @param {Uint8Array} unpacked @param {Ledger} ledger @returns {Snapshot}
 */
export function applyDelta(old, unpacked, ledger) {
  const reader = openItem(unpacked, "certledger/delta/1", 7);
  if (!equal(reader.binary(32, 32), sha256(packSnapshot(old)))) {
    refuse("snapshot.other_base", "the delta builds on another snapshot");
  }
  const checkpoint = reader.text(4 * LONGEST_NOTE);
  const note = parseNote(checkpoint);
  if (note.checkpoint.number < old.note.checkpoint.number)
    refuse("snapshot.older", "the delta would go back");
  const accountProof = reader.binaries(MOST_NODES, LONGEST_NODE);
  const nodes = reader.binaries(MAX_LISTED, LONGEST_NODE, true);
  const catalogs = mergeCatalogs(old, unpackCatalogs(reader));
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const bodies = reader.parts(MAX_LISTED, (at) => {
    if (at < old.bodies.length && reader.kind() === UNSIGNED) return old.bodies[reader.integer(at, at)];
    reader.list(2, 2);
    reader.integer(at, at);
    return unpackBody(reader, roots, identity, old.bodies[at]?.rows ?? []);
  });
  reader.done();
  const account = proving(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account) return unproved("the contract is absent");
  const needed = catalogsOf(bodies);
  return {
    note,
    checkpoint,
    accountProof,
    nodes: nodesInUse([...old.nodes, ...nodes], account.storageRoot, bodies),
    catalogs: new Map(
      catalogs
        .map((catalog) => /** @type {[string, Catalog]} */ ([hex(catalog.root), catalog]))
        .filter(([root]) => needed.has(root)),
    ),
    bodies,
  };
}

/**
 * The nodes that prove the roll and the slots of these bodies, ascending.
 * @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot @param {HeldBody[]} bodies @returns {Uint8Array[]}
 * @throws {Refusal} `snapshot.unproved`: a node is missing
 */
function nodesInUse(nodes, storageRoot, bodies) {
  const known = new NodeSet(nodes, storageRoot);
  const positions = [ROLL_POSITION, ...bodies.map(({ state }) => slotPosition(state.issuer))];
  proving(() => positions.forEach((position) => known.slot(position)));
  return [...known.used].sort(compareBytes);
}

/**
 * The catalogs of a snapshot and of a delta to it, by ascending root.
 * @param {Snapshot} old @param {Catalog[]} added @returns {Catalog[]} @throws {Refusal} `snapshot.invalid`
 */
function mergeCatalogs(old, added) {
  // A catalog that the snapshot has by its root alone may come with its entries.
  needSnapshot(!added.some(({ root }) => old.catalogs.get(hex(root))?.entries), "a catalog twice");
  const replaced = new Set(added.map(({ root }) => hex(root)));
  const unchanged = [...old.catalogs.values()].filter(({ root }) => !replaced.has(hex(root)));
  return [...unchanged, ...added].sort((left, right) => compareBytes(left.root, right.root));
}
