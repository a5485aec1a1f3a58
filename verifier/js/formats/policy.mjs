/** The members of a trust policy (SPEC 15). @module */

import { equal, hex } from "../bytes.mjs";
import { Refusal, refuse } from "../errors.mjs";
import { canonicalText } from "./canonical_json.mjs";
import { GREATEST_BLOCK, MAX_SIGNATURE_LINES, WITNESS_NAME, parseNote } from "./checkpoint.mjs";
import { strictHex } from "./encoding.mjs";
import { Members, checkAscending, checkDistinct } from "./members.mjs";
import { CATEGORY } from "./record.mjs";
import { parseTime } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */
/** @import { Policy } from "./signed_policy.mjs" */

const GREATEST_SPAN = 2 ** 32 - 1;
const WAYS = ["node", "rpc", "witnesses"];
/** @typedef {ReturnType<typeof readLedger>} Ledger */

/** @typedef {ReturnType<typeof readWitness>} Witness */

/** @param {Json} value */
export function readPolicy(value) {
  const read = new Members(value, "policy");
  read.constant("type", "certledger/policy/1");
  const ages = read.inner("max_age");
  const policy = {
    version: read.integer("version", 1),
    ends: readInstant(read, "ends"),
    roots: readRoots(read.inner("roots")),
    ledgers: read.parts("ledgers", 1, 16, readLedger),
    trust: readTrust(read.inner("trust")),
    witnesses: read.parts("witnesses", 0, 256, readWitness),
    blockLag: read.integer("block_lag", 0, GREATEST_SPAN),
    defaultAge: ages.integer("default", 0, GREATEST_SPAN),
    ages: readAges(ages),
    clockTolerance: read.integer("clock_tolerance", 0, GREATEST_SPAN),
    presentationAge: read.integer("presentation_age", 0, GREATEST_SPAN),
    evidence: readVersions(read),
    countersignature: read.boolean("countersignature"),
    text: canonicalText(value),
  };
  ages.done();
  read.done();
  checkDistinctParts(policy.ledgers, policy.witnesses);
  const operators = new Set(policy.witnesses.map(({ operator }) => operator)).size;
  const { ways, threshold } = policy.trust;
  if (ways.includes("witnesses") && operators < threshold) {
    refuse("schema.invalid", `${threshold} operators must witness where the policy has ${operators}`);
  }
  return policy;
}

/**
 * Checks that witnesses ascend by name, and that no two ledgers or witnesses have the same identity, name or key.
 * @param {Ledger[]} ledgers @param {Witness[]} witnesses @throws {Refusal} `schema.invalid`
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

/** @param {Members} read @param {string} name @param {number} size */
export const hexMember = (read, name, size) => strictHex(read.text(name), size);

/** Bytes of an Ethereum address or hash. @param {Members} read @param {string} name @param {number} size */
function prefixedMember(read, name, size) {
  const text = read.text(name);
  return text.startsWith("0x") ? strictHex(text.slice(2), size) : read.refuse(name, "0x and lower-case hex");
}

/** @param {Members} read @param {string} name */
function readInstant(read, name) {
  const seconds = parseTime(read.text(name));
  return seconds >= 0 ? seconds : read.refuse(name, "a time since 1970");
}

/** @param {Members} read */
function readRoots(read) {
  const keys = read.texts("keys", 1, 64);
  keys.forEach((key) => strictHex(key, 32));
  checkAscending("policy.roots.keys", keys);
  const roots = { keys, threshold: read.integer("threshold", 1, keys.length) };
  read.done();
  return roots;
}

/** @param {Members} read */
function readLedger(read) {
  const identity = prefixedMember(read, "identity", 32);
  return {
    identity,
    name: read.text("name", null, 128),
    chainId: read.integer("chain_id", 1),
    genesis: prefixedMember(read, "genesis", 32),
    address: prefixedMember(read, "address", 20),
    codeHash: prefixedMember(read, "code_hash", 32),
    deployment: prefixedMember(read, "deployment", 32),
    retired: read.has("retired") ? readRetired(read, identity) : null,
  };
}

/**
 * The last checkpoint of a retired ledger: the policy's signatures vouch for it.
 * @param {Members} read @param {Uint8Array} identity
 */
function readRetired(read, identity) {
  const text = read.text("retired");
  try {
    const { checkpoint, cosignatures } = parseNote(text);
    if (!cosignatures.length && equal(checkpoint.identity, identity)) return checkpoint;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return read.refuse("retired", "a checkpoint of this ledger without cosignatures");
}

/** @param {Members} read */
function readTrust(read) {
  const ways = read.texts("ways", 1, WAYS.length);
  if (!ways.every((way) => WAYS.includes(way))) read.refuse("ways", `a list of ${WAYS}`);
  checkAscending("policy.trust.ways", ways);
  const trust = {
    ways,
    threshold: read.integer("threshold", 1, MAX_SIGNATURE_LINES),
    confirmations: read.integer("confirmations", 0, GREATEST_SPAN),
  };
  read.done();
  return trust;
}

/** @param {Members} read */
function readWitness(read) {
  const from = read.integer("from", 0, GREATEST_BLOCK);
  return {
    from,
    operator: read.text("operator", null, 128),
    name: read.text("name", WITNESS_NAME),
    key: hexMember(read, "key", 32),
    until: read.has("until") ? read.integer("until", from, GREATEST_BLOCK) : GREATEST_BLOCK,
  };
}

/** @param {Members} read @returns {Map<string, number>} */
function readAges(read) {
  const pairs = read.parts(
    "categories",
    0,
    1024,
    (inner) =>
      /** @type {[string, number]} */ ([
        inner.text("category", CATEGORY),
        inner.integer("seconds", 0, GREATEST_SPAN),
      ]),
  );
  checkAscending(
    "policy.max_age.categories",
    pairs.map(([category]) => category),
  );
  return new Map(pairs);
}

/** @param {Members} read */
function readVersions(read) {
  const versions = read.texts("evidence", 1, 16);
  if (!versions.every((text) => /^certledger\/[a-z]+\/[1-9][0-9]{0,3}$/.test(text))) {
    read.refuse("evidence", "a list of versions like certledger/evidence/1");
  }
  checkAscending("policy.evidence", versions);
  return versions;
}

/** @param {Policy} policy @param {Uint8Array} identity @returns {Ledger | undefined} */
export const ledgerOf = (policy, identity) =>
  policy.ledgers.find((ledger) => equal(ledger.identity, identity));
