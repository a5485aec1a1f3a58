/** Trust snapshots: reading and writing (SPEC 17). @module */

import { ZERO32, chunks, compareBytes, equal, hex, join } from "../bytes.mjs";
import { refuse } from "../errors.mjs";
import { parseCanonical } from "./canonical_json.mjs";
import { MOST_ENTRIES, catalogRoot, compareEntries, readEntry } from "./catalog.mjs";
import { BYTES, CborReader, cborEncode } from "./cbor.mjs";
import { GREATEST_BLOCK, LONGEST_NOTE, parseNote } from "./checkpoint.mjs";
import { KEY_SIZE, KINDS, MOST_KEYS, NO_END, STANDINGS, batchLeaf, readKey } from "./issuer_state.mjs";
import { characters } from "./members.mjs";
import { peaksOf, treeRoot } from "./merkle.mjs";
import { ISSUER, MOST_CERTIFICATES, checkRegion } from "./record.mjs";
import { LONGEST_NODE, MOST_NODES } from "./state_proof.mjs";
import { batchDigest } from "./statements.mjs";
import { CELLS, STATUSES, statusIn, statusTreeRoot } from "./status_tree.mjs";
import { GREATEST_TIME } from "./time.mjs";
/** @import { Entry } from "./catalog.mjs" */
/** @import { Cbor } from "./cbor.mjs" */
/** @import { Note } from "./checkpoint.mjs" */
/** @import { BodyState } from "./issuer_state.mjs" */
/** @import { Statement } from "./statements.mjs" */

export const SNAPSHOT_TYPE = "certledger/snapshot/1";
const UINT32 = 2 ** 32 - 1;
/** Bodies, catalogs and nodes: as many as the roll counts. */
export const MAX_LISTED = UINT32;

const MAX_BATCH = 65536;
const MAX_ENTRY_BYTES = 65536;
const MAX_NAME = 128;
/** Bytes of a difference below 2^32. */
const MAX_GAP = 5;

/** @param {unknown} held @param {string} what */
export function needSnapshot(held, what) {
  if (!held) refuse("snapshot.invalid", `${what} has another shape`);
}

/** @typedef {{root: Uint8Array, entries: Entry[] | null, packed: Uint8Array[] | Uint8Array}} Catalog without entries where whoever made the snapshot did not have them */

/** @typedef {{root: Uint8Array, count: number, notAfter: number, block: number, key: number, catalog: Uint8Array, countersignature: Uint8Array}} Row a batch */

/** @typedef {{state: BodyState, rows: Row[], statements: Statement[], words: Map<number, Uint8Array>}} HeldBody */

/**
 * @typedef {object} Snapshot
 * @property {Note} note
 * @property {string} checkpoint
 * @property {Uint8Array[]} accountProof
 * @property {Uint8Array[]} nodes
 * @property {Map<string, Catalog>} catalogs by root in hex, ascending
 * @property {HeldBody[]} bodies
 */

/**
 * A reader of the item of a snapshot or delta, behind its type.
 * @param {Uint8Array} unpacked @param {string} type @param {number} size
 */
export function openItem(unpacked, type, size) {
  const reader = new CborReader(unpacked, "snapshot.invalid", "snapshot.invalid");
  const found = reader.list(1, MAX_LISTED);
  if (reader.text(64) !== type) refuse("snapshot.version", `not ${type}`);
  reader.need(found === size, `a list of ${size}`);
  return reader;
}

/** @param {Uint8Array} unpacked @returns {Snapshot} well-formed; `checkSnapshot` proves it */
export function readSnapshot(unpacked) {
  const reader = openItem(unpacked, SNAPSHOT_TYPE, 6);
  const checkpoint = reader.text(4 * LONGEST_NOTE);
  const note = parseNote(checkpoint);
  const accountProof = reader.binaries(MOST_NODES, LONGEST_NODE);
  const nodes = reader.binaries(MAX_LISTED, LONGEST_NODE, true);
  const catalogs = unpackCatalogs(reader);
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const bodies = reader.parts(MAX_LISTED, () => unpackBody(reader, roots, identity, []));
  reader.done();
  return {
    note,
    checkpoint,
    accountProof,
    nodes,
    catalogs: new Map(catalogs.map((catalog) => [hex(catalog.root), catalog])),
    bodies,
  };
}

