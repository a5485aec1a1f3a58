/**
 * Trust snapshots: decoding and encoding their CBOR (SPEC 17). `checkSnapshot` proves what they say.
 * @module
 */

import { ZERO32, chunks, compareBytes, concatAll, equal, hex } from "../bytes.mjs";
import { fail } from "../errors.mjs";
import { MAX_BLOCK, MAX_UINT32 } from "../limits.mjs";
import { parseCanonical } from "./canonical_json.mjs";
import { MAX_ENTRIES, catalogRoot, compareEntries, readEntry } from "./catalog.mjs";
import { BYTES, CborReader, encodeCbor } from "./cbor.mjs";
import { MAX_NOTE_BYTES, parseNote } from "./checkpoint.mjs";
import {
  ISSUER_KINDS,
  ISSUER_STANDINGS,
  KEY_BYTES,
  MAX_ISSUER_NAME_CHARACTERS,
  MAX_KEYS,
  batchLeaf,
  decodeKey,
} from "./issuer_state.mjs";
import { peaksOf, treeRoot } from "./merkle.mjs";
import { countCharacters } from "./object_reader.mjs";
import { ISSUER_PATTERN, MAX_CERTIFICATES, checkIssuerCode } from "./record.mjs";
import { MAX_NODE_BYTES, MAX_PROOF_NODES } from "./state_proof.mjs";
import { MAX_BATCH_CERTIFICATES, batchDigest } from "./statements.mjs";
import { decodeStatuses, encodeStatuses } from "./snapshot_statuses.mjs";
import { statusTreeRoot } from "./status_tree.mjs";
import { MAX_TIME } from "./time.mjs";
/** @import { Entry } from "./catalog.mjs" */
/** @import { Cbor } from "./cbor.mjs" */
/** @import { Note } from "./checkpoint.mjs" */
/** @import { IssuerState } from "./issuer_state.mjs" */
/** @import { Statement } from "./statements.mjs" */

/** The `type` of a snapshot, and its name in a policy's list of versions. */
export const SNAPSHOT_TYPE = "certledger/snapshot/1";
const MAX_TYPE_BYTES = 64;
/** Issuers, catalogs and nodes: as many as the roll can count. */
export const MAX_LIST_ITEMS = MAX_UINT32;
const MAX_ENTRY_BYTES = 65536;

/**
 * Fail with `snapshot.invalid` unless a condition holds.
 * @param {unknown} condition @param {string} problem
 */
export function requireShape(condition, problem) {
  if (!condition) fail("snapshot.invalid", problem);
}

/**
 * A catalog; `entries` is null where the maker of the snapshot had only the root. `packed`: as in the file.
 * @typedef {{root: Uint8Array, entries: Entry[] | null, packed: Uint8Array[] | Uint8Array}} Catalog
 */
/**
 * What the file has of a batch: `block` of anchoring, index of the `key`, root of the `catalog`.
 * @typedef {{root: Uint8Array, count: number, notAfter: number, block: number, key: number, catalog: Uint8Array,
 *   countersignature: Uint8Array}} BatchRow
 */
/**
 * An issuer: its state, batches and the statuses of its certificates.
 * @typedef {{state: IssuerState, rows: BatchRow[], statements: Statement[], statuses: ReturnType<typeof decodeStatuses>}} SnapshotIssuer
 */

/**
 * @typedef {object} Snapshot
 * @property {Note} note
 * @property {string} checkpoint text of the note
 * @property {Uint8Array[]} accountProof
 * @property {Uint8Array[]} nodes of the storage trie, ascending
 * @property {Map<string, Catalog>} catalogs by root in hex, ascending
 * @property {SnapshotIssuer[]} issuers in the order of registration
 */

/**
 * A reader of the item of a snapshot or delta, behind its type.
 * @param {Uint8Array} unpacked decompressed file @param {string} type
 * @param {number} size elements of the item
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`
 */
export function openSnapshotItem(unpacked, type, size) {
  const reader = new CborReader(unpacked, "snapshot.invalid", "snapshot.invalid");
  const found = reader.list(1, MAX_LIST_ITEMS);
  if (reader.text(MAX_TYPE_BYTES) !== type) fail("snapshot.version", `not ${type}`);
  reader.expect(found === size, `a list of ${size}`);
  return reader;
}

/**
 * Decode a whole snapshot.
 * @param {Uint8Array} unpacked decompressed file @returns {Snapshot}
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`, `checkpoint.unusable`, and those of its
 *   parts
 */
