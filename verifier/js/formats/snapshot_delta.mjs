/** Deltas: what changed from one snapshot to a newer one (SPEC 17). @module */

import { compareBytes, equal, hex } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";
import { UNSIGNED } from "./cbor.mjs";
import { MAX_NOTE_BYTES, parseNote } from "./checkpoint.mjs";
import {
  MAX_LIST_ITEMS,
  catalogsByRoot,
  decodeCatalogs,
  decodeIssuer,
  encodeSnapshot,
  openSnapshotItem,
  requireShape,
} from "./snapshot.mjs";
import { TrieNodes, catalogRootsOf, failUnproved, requireProof } from "./snapshot_proof.mjs";
import {
  MAX_NODE_BYTES,
  MAX_PROOF_NODES,
  ROLL_POSITION,
  issuerSlotPosition,
  proveAccount,
} from "./state_proof.mjs";
/** @import { Ledger } from "./policy.mjs" */
/** @import { Catalog, Snapshot, SnapshotIssuer } from "./snapshot.mjs" */

const DELTA_TYPE = "certledger/delta/1";

/**
 * The snapshot that a delta leads to. `checkSnapshot` proves it.
 * @param {Snapshot} old @param {Uint8Array} unpacked decompressed file @param {Ledger} ledger
 * @returns {Snapshot}
 * @throws {CertledgerError} as `decodeSnapshot`, and `snapshot.other_base`, `snapshot.older`,
 *   `snapshot.unproved`
 */
export function applyDelta(old, unpacked, ledger) {
  const reader = openSnapshotItem(unpacked, DELTA_TYPE, 7);
  if (!equal(reader.binary(32, 32), sha256(encodeSnapshot(old)))) {
    fail("snapshot.other_base", "the delta builds on a snapshot of another digest");
  }
  const checkpoint = reader.text(4 * MAX_NOTE_BYTES);
  const note = parseNote(checkpoint);
  if (note.checkpoint.number < old.note.checkpoint.number)
    fail(
      "snapshot.older",
      `the delta leads from block ${old.note.checkpoint.number} back to ${note.checkpoint.number}`,
    );
  const accountProof = reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES);
  const nodes = reader.binaries(MAX_LIST_ITEMS, MAX_NODE_BYTES, true);
  const catalogs = mergeCatalogs(old, decodeCatalogs(reader));
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const issuers = reader.items(MAX_LIST_ITEMS, (at) => {
    // An unchanged issuer is its place in the former list.
    if (at < old.issuers.length && reader.majorType() === UNSIGNED)
      return old.issuers[reader.integer(at, at)];
    reader.list(2, 2);
    reader.integer(at, at);
    return decodeIssuer(reader, roots, identity, old.issuers[at]?.rows ?? []);
  });
  reader.finish();
  const account = requireProof(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account) return failUnproved("the contract's account is absent");
  const needed = catalogRootsOf(issuers);
  return {
    note,
    checkpoint,
    accountProof,
    nodes: nodesInUse([...old.nodes, ...nodes], account.storageRoot, issuers),
    catalogs: catalogsByRoot(catalogs.filter(({ root }) => needed.has(hex(root)))),
    issuers,
  };
}

/**
 * The nodes that prove the roll and the slots of these issuers, ascending.
 * @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot @param {SnapshotIssuer[]} issuers
 * @returns {Uint8Array[]}
 * @throws {CertledgerError} `snapshot.unproved`: a node is missing
 */
function nodesInUse(nodes, storageRoot, issuers) {
  const known = new TrieNodes(nodes, storageRoot);
  const positions = [ROLL_POSITION, ...issuers.map(({ state }) => issuerSlotPosition(state.issuer))];
  requireProof(() => positions.forEach((position) => known.slot(position)));
  return [...known.used].sort(compareBytes);
}

/**
 * The catalogs of a snapshot and of a delta to it, by ascending root.
 * @param {Snapshot} old @param {Catalog[]} added @returns {Catalog[]}
 * @throws {CertledgerError} `snapshot.invalid`
 */
function mergeCatalogs(old, added) {
  // A catalog that the snapshot has by its root alone may come with its entries.
  requireShape(!added.some(({ root }) => old.catalogs.get(hex(root))?.entries), "a catalog is added twice");
  const replaced = new Set(added.map(({ root }) => hex(root)));
  const unchanged = [...old.catalogs.values()].filter(({ root }) => !replaced.has(hex(root)));
  return [...unchanged, ...added].sort((left, right) => compareBytes(left.root, right.root));
}
