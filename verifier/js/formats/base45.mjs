/** Base45 (RFC 9285). @module */

import { uintToBytes } from "../bytes.mjs";
import { fail } from "../errors.mjs";

const BASE45_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE45_DIGITS = new Map(Array.from(BASE45_ALPHABET, (letter, value) => [letter, value]));

/**
 * Text of bytes: two bytes are three digits, the lowest first, and a last single byte is two.
 * @param {Uint8Array} bytes @returns {string}
 */
export function encodeBase45(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = bytes.subarray(at, at + 2);
    let number = pair.reduce((sum, byte) => sum * 256 + byte, 0);
    for (let digit = 0; digit <= pair.length; digit += 1) {
      text += BASE45_ALPHABET[number % 45];
      number = Math.floor(number / 45);
    }
  }
  return text;
}

/**
 * Bytes of base45 text.
 * @param {string} text @returns {Uint8Array} @throws {CertledgerError} `base45.invalid`
 */
export function decodeBase45(text) {
  const values = Array.from(
    text,
    (letter) => BASE45_DIGITS.get(letter) ?? fail("base45.invalid", `${letter} is not a character of base45`),
  );
  const bytes = new Uint8Array(Math.floor(values.length / 3) * 2 + (values.length % 3 ? 1 : 0));
  for (let at = 0, end = 0; at < values.length; at += 3) {
    const group = values.slice(at, at + 3);
    const number = group.reduceRight((sum, value) => sum * 45 + value, 0);
    const width = group.length - 1;
    if (!width || number >= 256 ** width)
      fail("base45.invalid", `the group at character ${at} of base45 is out of range`);
    bytes.set(uintToBytes(number, width), end);
    end += width;
  }
  return bytes;
}