/** The list of catalogs, of ascending roots. @param {CborReader} reader @returns {Catalog[]} */
export function unpackCatalogs(reader) {
  let last = new Uint8Array(0);
  return reader.parts(MAX_LISTED, () => {
    const catalog = unpackCatalog(reader);
    reader.need(compareBytes(last, catalog.root) < 0, "a catalog of a root greater than the one before");
    last = catalog.root;
    return catalog;
  });
}

/** @param {CborReader} reader @returns {Catalog} */
function unpackCatalog(reader) {
  if (reader.kind() === BYTES) {
    const root = reader.binary(32, 32);
    return { root, entries: null, packed: root };
  }
  const packed = reader.binaries(MOST_ENTRIES, MAX_ENTRY_BYTES);
  needSnapshot(packed.length > 0, "a catalog");
  const entries = packed.map((entry) => readEntry(parseCanonical(entry, MAX_ENTRY_BYTES)));
  if (!entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1], entry) < 0)) {
    refuse("catalog.order", "entries do not ascend by category and version");
  }
  return { packed, entries, root: catalogRoot(entries.length, treeRoot(entries.map(({ leaf }) => leaf))) };
}

/**
 * @param {CborReader} reader @param {Uint8Array[]} roots of the catalogs @param {Uint8Array} identity
 * @param {Row[]} before batches in the snapshot built upon @returns {HeldBody}
 */
export function unpackBody(reader, roots, identity, before) {
  reader.list(12, 12);
  const issuer = reader.text(18);
  reader.need(ISSUER.test(issuer), "behind the code of a body");
  checkRegion(issuer);
  const kind = reader.integer(1, KINDS.length);
  const nameDigest = reader.kind() === BYTES ? reader.binary(32, 32) : null;
  const name = nameDigest ? hex(nameDigest) : reader.text(4 * MAX_NAME);
  reader.need(name && characters(name) <= MAX_NAME, `behind a name of 1 to ${MAX_NAME} characters`);
  const standing = STANDINGS[reader.integer(1, STANDINGS.length) - 1];
  const since = reader.integer(0, NO_END);
  const packed = reader.binary(KEY_SIZE, MOST_KEYS * KEY_SIZE);
  const keys = chunks(packed, KEY_SIZE).map(readKey);
  const catalogVersion = reader.integer(0, UINT32);
  const catalog = reader.binary(32, 32);
  const epoch = reader.integer();
  const revision = reader.integer(0, UINT32);
  const rows = [...before, ...unpackBatches(reader, roots, keys.length)];
  const issued = rows.reduce((sum, { count }) => sum + count, 0);
  reader.need(issued <= MOST_CERTIFICATES, `behind at most ${MOST_CERTIFICATES} certificates`);
  const words = unpackStatuses(reader, issued);
  const { statements, ...counted } = anchorAll(issuer, rows, identity);
  const state = {
    ...{ issuer, kind, name, nameDigest, standing, since, keys, catalogVersion, catalog, epoch, revision },
    ...counted,
    status: statusTreeRoot(words),
  };
  return { state, rows, statements, words };
}

/**
 * Statements, counters and peaks that follow from a body's batches.
 * @param {string} issuer @param {Row[]} rows @param {Uint8Array} identity
 */
