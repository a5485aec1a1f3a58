/**
 * Typed reading of a JSON object: each member once, by type and range; members left over are refused (SPEC 2).
 *
 * Every check here fails with `schema.invalid` unless its comment says otherwise.
 * @module
 */

import { chunks } from "../bytes.mjs";
import { fail } from "../errors.mjs";
import { decodeBase64Url } from "./encoding.mjs";
import { parseDay } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Number of code points (SPEC 1.6); `length` counts UTF-16 units. @param {string} text */
export const countCharacters = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

/** Reader of one object. Call `finish` after the last member. */
export class ObjectReader {
  /** @param {Json} value @param {string} path of the object, for messages */
  constructor(value, path) {
    if (typeof value !== "object" || Array.isArray(value)) fail("schema.invalid", `${path} is not an object`);
    this.unread = new Map(Object.entries(value));
    this.path = path;
  }

  /** @param {string} name @param {string} expected @returns {never} */
  fail(name, expected) {
    return fail("schema.invalid", `${this.path}.${name} is not ${expected}`);
  }

  /** Whether an optional member is present. @param {string} name */
  has(name) {
    return this.unread.has(name);
  }

  /** A required member of any type. @param {string} name @returns {Json} */
  require(name) {
    const value = this.unread.get(name);
    if (value === undefined) return fail("schema.invalid", `${this.path}.${name} is missing`);
    this.unread.delete(name);
    return value;
  }

  /**
   * A member that has one value.
   * @param {string} name @param {string} expected @throws {CertledgerError} `schema.version`
   */
  constant(name, expected) {
    if (this.require(name) !== expected) fail("schema.version", `${this.path}.${name} is not ${expected}`);
  }

  /** Text of any length and content. @param {string} name @returns {string} */
  string(name) {
    const value = this.require(name);
    return typeof value === "string" ? value : this.fail(name, "text");
  }

  /**
   * Text of 1 to `max` characters that matches a pattern, if one is given.
   * @param {string} name @param {RegExp | null} pattern @param {number} max
   */
  text(name, pattern = null, max = 512) {
    const value = this.require(name);
    if (
      typeof value !== "string" ||
      !value ||
      countCharacters(value) > max ||
      (pattern && !pattern.test(value))
    ) {
      return this.fail(name, `text of 1 to ${max} characters${pattern ? ` like ${pattern.source}` : ""}`);
    }
    return value;
  }

  /** One of a list of words. @param {string} name @param {string[]} words */
  oneOf(name, words) {
    const value = this.require(name);
    return typeof value === "string" && words.includes(value) ? value : this.fail(name, `one of ${words}`);
  }

  /** An integer from `min` to `max`. @param {string} name @param {number} min @param {number} max */
  integer(name, min = 0, max = Number.MAX_SAFE_INTEGER) {
    const value = this.require(name);
    if (typeof value !== "number" || value < min || value > max) {
      return this.fail(name, `an integer from ${min} to ${max}`);
    }
    return value;
  }

  /** @param {string} name */
  boolean(name) {
    const value = this.require(name);
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }

  /**
   * Bytes in base64url.
   * @param {string} name @param {number | null} size in bytes, null for any
   * @throws {CertledgerError} `base64.*` too
   */
  binary(name, size = null) {
    const value = this.require(name);
    const bytes = typeof value === "string" ? decodeBase64Url(value) : this.fail(name, "base64url");
    return size === null || bytes.length === size ? bytes : this.fail(name, `${size} bytes`);
  }

  /**
   * A list of hashes (SPEC 1.2).
   * @param {string} name @param {number} max @throws {CertledgerError} `base64.*` too
   */
  hashes(name, max = 32) {
    const bytes = this.binary(name);
    if (bytes.length % 32 || bytes.length > 32 * max) this.fail(name, `at most ${max} hashes`);
    return chunks(bytes, 32);
  }

  /**
   * A list of `min` to `max` values of any type.
   * @param {string} name @param {number} min @param {number} max
   */
  array(name, min, max) {
    const value = this.require(name);
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return this.fail(name, `a list of ${min} to ${max}`);
    }
    return value;
  }

  /** A list of texts. @param {string} name @param {number} min @param {number} max @returns {string[]} */
  texts(name, min, max) {
    const values = this.array(name, min, max);
    for (const value of values) if (typeof value !== "string") this.fail(name, "a list of texts");
    return /** @type {string[]} */ (values);
  }

  /** A reader of a member that is an object. @param {string} name */
  object(name) {
    return new ObjectReader(this.require(name), `${this.path}.${name}`);
  }

  /**
   * A list of objects, each read by `readItem` and then finished.
   * @template T @param {string} name @param {number} min @param {number} max
   * @param {(read: ObjectReader) => T} readItem
   */
  objects(name, min, max, readItem) {
    return this.array(name, min, max).map((value, at) => {
      const reader = new ObjectReader(value, `${name}[${at}]`);
      const item = readItem(reader);
      reader.finish();
      return item;
    });
  }

  /** A calendar day, as days since 1970. @param {string} name */
  day(name) {
    const value = this.require(name);
    const number = typeof value === "string" ? parseDay(value) : null;
    return number === null ? this.fail(name, "a day like 2026-11-24") : number;
  }

  /** Check that no member is left over. */
  finish() {
    if (this.unread.size)
      fail("schema.invalid", `${this.path} has unknown members: ${[...this.unread.keys()].slice(0, 3)}`);
  }
}

/**
 * Check that values strictly ascend by code point.
 * @param {string} path for messages @param {string[]} values ASCII
 */
export function checkAscending(path, values) {
  if (values.some((value, at) => at > 0 && value <= values[at - 1])) {
    fail("schema.invalid", `${path} do not strictly ascend`);
  }
}

/** Check that no value occurs twice. @param {string} what for messages @param {string[]} values */
export function checkDistinct(what, values) {
  if (new Set(values).size !== values.length) fail("schema.invalid", `two ${what} are the same`);
}