export function decodeSnapshot(unpacked) {
  const reader = openSnapshotItem(unpacked, SNAPSHOT_TYPE, 6);
  const checkpoint = reader.text(4 * MAX_NOTE_BYTES);
  const note = parseNote(checkpoint);
  const accountProof = reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES);
  const nodes = reader.binaries(MAX_LIST_ITEMS, MAX_NODE_BYTES, true);
  const catalogs = decodeCatalogs(reader);
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const issuers = reader.items(MAX_LIST_ITEMS, () => decodeIssuer(reader, roots, identity, []));
  reader.finish();
  return {
    note,
    checkpoint,
    accountProof,
    nodes,
    catalogs: catalogsByRoot(catalogs),
    issuers,
  };
}

/** @param {Catalog[]} catalogs @returns {Map<string, Catalog>} by root in hex */
export const catalogsByRoot = (catalogs) => new Map(catalogs.map((catalog) => [hex(catalog.root), catalog]));

/** The list of catalogs, by ascending root. @param {CborReader} reader @returns {Catalog[]} */
export function decodeCatalogs(reader) {
  /** @type {Uint8Array} */ let last = new Uint8Array(0);
  return reader.items(MAX_LIST_ITEMS, () => {
    const catalog = decodeCatalog(reader);
    reader.expect(compareBytes(last, catalog.root) < 0, "a catalog of a root greater than the one before");
    last = catalog.root;
    return catalog;
  });
}

/** A catalog: its entries, or its root alone. @param {CborReader} reader @returns {Catalog} */
function decodeCatalog(reader) {
  if (reader.majorType() === BYTES) {
    const root = reader.binary(32, 32);
    return { root, entries: null, packed: root };
  }
  const packed = reader.binaries(MAX_ENTRIES, MAX_ENTRY_BYTES);
  requireShape(packed.length > 0, "an empty catalog is listed");
  const entries = packed.map((entry) => readEntry(parseCanonical(entry, MAX_ENTRY_BYTES)));
  if (!entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1], entry) < 0)) {
    fail("catalog.order", "entries do not ascend by category and version");
  }
  return { packed, entries, root: catalogRoot(entries.length, treeRoot(entries.map(({ leaf }) => leaf))) };
}

/**
 * An issuer; what the file leaves out of its state is computed from its batches and statuses.
 * @param {CborReader} reader @param {Uint8Array[]} roots of the catalogs
 * @param {Uint8Array} identity of the ledger
 * @param {BatchRow[]} before batches in the snapshot that a delta builds on @returns {SnapshotIssuer}
 */
export function decodeIssuer(reader, roots, identity, before) {
  reader.list(12, 12);
  const issuer = reader.text(18);
  reader.expect(ISSUER_PATTERN.test(issuer), "the code of an issuer before it");
  checkIssuerCode(issuer);
  const kind = reader.integer(1, ISSUER_KINDS.length);
  const nameDigest = reader.majorType() === BYTES ? reader.binary(32, 32) : null;
  const name = nameDigest ? hex(nameDigest) : reader.text(4 * MAX_ISSUER_NAME_CHARACTERS);
  reader.expect(
    name && countCharacters(name) <= MAX_ISSUER_NAME_CHARACTERS,
    `a name of 1 to ${MAX_ISSUER_NAME_CHARACTERS} characters before it`,
  );
  const standing = ISSUER_STANDINGS[reader.integer(1, ISSUER_STANDINGS.length) - 1];
  const since = reader.integer(0, MAX_BLOCK);
  const packed = reader.binary(KEY_BYTES, MAX_KEYS * KEY_BYTES);
  const keys = chunks(packed, KEY_BYTES).map(decodeKey);
  const catalogVersion = reader.integer(0, MAX_UINT32);
  const catalog = reader.binary(32, 32);
  const epoch = reader.integer();
  const revision = reader.integer(0, MAX_UINT32);
  const rows = [...before, ...decodeBatches(reader, roots, keys.length)];
  const issued = rows.reduce((sum, { count }) => sum + count, 0);
  reader.expect(issued <= MAX_CERTIFICATES, `at most ${MAX_CERTIFICATES} certificates before it`);
  const statuses = decodeStatuses(reader, issued);
  const { statements, ...counters } = chainBatches(issuer, rows, identity);
  /** @type {Uint8Array | null} */ let root = null;
  const state = {
    ...{ issuer, kind, name, nameDigest, standing, since, keys, catalogVersion, catalog, epoch, revision },
    ...counters,
    /** Hashed on first access, so never where the policy does not have the ledger. */
    get status() {
      return (root ??= statusTreeRoot(statuses.words()));
    },
  };
  return { state, rows, statements, statuses };
}

