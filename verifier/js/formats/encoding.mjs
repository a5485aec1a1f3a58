/** Base64url, base64 and hexadecimal, each in its one canonical spelling (SPEC 1.2, RFC 4648). @module */

import { hexToBytes } from "../bytes.mjs";
import { fail } from "../errors.mjs";

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_DIGITS = new Map(Array.from(URL_ALPHABET, (letter, value) => [letter, value]));

/**
 * Bytes of unpadded base64url (RFC 4648 section 5), null unless it is the canonical spelling.
 * @param {string} text @returns {Uint8Array | null}
 */
export function tryDecodeBase64Url(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  // The low `count` bits of `bits` are not written yet.
  let bits = 0;
  let count = 0;
  let at = 0;
  for (const letter of text) {
    const digit = URL_DIGITS.get(letter);
    if (digit === undefined) return null;
    bits = ((bits << 6) | digit) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at] = (bits >> count) & 0xff;
      at += 1;
    }
  }
  // SPEC 1.2: unused bits are zero.
  return (bits & ((1 << count) - 1)) === 0 ? bytes : null;
}

/** Unpadded base64url (RFC 4648 section 5). @param {Uint8Array} bytes @returns {string} */
export function encodeBase64Url(bytes) {
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

/**
 * Bytes of padded base64 (RFC 4648 section 4), null unless it is the canonical spelling.
 * @param {string} text @returns {Uint8Array | null}
 */
export function tryDecodeBase64(text) {
  const digits = text.replace(/={1,2}$/, "");
  if (
    text.length % 4 ||
    /[-_=]/.test(digits) ||
    text.length - digits.length !== (4 - (digits.length % 4)) % 4
  ) {
    return null;
  }
  return tryDecodeBase64Url(digits.replaceAll("+", "-").replaceAll("/", "_"));
}

/**
 * Bytes of unpadded base64url.
 * @param {string} text @returns {Uint8Array}
 * @throws {CertledgerError} `base64.invalid`, `base64.not_canonical`
 */
export function decodeBase64Url(text) {
  const bytes = tryDecodeBase64Url(text);
  if (bytes) return bytes;
  const known = /^[A-Za-z0-9+/_-]+={0,2}$|^$/.test(text) && text.replaceAll("=", "").length % 4 !== 1;
  return known
    ? fail("base64.not_canonical", "base64url with padding, another alphabet or unused bits set")
    : fail("base64.invalid", "text that is not base64url");
}

/**
 * Bytes of lower-case hexadecimal.
 * @param {string} text @param {number} size in bytes @returns {Uint8Array}
 * @throws {CertledgerError} `hex.invalid`
 */
export function decodeHex(text, size) {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
    fail("hex.invalid", `text that is not ${size} bytes in lower-case hexadecimal`);
  return hexToBytes(text);
}
