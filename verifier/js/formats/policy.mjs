/** The members of a trust policy (SPEC 15). @module */

import { equal, hex } from "../bytes.mjs";
import { fail, valueOrNull } from "../errors.mjs";
import { MAX_BLOCK, MAX_UINT32 } from "../limits.mjs";
import { canonicalText } from "./canonical_json.mjs";
import { MAX_SIGNATURE_LINES, WITNESS_NAME_PATTERN, parseNote } from "./checkpoint.mjs";
import { decodeHex } from "./encoding.mjs";
import { ObjectReader, checkAscending, checkDistinct } from "./object_reader.mjs";
import { CATEGORY_PATTERN } from "./record.mjs";
import { parseTime } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { Policy } from "./signed_policy.mjs" */

/** Ways to trust a block. */
const TRUST_WAYS = ["node", "rpc", "witnesses"];
/** Characters of the name of a ledger or operator. */
const MAX_NAME_CHARACTERS = 128;

/** @typedef {ReturnType<typeof readLedger>} Ledger */

/** @typedef {ReturnType<typeof readWitness>} Witness */

/**
 * Read the policy of a signed file. Spans are in seconds; `from` and `until` are blocks, `confirmations` a number of
 * blocks.
 * @param {Json} value @throws {CertledgerError} `schema.*`, `hex.invalid`, `time.invalid`
 */
export function readPolicy(value) {
  const read = new ObjectReader(value, "policy");
  read.constant("type", "certledger/policy/1");
  const ages = read.object("max_age");
  const policy = {
    version: read.integer("version", 1),
    ends: readInstant(read, "ends"),
    roots: readRoots(read.object("roots")),
    ledgers: read.objects("ledgers", 1, 16, readLedger),
    trust: readTrust(read.object("trust")),
    witnesses: read.objects("witnesses", 0, 256, readWitness),
    blockLag: read.integer("block_lag", 0, MAX_UINT32),
    defaultAge: ages.integer("default", 0, MAX_UINT32),
    ages: readAges(ages),
    clockTolerance: read.integer("clock_tolerance", 0, MAX_UINT32),
    presentationAge: read.integer("presentation_age", 0, MAX_UINT32),
    evidence: readVersions(read),
    countersignature: read.boolean("countersignature"),
    text: canonicalText(value),
  };
  ages.finish();
  read.finish();
  checkDistinctParts(policy.ledgers, policy.witnesses);
  /** @param {Witness} witness */
  const isKnown = ({ ledger }) =>
    !ledger || policy.ledgers.some(({ identity }) => equal(identity, ledger));
  if (!policy.witnesses.every(isKnown)) {
    fail("schema.invalid", "a witness names a ledger that the policy has not");
  }
  const operators = new Set(policy.witnesses.map(({ operator }) => operator)).size;
  const { ways, threshold } = policy.trust;
  if (ways.includes("witnesses") && operators < threshold) {
    fail(
      "schema.invalid",
      `policy.trust.threshold is ${threshold}, but the policy has ${operators} operators`,
    );
  }
  return policy;
}

/**
 * Check that witnesses ascend by name, and that no two ledgers or witnesses share an identity, name or key.
 * @param {Ledger[]} ledgers @param {Witness[]} witnesses @throws {CertledgerError} `schema.invalid`
 */
function checkDistinctParts(ledgers, witnesses) {
  checkAscending(
    "policy.witnesses",
    witnesses.map(({ name }) => name),
  );
  checkDistinct(
    "identities of ledgers",
    ledgers.map(({ identity }) => hex(identity)),
  );
  checkDistinct(
    "names of ledgers",
    ledgers.map(({ name }) => name),
  );
  checkDistinct(
    "keys of witnesses",
    witnesses.map(({ key }) => hex(key)),
  );
}

/** Bytes in hexadecimal. @param {ObjectReader} read @param {string} name @param {number} size in bytes */
export const readHex = (read, name, size) => decodeHex(read.text(name), size);

/**
 * Bytes of an Ethereum address or hash, behind `0x`.
 * @param {ObjectReader} read @param {string} name @param {number} size
 */
function readPrefixedHex(read, name, size) {
  const text = read.text(name);
  return text.startsWith("0x") ? decodeHex(text.slice(2), size) : read.fail(name, "0x and lower-case hex");
}

