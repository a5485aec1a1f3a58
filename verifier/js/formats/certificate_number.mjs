/** Certificate numbers and access codes as people type them, and what they look up (SPEC 4.1, 4.2, 4.7). @module */

import { fail } from "../errors.mjs";
import { countCharacters } from "./object_reader.mjs";
import { NUMBER_FIELD, disclosureDigest, formatDisclosure } from "./record.mjs";

const MAX_NUMBER_CHARACTERS = 64;
const INVISIBLE = /[\u00ad\u061c\u180e\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u206f]/g;
const DASHES = /[\u2010-\u2015\u2043\u2212\ufe58]/g;
/** White space of SPEC 4.1; `\s` of JavaScript has others. */
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const ACCESS_CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;

/** Text without white space. @param {string} text @returns {string} */
const dropWhiteSpace = (text) =>
  Array.from(text)
    .filter((letter) => !WHITE_SPACE.test(letter))
    .join("");

/** Text without white space at both ends. @param {string} text @returns {string} */
export function trimWhiteSpace(text) {
  let [begin, end] = [0, text.length];
  while (begin < end && WHITE_SPACE.test(text[begin])) begin += 1;
  while (end > begin && WHITE_SPACE.test(text[end - 1])) end -= 1;
  return text.slice(begin, end);
}

/**
 * Normal form of a certificate number (SPEC 4.1).
 * @param {string} typed @returns {string} @throws {CertledgerError} `number.invalid`
 */
export function normalNumber(typed) {
  const plain = typed.normalize("NFKC").replace(INVISIBLE, "").replace(DASHES, "-");
  const brackets = plain.replace(/[[【]/g, "〔").replace(/[\]】]/g, "〕");
  // A year in round brackets, which a keyboard has and hexagonal ones it has not.
  const number = dropWhiteSpace(brackets.toUpperCase())
    .normalize("NFKC")
    .replace(/\(([0-9]{4})\)/g, "〔$1〕");
  const size = countCharacters(number);
  if (!size || size > MAX_NUMBER_CHARACTERS)
    fail("number.invalid", `a number has 1 to ${MAX_NUMBER_CHARACTERS} characters`);
  return number;
}

/**
 * Normal form of an access code (SPEC 4.2).
 * @param {string} typed @returns {string} 16 characters @throws {CertledgerError} `access_code.invalid`
 */
export function normalAccessCode(typed) {
  const plain = dropWhiteSpace(typed.normalize("NFKC").replace(INVISIBLE, "").replace(DASHES, "-"));
  const code = plain.toUpperCase().replaceAll("-", "").replaceAll("O", "0").replace(/[IL]/g, "1");
  // `toUpperCase` maps some letters beyond ASCII into the alphabet: a dotless i to I.
  if (/[^\0-\x7f]/.test(plain) || !ACCESS_CODE.test(code))
    fail("access_code.invalid", "an access code has 16 characters of 0-9 and A-Z");
  return code;
}

/**
 * Digest by which a service finds a certificate (SPEC 4.7).
 * @param {string} number as typed @param {string} code as typed @returns {Uint8Array} 32 bytes
 * @throws {CertledgerError} `number.invalid`, `access_code.invalid`
 */
export const lookupDigest = (number, code) =>
  disclosureDigest(formatDisclosure(normalAccessCode(code), NUMBER_FIELD, normalNumber(number)));
