/** Fingerprints of policies for people to compare (SPEC 15). @module */

import { concat, hex, utf8 } from "../bytes.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
/** @import { Policy } from "./signed_policy.mjs" */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
/** The shift of each letter of a word in its 16 bits, and the letters it can be. */
const WORD_SHAPE = [
  [12, CONSONANTS],
  [10, VOWELS],
  [6, CONSONANTS],
  [4, VOWELS],
  [0, CONSONANTS],
];

const FINGERPRINT_WORDS = 8;
const LONGEST_FINGERPRINT = 200;
/**
 * The fingerprint of a policy, for people to compare: in hex, and in words for its first 16 bytes.
 * @param {Policy} policy @returns {{hex: string, words: string}}
 */
export function policyFingerprint(policy) {
  const digest = sha256(concat(utf8("certledger/policy/1\n"), utf8(policy.text)));
  const words = [];
  for (let at = 0; at < 2 * FINGERPRINT_WORDS; at += 2) {
    const number = (digest[at] << 8) | digest[at + 1];
    const letters = WORD_SHAPE.map(([shift, from]) => from[(number >> shift) & (from.length - 1)]);
    words.push(letters.join(""));
  }
  return { hex: hex(digest), words: words.join(" ") };
}

/**
 * Checks that a person's spelling of a fingerprint, in hex or in words, is that of a policy.
 * @param {Policy} policy @param {string} text @throws {Refusal} `fingerprint.invalid`, `policy.fingerprint`
 */
export function checkFingerprint(policy, text) {
  const word = WORD_SHAPE.map(([, letters]) => `[${letters}]`).join("");
  const form = new RegExp(`^(?:[0-9a-f]{64}|(?:${word}){${FINGERPRINT_WORDS}})$`);
  const letters = text.replace(/[ \t\r\n:-]+/g, "").toLowerCase();
  // Of other alphabets some capitals become Latin small letters.
  const ascii = /^[\0-\x7f]*$/.test(text);
  if (!ascii || text.length > LONGEST_FINGERPRINT || !form.test(letters))
    refuse("fingerprint.invalid", "neither 64 hex digits nor eight words");
  const found = policyFingerprint(policy);
  if (letters !== found.hex && letters !== found.words.replaceAll(" ", ""))
    refuse("policy.fingerprint", `version ${policy.version} has the fingerprint ${found.words}`);
}
