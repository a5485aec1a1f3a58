/** Base45 (RFC 9285). @module */

import { uint } from "../bytes.mjs";
import { refuse } from "../errors.mjs";

const BASE45 = new Map(
  Array.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", (letter, value) => [letter, value]),
);

/** @param {string} text @returns {Uint8Array} @throws {Refusal} `base45.invalid` */
export function fromBase45(text) {
  const values = Array.from(
    text,
    (letter) => BASE45.get(letter) ?? refuse("base45.invalid", "a character is not of base45"),
  );
  const bytes = new Uint8Array(Math.floor(values.length / 3) * 2 + (values.length % 3 ? 1 : 0));
  for (let at = 0, end = 0; at < values.length; at += 3) {
    const group = values.slice(at, at + 3);
    const number = group.reduceRight((sum, value) => sum * 45 + value, 0);
    const width = group.length - 1;
    if (!width || number >= 256 ** width) refuse("base45.invalid", "a group of base45 is out of range");
    bytes.set(uint(number, width), end);
    end += width;
  }
  return bytes;
}