function anchorAll(issuer, rows, identity) {
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
 * @param {CborReader} reader @param {Uint8Array[]} catalogs roots @param {number} keys how many the body has
 * @returns {Row[]}
 */
function unpackBatches(reader, catalogs, keys) {
  reader.list(7, 7);
  const joined = reader.binary(0, 32 * MOST_CERTIFICATES);
  reader.need(joined.length % 32 === 0, "behind roots of 32 bytes each");
  const roots = chunks(joined, 32);
  const summed = (greatest) => {
    let sum = 0;
    return reader.integers(roots.length, -greatest, greatest).map((difference) => (sum += difference));
  };
  const count = reader.integers(roots.length, 1, MAX_BATCH);
  const notAfter = summed(GREATEST_TIME);
  const block = summed(GREATEST_BLOCK);
  const key = reader.integers(roots.length, 0, keys - 1);
  const catalog = reader.integers(roots.length, -1, catalogs.length - 1);
  const extra = reader.byteMap(roots.length, 32);
  const within = (values, greatest) => values.every((value) => value >= 0 && value <= greatest);
  reader.need(within(notAfter, GREATEST_TIME), "batches whose last instants lie between 1970 and 9999");
  reader.need(within(block, GREATEST_BLOCK), `batches anchored in blocks from 0 to ${GREATEST_BLOCK}`);
  reader.need(
    [...extra.values()].every((value) => !equal(value, ZERO32)),
    "countersignatures that are not zero",
  );
  return roots.map((root, at) => ({
    root,
    count: count[at],
    notAfter: notAfter[at],
    block: block[at],
    key: key[at],
    catalog: catalog[at] < 0 ? ZERO32 : catalogs[catalog[at]],
    countersignature: extra.get(at) ?? ZERO32,
  }));
}

/**
 * The status words that are not zero.
 * @param {CborReader} reader @param {number} certificates of the body @returns {Map<number, Uint8Array>}
 */
function unpackStatuses(reader, certificates) {
  /** @type {Map<number, Uint8Array>} */ const words = new Map();
  reader.list(STATUSES.length - 1, STATUSES.length - 1);
  for (let status = 1; status < STATUSES.length; status += 1) {
    for (const index of unpackGaps(reader.binary(0, certificates * MAX_GAP), certificates)) {
      const position = Math.floor(index / CELLS);
      const word = words.get(position) ?? new Uint8Array(32);
      needSnapshot(statusIn(word, index) === STATUSES[0], "a certificate's status");
      const cell = index % CELLS;
      word[31 - Math.floor(cell / 4)] |= status << (2 * (cell % 4));
      words.set(position, word);
    }
  }
  return words;
}

/** @param {Uint8Array} packed LEB128 differences less one @param {number} below @returns {number[]} ascending */
function unpackGaps(packed, below) {
  const indexes = [];
  let [index, gap, scale] = [-1, 0, 1];
  for (const byte of packed) {
    gap += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 128;
      needSnapshot(scale <= 2 ** 35, "a difference");
      continue;
    }
    needSnapshot(byte || scale === 1, "a difference with a second spelling");
    index += gap + 1;
    needSnapshot(index < below, "a status beyond the certificates issued");
    indexes.push(index);
    [gap, scale] = [0, 1];
  }
  needSnapshot(scale === 1, "the last difference");
  return indexes;
}

/** The deterministic CBOR of a whole snapshot. @param {Snapshot} snapshot */
export function packSnapshot({ checkpoint, accountProof, nodes, catalogs, bodies }) {
  const places = new Map([...catalogs.keys()].map((root, at) => [root, at]));
  return cborEncode([
    SNAPSHOT_TYPE,
    checkpoint,
    accountProof,
    nodes,
    [...catalogs.values()].map(({ packed }) => packed),
    bodies.map(({ state: s, rows, words }) => [
      s.issuer,
      s.kind,
      s.nameDigest ?? s.name,
      STANDINGS.indexOf(s.standing) + 1,
      s.since,
      join(s.keys.map(({ packed }) => packed)),
      s.catalogVersion,
      s.catalog,
      s.epoch,
      s.revision,
      packBatches(rows, places),
      packStatuses(words),
    ]),
  ]);
}

/** @param {Row[]} rows @param {Map<string, number>} places of catalogs by root @returns {Cbor} */
function packBatches(rows, places) {
  const steps = (values) => values.map((value, at) => value - (at ? values[at - 1] : 0));
  const countersigned = [...rows.entries()].filter(([, row]) => !equal(row.countersignature, ZERO32));
  return [
    join(rows.map(({ root }) => root)),
    rows.map(({ count }) => count),
    steps(rows.map(({ notAfter }) => notAfter)),
    steps(rows.map(({ block }) => block)),
    rows.map(({ key }) => key),
    rows.map(({ catalog }) => places.get(hex(catalog)) ?? -1),
    new Map(countersigned.map(([at, row]) => [at, row.countersignature])),
  ];
}

/** @param {Map<number, Uint8Array>} words @returns {Cbor} */
function packStatuses(words) {
  /** @type {number[][]} */ const packed = STATUSES.slice(1).map(() => []);
  const last = packed.map(() => -1);
  for (const position of [...words.keys()].sort((left, right) => left - right)) {
    for (let index = position * CELLS; index < (position + 1) * CELLS; index += 1) {
      const at = STATUSES.indexOf(statusIn(words.get(position) ?? ZERO32, index)) - 1;
      if (at < 0) continue;
      let gap = index - last[at] - 1;
      for (; gap > 0x7f; gap = Math.floor(gap / 128)) packed[at].push((gap % 128) | 0x80);
      packed[at].push(gap);
      last[at] = index;
    }
  }
  return packed.map((bytes) => Uint8Array.from(bytes));
}
