/** Canonical JSON: reading with bounds, writing (SPEC 2, after RFC 8785). @module */

import { STRICT_UTF8, equal, utf8 } from "../bytes.mjs";
import { refuse } from "../errors.mjs";

/** @typedef {any} Json text, a number, true or false, a list, or an object of such values */

const MAX_DEPTH = 8;
/** Where reading itself stops, so that no input exhausts the stack. */
const MOST_NESTED = 500;

/** Values and members of any text; a longer one has room for one more in each `BYTES_A_VALUE`. */
const MAX_FREE_VALUES = 4096;

const BYTES_A_VALUE = 8;
const MAX_MEMBERS = 4096;
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
/** Reads one JSON value, refusing numbers outside the subset and names twice in one object. */
class JsonReader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @returns {Json} */
  whole() {
    this.space();
    const value = this.value(1);
    this.space();
    if (this.at !== this.text.length) refuse("json.trailing", "bytes follow the value");
    return value;
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  /** @returns {never} */
  fault() {
    return refuse("json.syntax", `not JSON at character ${this.at}`);
  }

  /** @param {string} word */
  take(word) {
    if (!this.text.startsWith(word, this.at)) this.fault();
    this.at += word.length;
  }

  /** @param {number} depth of this value, were it an array or object @returns {Json} */
  value(depth) {
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        this.take("true");
        return true;
      case "f":
        this.take("false");
        return false;
      case "n":
        this.take("null");
        return null;
      default:
        return this.number();
    }
  }

  /** @returns {number} */
  number() {
    const pattern = /(-?)(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return this.fault();
    const [whole, minus, digits, fraction, exponent] = found;
    if (minus || fraction || exponent || !Number.isSafeInteger(Number(digits))) {
      refuse("json.number", "a number is not an integer from 0 to 2^53-1");
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
      if (letter === undefined || letter < " ") this.fault();
      this.at += 1;
      if (letter === '"') return parts.join("");
      parts.push(letter === "\\" ? this.escape() : letter);
    }
  }

  /** @returns {string} */
  escape() {
    const letter = this.text[this.at] ?? "";
    this.at += 1;
    if (letter !== "u") return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : this.fault();
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fault();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** @param {number} depth */
  open(depth) {
    if (depth > MOST_NESTED) refuse("json.depth", "nested far too deeply");
    this.at += 1;
    this.space();
  }

  /** After a member or element: true if another follows. @param {string} close */
  more(close) {
    this.space();
    const letter = this.text[this.at];
    if (letter !== "," && letter !== close) this.fault();
    this.at += 1;
    this.space();
    return letter === ",";
  }

  /** @param {number} depth @returns {Json[]} */
  array(depth) {
    this.open(depth);
    const values = [];
    if (this.text[this.at] === "]") {
      this.at += 1;
      return values;
    }
    do values.push(this.value(depth + 1));
    while (this.more("]"));
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
      if (this.text[this.at] !== '"') this.fault();
      const name = this.string();
      if (Object.hasOwn(members, name)) refuse("json.duplicate_name", `member ${name} stands twice`);
      this.space();
      this.take(":");
      this.space();
      members[name] = this.value(depth + 1);
    } while (this.more("}"));
    if (count > MAX_MEMBERS) refuse("json.size", `${count} members are more than ${MAX_MEMBERS}`);
    return members;
  }
}

/**
 * Refuses what would exhaust the stack or take much more memory than it has bytes, before values are built.
 * @param {Uint8Array} bytes
 */
function checkShape(bytes) {
  let [count, depth, inside] = [0, 0, false];
  for (let at = 0; at < bytes.length; at += 1) {
    const letter = bytes[at];
    if (letter === 0x5c) at += 1;
    else if (letter === 0x22) inside = !inside;
    else if (inside) continue;
    else if (letter === 0x2c) count += 1;
    else if (letter === 0x5b || letter === 0x7b) [count, depth] = [count + 1, depth + 1];
    else if (letter === 0x5d || letter === 0x7d) depth -= 1;
    if (depth > MOST_NESTED) refuse("json.depth", "nested far too deeply");
  }
  const room = MAX_FREE_VALUES + Math.floor(bytes.length / BYTES_A_VALUE);
  if (count > room) refuse("json.size", `more than ${room} values`);
}

/**
 * Refuses what JSON can say and the subset cannot.
 * @param {Json | null} value @param {number} depth @returns {void}
 */
function checkValue(value, depth = 0) {
  if (value === null) refuse("json.null", "null has no place here");
  if (typeof value === "string" && /\p{Surrogate}/u.test(value))
    refuse("json.surrogate", "a surrogate stands alone");
  if (typeof value !== "object") return;
  if (!Array.isArray(value) && !Object.keys(value).every((name) => NAME.test(name))) {
    refuse("json.name", "a member's name is outside the pattern");
  }
  if (depth === MAX_DEPTH)
    refuse("json.depth", `more than ${MAX_DEPTH} arrays and objects inside each other`);
  for (const part of Object.values(value)) checkValue(part, depth + 1);
}

/** Canonical JSON text of a value. @param {Json} value @returns {string} */
export function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The canonical bytes that are hashed and signed. @param {Json} value @returns {Uint8Array} */
export const canonicalBytes = (value) => utf8(canonicalText(value));

/**
 * The value of canonical bytes.
 * @param {Uint8Array} bytes @param {number} limit greatest number of bytes @returns {Json}
 * @throws {Refusal} `json.*`
 */
export function parseCanonical(bytes, limit) {
  if (bytes.length > limit) refuse("json.size", `${bytes.length} bytes are more than ${limit}`);
  if (equal(bytes.subarray(0, 3), Uint8Array.of(0xef, 0xbb, 0xbf)))
    refuse("json.syntax", "a byte order mark");
  checkShape(bytes);
  let text;
  try {
    text = STRICT_UTF8.decode(bytes);
  } catch {
    return refuse("json.syntax", "the bytes are not UTF-8");
  }
  const value = new JsonReader(text).whole();
  checkValue(value);
  if (canonicalText(value) !== text) refuse("json.not_canonical", "the bytes are not the canonical ones");
  return value;
}
