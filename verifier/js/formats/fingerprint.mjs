/** Fingerprints of policies, for people to compare: hexadecimal, or proquint words (SPEC 15). @module */

import { concat, hex, utf8 } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";
import { POLICY_PREFIX } from "./signed_policy.mjs";
/** @import { Policy } from "./signed_policy.mjs" */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
/**
 * The letters of a word: where the bits of each lie in its 16, and which letters it may be.
 * @type {[number, string][]}
 */
const WORD_SHAPE = [
  [12, CONSONANTS],
  [10, VOWELS],
  [6, CONSONANTS],
  [4, VOWELS],
  [0, CONSONANTS],
];

const FINGERPRINT_WORDS = 8;
const MAX_FINGERPRINT_CHARACTERS = 200;

/**
 * The fingerprint of a policy in hexadecimal, and its first 16 bytes in words.
 * @param {Policy} policy @returns {{hex: string, words: string}}
 */
export function policyFingerprint(policy) {
  const digest = sha256(concat(utf8(POLICY_PREFIX), utf8(policy.text)));
  const words = [];
  for (let at = 0; at < 2 * FINGERPRINT_WORDS; at += 2) {
    const number = (digest[at] << 8) | digest[at + 1];
    const letters = WORD_SHAPE.map(([shift, choice]) => choice[(number >> shift) & (choice.length - 1)]);
    words.push(letters.join(""));
  }
  return { hex: hex(digest), words: words.join(" ") };
}

/**
 * Check a fingerprint that a person typed, in hexadecimal or in words, against a policy.
 * @param {Policy} policy @param {string} text
 * @throws {CertledgerError} `fingerprint.invalid`, `policy.fingerprint`
 */
export function checkFingerprint(policy, text) {
  const word = WORD_SHAPE.map(([, choice]) => `[${choice}]`).join("");
  const form = new RegExp(`^(?:[0-9a-f]{64}|(?:${word}){${FINGERPRINT_WORDS}})$`);
  const letters = text.replace(/[ \t\r\n:-]+/g, "").toLowerCase();
  // Some capitals of other alphabets have a lower case in ASCII (the Kelvin sign, the dotted I).
  const ascii = /^[\0-\x7f]*$/.test(text);
  if (!ascii || text.length > MAX_FINGERPRINT_CHARACTERS || !form.test(letters))
    fail("fingerprint.invalid", "neither 64 hex digits nor eight words");
  const found = policyFingerprint(policy);
  if (letters !== found.hex && letters !== found.words.replaceAll(" ", ""))
    fail("policy.fingerprint", `version ${policy.version} has the fingerprint ${found.words}`);
}
