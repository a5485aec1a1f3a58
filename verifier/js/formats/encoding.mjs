/** Base64url, base64 and hexadecimal text, each in its one spelling (SPEC 1). @module */

import { unhex } from "../bytes.mjs";
import { refuse } from "../errors.mjs";

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_DIGITS = new Map(Array.from(URL_ALPHABET, (letter, value) => [letter, value]));
/** The bytes of unpadded base64url in its one spelling, or null. @param {string} text @returns {Uint8Array | null} */
export function fromBase64Url(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const digit = URL_DIGITS.get(letter);
    if (digit === undefined) return null;
    bits = ((bits << 6) | digit) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at] = (bits >> held) & 0xff;
      at += 1;
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : null;
}

/** @param {Uint8Array} bytes @returns {string} */
export function toBase64Url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const group = (a << 16) | (b << 8) | c;
    text += [18, 12, 6, 0]
      .slice(0, Math.min(3, bytes.length - at) + 1)
      .map((shift) => URL_ALPHABET[(group >> shift) & 63])
      .join("");
  }
  return text;
}

/** The bytes of padded base64 (RFC 4648, section 4) in its one spelling, or null. @param {string} text */
export function fromBase64(text) {
  const digits = text.replace(/={1,2}$/, "");
  if (
    text.length % 4 ||
    /[-_=]/.test(digits) ||
    text.length - digits.length !== (4 - (digits.length % 4)) % 4
  ) {
    return null;
  }
  return fromBase64Url(digits.replaceAll("+", "-").replaceAll("/", "_"));
}

/** @param {string} text @returns {Uint8Array} @throws {Refusal} `base64.invalid`, `base64.not_canonical` */
export function base64Url(text) {
  const bytes = fromBase64Url(text);
  if (bytes) return bytes;
  const known = /^[A-Za-z0-9+/_-]+={0,2}$|^$/.test(text) && text.replaceAll("=", "").length % 4 !== 1;
  return known
    ? refuse("base64.not_canonical", "bytes have a second spelling")
    : refuse("base64.invalid", "a text is not base64url");
}

/** @param {string} text @param {number} size @returns {Uint8Array} @throws {Refusal} `hex.invalid` */
export function strictHex(text, size) {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
    refuse("hex.invalid", `a text is not ${size} bytes in hex`);
  return unhex(text);
}
