/** The short link that certificates print: number and access code in a URL's fragment (SPEC 4.9). @module */

import { fail } from "../errors.mjs";
import { normalAccessCode, normalNumber, trimWhiteSpace } from "./certificate_number.mjs";
import { countCharacters } from "./object_reader.mjs";

const MAX_LINK_CHARACTERS = 120;
/** Characters of a link as it is read: software on the way may have escaped each of them. */
const MAX_PASTED_CHARACTERS = 2048;
const ADDRESS = /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const LINK = /^(?:https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\/v)?#/i;

/** @typedef {{number: string | null, code: string}} ShortLink `number` is null where the reader must ask for it */

/**
 * Link to the page of a service; the number is left out where the link would be longer than 120 characters.
 * @param {string} address of the service, without a path @param {string | null} number normal form
 * @param {string} code normal form @returns {string} @throws {CertledgerError} `link.address`
 */
export function formatShortLink(address, number, code) {
  if (!ADDRESS.test(address)) fail("link.address", `${address} is no address like https://HOST`);
  const shortest = `${address}/v#${code}`;
  const whole = number === null ? shortest : `${address}/v#${escapeNumber(number)}.${code}`;
  const link = whole.length <= MAX_LINK_CHARACTERS ? whole : shortest;
  if (link.length > MAX_LINK_CHARACTERS) {
    fail(
      "link.address",
      `a link to ${address} has ${link.length} characters, at most ${MAX_LINK_CHARACTERS}`,
    );
  }
  return link;
}

/**
 * Read a link, or its fragment from `#` on, as scanners, mail and chat hand it over.
 * @param {string} text @returns {ShortLink}
 * @throws {CertledgerError} `link.invalid`, `number.invalid`, `access_code.invalid`
 */
export function parseShortLink(text) {
  const pasted = trimWhiteSpace(text);
  const begin = LINK.exec(pasted);
  if (!begin || countCharacters(pasted) > MAX_PASTED_CHARACTERS)
    return fail("link.invalid", "not a link like https://HOST/v#NUMBER.CODE");
  const fragment = undoPercent(pasted.slice(begin[0].length));
  const dot = fragment.lastIndexOf(".");
  const number = dot < 0 ? null : normalNumber(undoTilde(fragment.slice(0, dot)));
  return { number, code: normalAccessCode(fragment.slice(dot + 1)) };
}

/** `~` and four hexadecimal digits for each UTF-16 code unit that does not stand for itself. */
const escapeNumber = (number) =>
  number.replace(
    /[^0-9A-Z./_-]/g,
    (unit) => `~${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );

/** @param {string} text @returns {string} */
function undoPercent(text) {
  if (/%(?![0-9A-Fa-f]{2})/.test(text))
    fail("link.invalid", "a % in a link is not followed by two hexadecimal digits");
  checkCharacters(text);
  try {
    return decodeURIComponent(text);
  } catch {
    return fail("link.invalid", "the escapes of a link are no UTF-8");
  }
}

/** @param {string} text @returns {string} */
function undoTilde(text) {
  const plain = text.replace(/~([0-9A-Fa-f]{4})?/g, (_, unit) =>
    unit === undefined
      ? fail("link.invalid", "a ~ in a link is not followed by four hexadecimal digits")
      : String.fromCharCode(Number.parseInt(unit, 16)),
  );
  checkCharacters(plain);
  return plain;
}

/** Reject surrogates without their other half. @param {string} text */
function checkCharacters(text) {
  if (/\p{Surrogate}/u.test(text)) fail("link.invalid", "a link has a part of a character");
}