/**
 * Statements of an issuer's batches, and the counters and peaks of its state that follow from them (SPEC 7, 8).
 * @param {string} issuer @param {BatchRow[]} rows @param {Uint8Array} identity of the ledger
 */
function chainBatches(issuer, rows, identity) {
  /** @type {Statement[]} */ const statements = [];
  const leaves = [];
  let [last, certificates] = [ZERO32, 0];
  for (const { root, count, catalog, countersignature, notAfter, key, block } of rows) {
    const statement = {
      issuer,
      root,
      count,
      catalog,
      countersignature,
      notAfter,
      sequence: statements.length + 1,
      previous: last,
      first: certificates,
    };
    statements.push(statement);
    last = batchDigest(statement, identity);
    leaves.push(batchLeaf(last, catalog, key, block));
    certificates += count;
  }
  return { statements, batches: rows.length, certificates, last, peaks: peaksOf(leaves) };
}

/**
 * The batches of an issuer; instants and blocks are differences from the one before.
 * @param {CborReader} reader @param {Uint8Array[]} catalogs roots
 * @param {number} keys number of the issuer's keys
 * @returns {BatchRow[]}
 */
function decodeBatches(reader, catalogs, keys) {
  reader.list(7, 7);
  const joined = reader.binary(0, 32 * MAX_CERTIFICATES);
  reader.expect(joined.length % 32 === 0, "roots of 32 bytes each before it");
  const roots = chunks(joined, 32);
  /** @param {number} max */
  const runningSums = (max) => {
    let sum = 0;
    return reader.integers(roots.length, -max, max).map((difference) => (sum += difference));
  };
  const count = reader.integers(roots.length, 1, MAX_BATCH_CERTIFICATES);
  const notAfter = runningSums(MAX_TIME);
  const block = runningSums(MAX_BLOCK);
  const key = reader.integers(roots.length, 0, keys - 1);
  const catalog = reader.integers(roots.length, -1, catalogs.length - 1);
  const countersignatures = reader.byteMap(roots.length, 32);
  /** @param {number[]} values @param {number} max */
  const within = (values, max) => values.every((value) => value >= 0 && value <= max);
  reader.expect(
    within(notAfter, MAX_TIME),
    "batches whose last instants lie between 1970 and 9999 before it",
  );
  reader.expect(within(block, MAX_BLOCK), `batches anchored in blocks from 0 to ${MAX_BLOCK} before it`);
  reader.expect(
    [...countersignatures.values()].every((value) => !equal(value, ZERO32)),
    "countersignatures that are not zero before it",
  );
  return roots.map((root, at) => ({
    root,
    count: count[at],
    notAfter: notAfter[at],
    block: block[at],
    key: key[at],
    catalog: catalog[at] < 0 ? ZERO32 : catalogs[catalog[at]],
    countersignature: countersignatures.get(at) ?? ZERO32,
  }));
}

/**
 * The deterministic CBOR of a whole snapshot, whose SHA-256 is its digest (SPEC 17).
 * @param {Snapshot} snapshot
 */
export function encodeSnapshot({ checkpoint, accountProof, nodes, catalogs, issuers }) {
  const places = new Map([...catalogs.keys()].map((root, at) => [root, at]));
  return encodeCbor([
    SNAPSHOT_TYPE,
    checkpoint,
    accountProof,
    nodes,
    [...catalogs.values()].map(({ packed }) => packed),
    issuers.map(({ state: s, rows, statuses }) => [
      s.issuer,
      s.kind,
      s.nameDigest ?? s.name,
      ISSUER_STANDINGS.indexOf(s.standing) + 1,
      s.since,
      concatAll(s.keys.map(({ packed }) => packed)),
      s.catalogVersion,
      s.catalog,
      s.epoch,
      s.revision,
      encodeBatches(rows, places),
      encodeStatuses(statuses),
    ]),
  ]);
}

/**
 * Inverse of `decodeBatches`.
 * @param {BatchRow[]} rows @param {Map<string, number>} places of catalogs by root @returns {Cbor}
 */
function encodeBatches(rows, places) {
  /** @param {number[]} values */
  const differences = (values) => values.map((value, at) => value - (at ? values[at - 1] : 0));
  const countersigned = [...rows.entries()].filter(([, row]) => !equal(row.countersignature, ZERO32));
  return [
    concatAll(rows.map(({ root }) => root)),
    rows.map(({ count }) => count),
    differences(rows.map(({ notAfter }) => notAfter)),
    differences(rows.map(({ block }) => block)),
    rows.map(({ key }) => key),
    rows.map(({ catalog }) => places.get(hex(catalog)) ?? -1),
    new Map(countersigned.map(([at, row]) => [at, row.countersignature])),
  ];
}
