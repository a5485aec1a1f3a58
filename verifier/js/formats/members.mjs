/** Members of a JSON object, each read once by type and range; what is left over is refused (SPEC 2). @module */

import { chunks } from "../bytes.mjs";
import { refuse } from "../errors.mjs";
import { base64Url } from "./encoding.mjs";
import { parseDay } from "./time.mjs";
/** @import { Json } from "./canonical_json.mjs" */

/** Number of code points. @param {string} text */
export const characters = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

export class Members {
  /** @param {Json} value @param {string} where */
  constructor(value, where) {
    if (typeof value !== "object" || Array.isArray(value))
      refuse("schema.invalid", `${where} is not an object`);
    this.left = new Map(Object.entries(value));
    this.where = where;
  }

  /** @param {string} name @param {string} want @returns {never} */
  refuse(name, want) {
    return refuse("schema.invalid", `${this.where}.${name} is not ${want}`);
  }

  /** @param {string} name */
  has(name) {
    return this.left.has(name);
  }

  /** @param {string} name @returns {Json} */
  take(name) {
    const value = this.left.get(name);
    if (value === undefined) return refuse("schema.invalid", `${this.where}.${name} is missing`);
    this.left.delete(name);
    return value;
  }

  /** @param {string} name @param {string} want */
  constant(name, want) {
    if (this.take(name) !== want) refuse("schema.version", `${this.where}.${name} is not ${want}`);
  }

  /** Text of any length, which another check judges. @param {string} name @returns {string} */
  string(name) {
    const value = this.take(name);
    return typeof value === "string" ? value : this.refuse(name, "text");
  }

  /**
   * Text of 1 to `longest` characters.
   * @param {string} name @param {RegExp | null} pattern @param {number} longest
   */
  text(name, pattern = null, longest = 512) {
    const value = this.take(name);
    if (
      typeof value !== "string" ||
      !value ||
      characters(value) > longest ||
      (pattern && !pattern.test(value))
    ) {
      return this.refuse(name, "text of the kind asked for");
    }
    return value;
  }

  /** One of some words. @param {string} name @param {string[]} words */
  word(name, words) {
    const value = this.take(name);
    return typeof value === "string" && words.includes(value) ? value : this.refuse(name, `one of ${words}`);
  }

  /** @param {string} name @param {number} least @param {number} greatest */
  integer(name, least = 0, greatest = Number.MAX_SAFE_INTEGER) {
    const value = this.take(name);
    if (typeof value !== "number" || value < least || value > greatest) {
      return this.refuse(name, `an integer from ${least} to ${greatest}`);
    }
    return value;
  }

  /** @param {string} name */
  boolean(name) {
    const value = this.take(name);
    return typeof value === "boolean" ? value : this.refuse(name, "true or false");
  }

  /** @param {string} name @param {number | null} size */
  binary(name, size = null) {
    const value = this.take(name);
    const bytes = typeof value === "string" ? base64Url(value) : this.refuse(name, "base64url");
    return size === null || bytes.length === size ? bytes : this.refuse(name, `${size} bytes`);
  }

  /** @param {string} name @param {number} most */
  hashes(name, most = 32) {
    const bytes = this.binary(name);
    if (bytes.length % 32 || bytes.length > 32 * most) this.refuse(name, `at most ${most} hashes`);
    return chunks(bytes, 32);
  }

  /** @param {string} name @param {number} least @param {number} most */
  array(name, least, most) {
    const value = this.take(name);
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      return this.refuse(name, `a list of ${least} to ${most}`);
    }
    return value;
  }

  /** @param {string} name @param {number} least @param {number} most @returns {string[]} */
  texts(name, least, most) {
    const values = this.array(name, least, most);
    for (const value of values) if (typeof value !== "string") this.refuse(name, "a list of texts");
    return /** @type {string[]} */ (values);
  }

  /** @param {string} name */
  inner(name) {
    return new Members(this.take(name), `${this.where}.${name}`);
  }

  /**
   * Objects of a list, each read whole by `part`.
   * @template T @param {string} name @param {number} least @param {number} most @param {(read: Members) => T} part
   */
  parts(name, least, most, part) {
    return this.array(name, least, most).map((value, at) => {
      const inner = new Members(value, `${name}[${at}]`);
      const found = part(inner);
      inner.done();
      return found;
    });
  }

  /** A calendar day as days since 1970. @param {string} name */
  day(name) {
    const value = this.take(name);
    const number = typeof value === "string" ? parseDay(value) : null;
    return number === null ? this.refuse(name, "a day like 2026-11-24") : number;
  }

  done() {
    if (this.left.size)
      refuse("schema.invalid", `${this.where} has unknown members: ${[...this.left.keys()].slice(0, 3)}`);
  }
}

/** @param {string} where @param {string[]} values strictly ascending, or refused */
export function checkAscending(where, values) {
  if (values.some((value, at) => at > 0 && value <= values[at - 1])) {
    refuse("schema.invalid", `${where} do not strictly ascend`);
  }
}

/** @param {string} what @param {string[]} values all different, or refused */
export function checkDistinct(what, values) {
  if (new Set(values).size !== values.length) refuse("schema.invalid", `two ${what} are the same`);
}
