/** Signed trust policies, and which may follow which (SPEC 15). @module */

import { concat, hex, utf8 } from "../bytes.mjs";
import { checkEd25519 } from "../crypto/ed25519.mjs";
import { refuse } from "../errors.mjs";
import { canonicalBytes, parseCanonical } from "./canonical_json.mjs";
import { Members, checkAscending } from "./members.mjs";
import { hexMember, readPolicy } from "./policy.mjs";

const LONGEST_POLICY = 65536;
/** @typedef {ReturnType<typeof readPolicy> & {signers: Set<string>}} Policy */

/**
 * The policy of a file, once its signatures reach the threshold of its own roots.
 * @param {Uint8Array} bytes @returns {Policy}
 * @throws {Refusal} `json.*`, `schema.*` and others of form; `policy.unsigned`
 */
export function parsePolicy(bytes) {
  const read = new Members(parseCanonical(bytes, LONGEST_POLICY), "file");
  const value = read.take("policy");
  const policy = readPolicy(value);
  const signatures = read.parts("signatures", 0, 128, (inner) => ({
    key: hexMember(inner, "key", 32),
    signature: hexMember(inner, "signature", 64),
  }));
  read.done();
  checkAscending(
    "file.signatures",
    signatures.map(({ key }) => hex(key)),
  );
  const message = concat(utf8("certledger/policy/1\n"), canonicalBytes(value));
  for (const { key, signature } of signatures) {
    if (!checkEd25519(key, message, signature))
      refuse("policy.unsigned", "a signature of the policy does not verify");
  }
  const signed = { ...policy, signers: new Set(signatures.map(({ key }) => hex(key))), bytes };
  checkThreshold(signed, policy.roots);
  return signed;
}

/** @param {Policy} policy @param {Policy["roots"]} roots */
function checkThreshold(policy, roots) {
  const count = roots.keys.filter((key) => policy.signers.has(key)).length;
  if (count < roots.threshold)
    refuse("policy.unsigned", `${count} of the root keys have signed where ${roots.threshold} must`);
}

/**
 * Checks that `next` may take the place of `held`; the same policy may again.
 * @param {Policy} held @param {Policy} next @throws {Refusal} `policy.older`, `policy.unsigned`
 */
function checkSuccession(held, next) {
  if (next.version < held.version)
    refuse("policy.older", `version ${next.version} would replace ${held.version}`);
  if (next.version > held.version) checkThreshold(next, held.roots);
  else if (next.text !== held.text) refuse("policy.older", `another policy has version ${held.version} too`);
}

/**
 * The policies of a chain, oldest first, that are newer than the one held, each checked to follow the one before.
 * A chain may begin before the policy held, and may not end before it.
 * @param {Policy | null} held @param {Policy[]} chain @returns {Policy[]}
 * @throws {Refusal} `policy.older`, `policy.unsigned`
 */
export function findSuccessors(held, chain) {
  chain.slice(1).forEach((next, at) => checkSuccession(chain[at], next));
  const version = held?.version ?? 0;
  if (held && chain.length)
    checkSuccession(held, chain.find((one) => one.version >= version) ?? chain[chain.length - 1]);
  const newer = chain.filter((one) => one.version > version);
  return newer.filter((one, at) => at === 0 || one.version > newer[at - 1].version);
}
