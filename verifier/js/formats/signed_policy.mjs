/** Signed trust policies and their succession (SPEC 15). @module */

import { concat, hex, utf8 } from "../bytes.mjs";
import { verifyEd25519 } from "../crypto/ed25519.mjs";
import { fail } from "../errors.mjs";
import { canonicalBytes, parseCanonical } from "./canonical_json.mjs";
import { ObjectReader, checkAscending } from "./object_reader.mjs";
import { readHex, readPolicy } from "./policy.mjs";

const MAX_POLICY_BYTES = 65536;
const MAX_SIGNATURES = 128;
/** What root keys sign is this and the canonical policy. */
export const POLICY_PREFIX = "certledger/policy/1\n";

/**
 * @typedef {ReturnType<typeof readPolicy> & {signers: Set<string>}} Policy `signers`: keys in hex whose
 *   signatures verify
 */

/**
 * Parse a signed policy, and verify that its signatures reach the threshold of its own roots.
 * @param {Uint8Array} bytes @returns {Policy}
 * @throws {CertledgerError} `json.*`, `schema.*` and others of form; `policy.unsigned`
 */
export function parsePolicy(bytes) {
  const read = new ObjectReader(parseCanonical(bytes, MAX_POLICY_BYTES), "file");
  const value = read.require("policy");
  const policy = readPolicy(value);
  const signatures = read.objects("signatures", 0, MAX_SIGNATURES, (inner) => ({
    key: readHex(inner, "key", 32),
    signature: readHex(inner, "signature", 64),
  }));
  read.finish();
  checkAscending(
    "file.signatures",
    signatures.map(({ key }) => hex(key)),
  );
  const message = concat(utf8(POLICY_PREFIX), canonicalBytes(value));
  for (const { key, signature } of signatures) {
    if (!verifyEd25519(key, message, signature))
      fail("policy.unsigned", `the signature by ${hex(key)} does not verify`);
  }
  const signed = { ...policy, signers: new Set(signatures.map(({ key }) => hex(key))) };
  checkThreshold(signed, policy.roots);
  return signed;
}

/**
 * Check that enough of some root keys have signed.
 * @param {Policy} policy @param {Policy["roots"]} roots @throws {CertledgerError} `policy.unsigned`
 */
function checkThreshold(policy, roots) {
  const count = roots.keys.filter((key) => policy.signers.has(key)).length;
  if (count < roots.threshold)
    fail(
      "policy.unsigned",
      `${count} of the root keys have signed, which is less than the threshold ${roots.threshold}`,
    );
}

/**
 * Check that a policy follows the current one, or is the same by its canonical bytes.
 * @param {Policy} current @param {Policy} next @throws {CertledgerError} `policy.older`, `policy.unsigned`
 */
function checkSuccession(current, next) {
  if (next.version < current.version)
    fail("policy.older", `version ${next.version} would replace ${current.version}`);
  if (next.version > current.version) checkThreshold(next, current.roots);
  else if (next.text !== current.text) fail("policy.older", `another policy has version ${current.version}`);
}

/**
 * The policies of a chain that are newer than the current one, each checked to follow the one before.
 *
 * A chain may begin before the current policy, but not end before it.
 * @param {Policy | null} current null before the first @param {Policy[]} chain oldest first
 * @returns {Policy[]}
 * @throws {CertledgerError} `policy.older`, `policy.unsigned`
 */
export function findSuccessors(current, chain) {
  chain.slice(1).forEach((next, at) => checkSuccession(chain[at], next));
  const version = current?.version ?? 0;
  if (current && chain.length)
    checkSuccession(current, chain.find((policy) => policy.version >= version) ?? chain[chain.length - 1]);
  const newer = chain.filter((policy) => policy.version > version);
  return newer.filter((policy, at) => at === 0 || policy.version > newer[at - 1].version);
}