/** An instant since 1970, in seconds. @param {ObjectReader} read @param {string} name */
function readInstant(read, name) {
  const seconds = parseTime(read.text(name));
  return seconds >= 0 ? seconds : read.fail(name, "a time since 1970");
}

/** Keys of the policy's parties, and how many of them sign its successor. @param {ObjectReader} read */
function readRoots(read) {
  const keys = read.texts("keys", 1, 64);
  keys.forEach((key) => decodeHex(key, 32));
  checkAscending("policy.roots.keys", keys);
  const roots = { keys, threshold: read.integer("threshold", 1, keys.length) };
  read.finish();
  return roots;
}

/** @param {ObjectReader} read */
function readLedger(read) {
  const identity = readPrefixedHex(read, "identity", 32);
  return {
    identity,
    name: read.text("name", null, MAX_NAME_CHARACTERS),
    chainId: read.integer("chain_id", 1),
    genesis: readPrefixedHex(read, "genesis", 32),
    address: readPrefixedHex(read, "address", 20),
    codeHash: readPrefixedHex(read, "code_hash", 32),
    deployment: readPrefixedHex(read, "deployment", 32),
    retired: read.has("retired") ? readRetired(read, identity) : null,
  };
}

/**
 * The last checkpoint of a retired ledger, for which the policy's signatures stand in place of cosignatures.
 * @param {ObjectReader} read @param {Uint8Array} identity of the ledger
 */
function readRetired(read, identity) {
  const text = read.text("retired");
  const note = valueOrNull(() => parseNote(text));
  if (note && !note.cosignatures.length && equal(note.checkpoint.identity, identity)) return note.checkpoint;
  return read.fail("retired", "a checkpoint of this ledger without cosignatures");
}

/** How blocks are trusted. @param {ObjectReader} read */
function readTrust(read) {
  const ways = read.texts("ways", 1, TRUST_WAYS.length);
  if (!ways.every((way) => TRUST_WAYS.includes(way))) read.fail("ways", `a list of ${TRUST_WAYS}`);
  checkAscending("policy.trust.ways", ways);
  const trust = {
    ways,
    threshold: read.integer("threshold", 1, MAX_SIGNATURE_LINES),
    confirmations: read.integer("confirmations", 0, MAX_UINT32),
  };
  read.finish();
  return trust;
}

/**
 * A witness, in service at the blocks `from` to `until` of `ledger`, null for every ledger.
 * @param {ObjectReader} read
 */
function readWitness(read) {
  const from = read.integer("from", 0, MAX_BLOCK);
  return {
    from,
    operator: read.text("operator", null, MAX_NAME_CHARACTERS),
    name: read.text("name", WITNESS_NAME_PATTERN),
    key: readHex(read, "key", 32),
    until: read.has("until") ? read.integer("until", from, MAX_BLOCK) : null,
    ledger: read.has("ledger") ? readPrefixedHex(read, "ledger", 32) : null,
  };
}

/**
 * Greatest age of a status by category, in seconds.
 * @param {ObjectReader} read @returns {Map<string, number>}
 */
function readAges(read) {
  const pairs = read.objects(
    "categories",
    0,
    1024,
    (inner) =>
      /** @type {[string, number]} */ ([
        inner.text("category", CATEGORY_PATTERN),
        inner.integer("seconds", 0, MAX_UINT32),
      ]),
  );
  checkAscending(
    "policy.max_age.categories",
    pairs.map(([category]) => category),
  );
  return new Map(pairs);
}

/** Versions of evidence, codes and snapshots that the policy accepts. @param {ObjectReader} read */
function readVersions(read) {
  const versions = read.texts("evidence", 1, 16);
  if (!versions.every((text) => /^certledger\/[a-z]+\/[1-9][0-9]{0,3}$/.test(text))) {
    read.fail("evidence", "a list of versions like certledger/evidence/1");
  }
  checkAscending("policy.evidence", versions);
  return versions;
}

/**
 * The policy's ledger of an identity, if it has one.
 * @param {Policy} policy @param {Uint8Array} identity @returns {Ledger | undefined}
 */
export const findLedger = (policy, identity) =>
  policy.ledgers.find((ledger) => equal(ledger.identity, identity));
