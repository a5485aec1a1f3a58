/**
 * Canonical JSON: a bounded parser and a formatter (SPEC 2, a subset of RFC 8785).
 *
 * `JSON.parse` cannot be used: of two members of one name it drops one, and it rounds numbers.
 * @module
 */

import { UTF8_DECODER, equal, utf8 } from "../bytes.mjs";
import { fail } from "../errors.mjs";

/**
 * @typedef {any} Json text, an integer from 0 to 2^53-1, true or false, a list, or an object of such values
 */

/** Arrays and objects inside each other (SPEC 2). */
const MAX_DEPTH = 8;
/** Depth at which the parser stops, so that no input exhausts the stack. */
const MAX_READ_DEPTH = 500;

/** Separators that any text may have; beyond them one for each `BYTES_PER_VALUE` of its length (SPEC 19). */
const MAX_FREE_VALUES = 4096;
const BYTES_PER_VALUE = 8;
/** Members of one object (SPEC 19). */
const MAX_MEMBERS = 4096;
const MEMBER_NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]*$/;
/** @type {{[letter: string]: string}} */
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Recursive-descent parser of JSON text that refuses numbers outside the subset and duplicate names. */
class JsonReader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** The value of the whole text. @returns {Json} */
  document() {
    this.space();
    const value = this.value(1);
    this.space();
    if (this.at !== this.text.length) fail("json.trailing", "bytes follow the value");
    return value;
  }

  /** Skip white space. */
  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  /** @returns {never} */
  syntaxError() {
    return fail("json.syntax", `not JSON at character ${this.at}`);
  }

  /** Consume a word that must come next. @param {string} word */
  expect(word) {
    if (!this.text.startsWith(word, this.at)) this.syntaxError();
    this.at += word.length;
  }

  /** @param {number} depth that this value has if it is an array or object @returns {Json} */
  value(depth) {
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        this.expect("true");
        return true;
      case "f":
        this.expect("false");
        return false;
      case "n":
        this.expect("null");
        return null;
      default:
        return this.number();
    }
  }

  /** @returns {number} @throws {CertledgerError} `json.number` */
  number() {
    const pattern = /(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return this.syntaxError();
    const [whole, minus, digits, fraction, exponent] = found;
    if (minus || fraction || exponent || !Number.isSafeInteger(Number(digits))) {
      fail("json.number", "a number is not an integer from 0 to 2^53-1");
    }
    this.at += whole.length;
    return Number(digits);
  }

  /** @returns {string} */
  string() {
    this.at += 1;
    const parts = [];
    for (;;) {
      const letter = this.text[this.at];
      if (letter === undefined || letter < " ") this.syntaxError();
      this.at += 1;
      if (letter === '"') return parts.join("");
      parts.push(letter === "\\" ? this.escape() : letter);
    }
  }

  /** @returns {string} */
  escape() {
    const letter = this.text[this.at] ?? "";
    this.at += 1;
    if (letter !== "u") return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : this.syntaxError();
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.syntaxError();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** Consume a bracket. @param {number} depth */
  open(depth) {
    if (depth > MAX_READ_DEPTH) fail("json.depth", "nested far too deeply");
    this.at += 1;
    this.space();
  }

  /** Consume a comma (true) or the closing bracket (false). @param {string} close */
  hasNext(close) {
    this.space();
    const letter = this.text[this.at];
    if (letter !== "," && letter !== close) this.syntaxError();
    this.at += 1;
    this.space();
    return letter === ",";
  }

  /** @param {number} depth @returns {Json[]} */
  array(depth) {
    this.open(depth);
    /** @type {Json[]} */ const values = [];
    if (this.text[this.at] === "]") {
      this.at += 1;
      return values;
    }
    do values.push(this.value(depth + 1));
    while (this.hasNext("]"));
    return values;
  }

  /** @param {number} depth @returns {{[name: string]: Json}} */
  object(depth) {
    this.open(depth);
    const members = Object.create(null);
    let count = 0;
    if (this.text[this.at] === "}") {
      this.at += 1;
      return members;
    }
    do {
      count += 1;
      if (this.text[this.at] !== '"') this.syntaxError();
      const name = this.string();
      if (Object.hasOwn(members, name)) fail("json.duplicate_name", `two members named ${name}`);
      this.space();
      this.expect(":");
      this.space();
      members[name] = this.value(depth + 1);
    } while (this.hasNext("}"));
    if (count > MAX_MEMBERS) fail("json.size", `${count} members are more than ${MAX_MEMBERS}`);
    return members;
  }
}

/**
 * Check depth and number of values before any value is built, so that memory stays linear in the input (SPEC 19).
 * @param {Uint8Array} bytes @throws {CertledgerError} `json.depth`, `json.size`
 */
function checkSize(bytes) {
  let [count, depth, inString] = [0, 0, false];
  for (let at = 0; at < bytes.length; at += 1) {
    const letter = bytes[at];
    if (letter === 0x5c)
      at += 1; // a backslash, and what it escapes
    else if (letter === 0x22) inString = !inString;
    else if (inString) continue;
    else if (letter === 0x2c) count += 1;
    else if (letter === 0x5b || letter === 0x7b) [count, depth] = [count + 1, depth + 1];
    else if (letter === 0x5d || letter === 0x7d) depth -= 1;
    if (depth > MAX_READ_DEPTH) fail("json.depth", "nested far too deeply");
  }
  const limit = MAX_FREE_VALUES + Math.floor(bytes.length / BYTES_PER_VALUE);
  if (count > limit) fail("json.size", `more than ${limit} values`);
}

/**
 * Check that a value of JSON is one of the subset.
 * @param {Json | null} value @param {number} depth arrays and objects around it @returns {void}
 * @throws {CertledgerError} `json.null`, `json.surrogate`, `json.name`, `json.depth`
 */
function checkValue(value, depth = 0) {
  if (value === null) fail("json.null", "null is not in the subset");
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) fail("json.surrogate", "a lone surrogate");
  if (typeof value !== "object") return;
  if (!Array.isArray(value) && !Object.keys(value).every((name) => MEMBER_NAME_PATTERN.test(name))) {
    fail("json.name", "a member's name is outside the pattern");
  }
  if (depth === MAX_DEPTH) fail("json.depth", `more than ${MAX_DEPTH} arrays and objects inside each other`);
  for (const part of Object.values(value)) checkValue(part, depth + 1);
}

/**
 * Canonical text of a value: members by name, no white space (RFC 8785).
 * @param {Json} value @returns {string}
 */
export function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/**
 * UTF-8 of the canonical text, which is what is hashed and signed.
 * @param {Json} value @returns {Uint8Array}
 */
export const canonicalBytes = (value) => utf8(canonicalText(value));

/**
 * Parse bytes that must be canonical.
 * @param {Uint8Array} bytes @param {number} limit greatest number of bytes @returns {Json}
 * @throws {CertledgerError} `json.*`
 */
export function parseCanonical(bytes, limit) {
  if (bytes.length > limit) fail("json.size", `${bytes.length} bytes are more than ${limit}`);
  if (equal(bytes.subarray(0, 3), Uint8Array.of(0xef, 0xbb, 0xbf))) fail("json.syntax", "a byte order mark");
  checkSize(bytes);
  let text;
  try {
    text = UTF8_DECODER.decode(bytes);
  } catch {
    return fail("json.syntax", "the bytes are not UTF-8");
  }
  const value = new JsonReader(text).document();
  checkValue(value);
  if (canonicalText(value) !== text)
    fail("json.not_canonical", "the bytes differ from their canonical re-encoding");
  return value;
}
