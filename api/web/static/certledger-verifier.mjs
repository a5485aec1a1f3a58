// Made from the modules in verifier/js by `python -m certledger.verifier.js.bundle`. Do not edit.
/**
 * The certledger verifier as one module for browsers and Node: evidence in, a verdict out, no network.
 *
 * It follows docs/SPEC.md, whose sections the comments name. It has no secret and signs nothing, so its arithmetic
 * need not run in constant time.
 * @module
 */

// -------------------- errors.mjs

/** The error of input that breaks a rule of the specification. */

/**
 * Input that breaks a rule. `code` is one of SPEC 18.5 or of the sections it names; `message` is for people.
 */
class CertledgerError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "CertledgerError";
    this.code = code;
  }
}

/** Throw a `CertledgerError`. @param {string} code @param {string} message @returns {never} */
function fail(code, message) {
  throw new CertledgerError(code, message);
}

/**
 * Return what `compute` returns, or null where the input breaks a rule. Other errors are thrown on.
 * @template T @param {() => T} compute @returns {T | null}
 */
function valueOrNull(compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof CertledgerError) return null;
    throw error;
  }
}

// -------------------- bytes.mjs

/** Byte strings: concatenation, comparison, hexadecimal, big-endian integers (SPEC 1.1). */

const UTF8_ENCODER = new TextEncoder();
/** Throws a `TypeError` on bytes that are not UTF-8, and leaves a byte order mark where it is. */
const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 of a text. @param {string} text @returns {Uint8Array} */
const utf8 = (text) => UTF8_ENCODER.encode(text);

/**
 * Concatenation of a list, which may be longer than a list of arguments may be.
 * @param {Uint8Array[]} parts @returns {Uint8Array}
 */
function concatAll(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Concatenation of its arguments. @param {...Uint8Array} parts @returns {Uint8Array} */
const concat = (...parts) => concatAll(parts);

/** Whether two byte strings are the same. @param {Uint8Array} left @param {Uint8Array} right */
function equal(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/**
 * Lexicographic order of byte strings, for `sort`.
 * @param {Uint8Array} left @param {Uint8Array} right @returns {number} negative, zero or positive
 */
function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/** 32 zero bytes. @type {Uint8Array} */
const ZERO32 = new Uint8Array(32);

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. @param {Uint8Array} bytes @returns {string} */
function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** Bytes of hexadecimal text whose form was checked before. @param {string} text @returns {Uint8Array} */
function hexToBytes(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/**
 * Unsigned big-endian bytes of an integer.
 * @param {number} value 0 to 2^53-1 @param {number} width in bytes @returns {Uint8Array}
 */
function uintToBytes(value, width) {
  const bytes = new Uint8Array(width);
  for (let at = width - 1, rest = value; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Integer of unsigned big-endian bytes. @param {Uint8Array} bytes @returns {bigint} */
const bytesToBigInt = (bytes) => (bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n);

/**
 * Views of `size` bytes each; the last may be shorter.
 * @param {Uint8Array} bytes @param {number} size @returns {Uint8Array[]}
 */
function chunks(bytes, size) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}

// -------------------- formats/canonical_json.mjs

/**
 * Canonical JSON: a bounded parser and a formatter (SPEC 2, a subset of RFC 8785).
 *
 * `JSON.parse` cannot be used: of two members of one name it drops one, and it rounds numbers.
 */

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
function canonicalText(value) {
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
const canonicalBytes = (value) => utf8(canonicalText(value));

/**
 * Parse bytes that must be canonical.
 * @param {Uint8Array} bytes @param {number} limit greatest number of bytes @returns {Json}
 * @throws {CertledgerError} `json.*`
 */
function parseCanonical(bytes, limit) {
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

// -------------------- crypto/hashing.mjs

/**
 * Hash functions: SHA-256 and SHA-512 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), SM3 (GB/T 32905), Keccak-256.
 *
 * The browser's `crypto.subtle` has neither Keccak-256 nor SM3, and answers only asynchronously.
 */

/** The first `count` primes. @param {number} count @returns {number[]} */
function primes(count) {
  /** @type {number[]} */ const found = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    if (found.every((prime) => candidate % prime)) found.push(candidate);
  }
  return found;
}

/** Floor of the `degree`-th root of `value`, by bisection. @param {bigint} value @param {bigint} degree */
function floorRoot(value, degree) {
  let low = 0n;
  let high = 1n << 80n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= value) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * First 64 bits of the fraction of a prime's root (FIPS 180-4 section 4.2).
 * @param {number} prime @param {bigint} degree
 */
const rootBits = (prime, degree) => BigInt.asUintN(64, floorRoot(BigInt(prime) << (64n * degree), degree));

const SHA512_ROUNDS = primes(80).map((prime) => rootBits(prime, 3n));
const SHA512_START = primes(8).map((prime) => rootBits(prime, 2n));
const SHA256_ROUNDS = Int32Array.from(SHA512_ROUNDS.slice(0, 64), (bits) => Number(bits >> 32n));
const SHA256_START = SHA512_START.map((bits) => Number(bits >> 32n));

/**
 * Call `compress` with each block of the padded message (Merkle-Damgård construction).
 * @param {Uint8Array} data @param {number} size of a block, in bytes
 * @param {(view: DataView, at: number) => void} compress
 */
function forEachBlock(data, size, compress) {
  const whole = data.length - (data.length % size);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < whole; at += size) compress(view, at);
  const rest = data.subarray(whole);
  const tail = new Uint8Array(rest.length + 1 + size / 8 > size ? 2 * size : size);
  tail.set(rest);
  tail[rest.length] = 0x80;
  tail.set(uintToBytes(data.length * 8, 8), tail.length - 8);
  const last = new DataView(tail.buffer);
  for (let at = 0; at < tail.length; at += size) compress(last, at);
}

/** Big-endian bytes of 32-bit words. @param {Int32Array} words @returns {Uint8Array} */
function wordsToBytes(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setInt32(4 * at, word));
  return bytes;
}

/** Message schedule, allocated once: this is called for each 64 bytes of a document. */
const SHA256_WORDS = new Int32Array(64);

/** Compression function of SHA-256. @param {Int32Array} state @param {DataView} view @param {number} at */
function sha256Block(state, view, at) {
  const w = SHA256_WORDS;
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_ROUNDS[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** SHA-256 (FIPS 180-4). @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
function sha256(data) {
  const state = Int32Array.from(SHA256_START);
  forEachBlock(data, 64, (view, at) => sha256Block(state, view, at));
  return wordsToBytes(state);
}

/** HMAC-SHA-256 (RFC 2104). @param {Uint8Array} key @param {Uint8Array} message */
function hmacSha256(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad));
  return sha256(concat(outer, sha256(concat(inner, message))));
}

/** Compression function of SHA-512. @param {bigint[]} state @param {DataView} view @param {number} at */
function sha512Block(state, view, at) {
  /** @param {bigint} x @param {bigint} bits */
  const rotateRight = (x, bits) => (x >> bits) | BigInt.asUintN(64, x << (64n - bits));
  /** @type {bigint[]} */ const w = [];
  for (let i = 0; i < 16; i += 1) w.push(view.getBigUint64(at + 8 * i));
  for (let i = 16; i < 80; i += 1) {
    const s0 = rotateRight(w[i - 15], 1n) ^ rotateRight(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
    const s1 = rotateRight(w[i - 2], 19n) ^ rotateRight(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
    w.push(BigInt.asUintN(64, w[i - 16] + s0 + w[i - 7] + s1));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 80; i += 1) {
    const s1 = rotateRight(e, 14n) ^ rotateRight(e, 18n) ^ rotateRight(e, 41n);
    const one = h + s1 + ((e & f) ^ (~e & g)) + SHA512_ROUNDS[i] + w[i];
    const two =
      (rotateRight(a, 28n) ^ rotateRight(a, 34n) ^ rotateRight(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = BigInt.asUintN(64, d + one);
    d = c;
    c = b;
    b = a;
    a = BigInt.asUintN(64, one + two);
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = BigInt.asUintN(64, state[i] + word);
  });
}

/** SHA-512 (FIPS 180-4). @param {Uint8Array} data @returns {Uint8Array} 64 bytes */
function sha512(data) {
  const state = [...SHA512_START];
  forEachBlock(data, 128, (view, at) => sha512Block(state, view, at));
  return hexToBytes(state.map((word) => word.toString(16).padStart(16, "0")).join(""));
}

const SM3_START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

/** 32-bit rotation. @param {number} word @param {number} bits taken modulo 32 */
const rotateLeft = (word, bits) => (word << (bits & 31)) | (word >>> ((32 - bits) & 31));

/** Compression function of SM3. @param {Int32Array} state @param {DataView} view @param {number} at */
function sm3Block(state, view, at) {
  const w = new Int32Array(68);
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 68; i += 1) {
    const x = w[i - 16] ^ w[i - 9] ^ rotateLeft(w[i - 3], 15);
    w[i] = x ^ rotateLeft(x, 15) ^ rotateLeft(x, 23) ^ rotateLeft(w[i - 13], 7) ^ w[i - 6];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const early = i < 16;
    const one = rotateLeft((rotateLeft(a, 12) + e + rotateLeft(early ? 0x79cc4519 : 0x7a879d8a, i)) | 0, 7);
    const two = one ^ rotateLeft(a, 12);
    const ff = early ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = early ? e ^ f ^ g : (e & f) | (~e & g);
    const left = (ff + d + two + (w[i] ^ w[i + 4])) | 0;
    const right = (gg + h + one + w[i]) | 0;
    d = c;
    c = rotateLeft(b, 9);
    b = a;
    a = left;
    h = g;
    g = rotateLeft(f, 19);
    f = e;
    e = right ^ rotateLeft(right, 9) ^ rotateLeft(right, 17);
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] ^= word;
  });
}

/** SM3 (GB/T 32905). @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
function sm3(data) {
  const state = Int32Array.from(SM3_START);
  forEachBlock(data, 64, (view, at) => sm3Block(state, view, at));
  return wordsToBytes(state);
}

/**
 * Keccak-f[1600] (FIPS 202 section 3.2): halves of the round constants, and the steps of rho and pi. A step moves
 * the lane at `from` to `to`, rotated by `bits` after its halves changed places where the offset is over 32; no
 * offset but that of the first lane, which stays, is 0 or 32.
 */
const KECCAK = (() => {
  const [low, high] = [new Int32Array(24), new Int32Array(24)];
  let register = 1;
  for (let round = 0; round < 24; round += 1) {
    for (let j = 0; j < 7; j += 1) {
      const bit = (1 << j) - 1;
      if (register & 1) (bit < 32 ? low : high)[round] ^= 1 << (bit & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
  }
  const [from, to, bits] = [new Uint8Array(24), new Uint8Array(24), new Uint8Array(24)];
  for (let t = 0, x = 1, y = 0; t < 24; t += 1) {
    const offset = (((t + 1) * (t + 2)) / 2) % 64;
    // An odd place is the high half of its lane, with which a step then begins.
    from[t] = 2 * (x + 5 * y) + (offset > 32 ? 1 : 0);
    [x, y] = [y, (2 * x + 3 * y) % 5];
    to[t] = 2 * (x + 5 * y);
    bits[t] = offset % 32;
  }
  return { low, high, from, to, bits };
})();

const KECCAK_MOVED = new Int32Array(50);

/** Add a column's parity to its five lanes (theta). @param {Int32Array} s @param {number} x @param {number} l @param {number} h */
function mixColumn(s, x, l, h) {
  s[x] ^= l;
  s[x + 1] ^= h;
  s[x + 10] ^= l;
  s[x + 11] ^= h;
  s[x + 20] ^= l;
  s[x + 21] ^= h;
  s[x + 30] ^= l;
  s[x + 31] ^= h;
  s[x + 40] ^= l;
  s[x + 41] ^= h;
}

/** Theta of Keccak-f[1600]. @param {Int32Array} s */
function mixColumns(s) {
  const al = s[0] ^ s[10] ^ s[20] ^ s[30] ^ s[40];
  const ah = s[1] ^ s[11] ^ s[21] ^ s[31] ^ s[41];
  const bl = s[2] ^ s[12] ^ s[22] ^ s[32] ^ s[42];
  const bh = s[3] ^ s[13] ^ s[23] ^ s[33] ^ s[43];
  const cl = s[4] ^ s[14] ^ s[24] ^ s[34] ^ s[44];
  const ch = s[5] ^ s[15] ^ s[25] ^ s[35] ^ s[45];
  const dl = s[6] ^ s[16] ^ s[26] ^ s[36] ^ s[46];
  const dh = s[7] ^ s[17] ^ s[27] ^ s[37] ^ s[47];
  const el = s[8] ^ s[18] ^ s[28] ^ s[38] ^ s[48];
  const eh = s[9] ^ s[19] ^ s[29] ^ s[39] ^ s[49];
  mixColumn(s, 0, el ^ ((bl << 1) | (bh >>> 31)), eh ^ ((bh << 1) | (bl >>> 31)));
  mixColumn(s, 2, al ^ ((cl << 1) | (ch >>> 31)), ah ^ ((ch << 1) | (cl >>> 31)));
  mixColumn(s, 4, bl ^ ((dl << 1) | (dh >>> 31)), bh ^ ((dh << 1) | (dl >>> 31)));
  mixColumn(s, 6, cl ^ ((el << 1) | (eh >>> 31)), ch ^ ((eh << 1) | (el >>> 31)));
  mixColumn(s, 8, dl ^ ((al << 1) | (ah >>> 31)), dh ^ ((ah << 1) | (al >>> 31)));
}

/** Chi of one row of Keccak-f[1600]. @param {Int32Array} s @param {Int32Array} m @param {number} y */
function mixRow(s, m, y) {
  const [al, ah, bl, bh] = [m[y], m[y + 1], m[y + 2], m[y + 3]];
  const [cl, ch, dl, dh] = [m[y + 4], m[y + 5], m[y + 6], m[y + 7]];
  const [el, eh] = [m[y + 8], m[y + 9]];
  s[y] = al ^ (~bl & cl);
  s[y + 1] = ah ^ (~bh & ch);
  s[y + 2] = bl ^ (~cl & dl);
  s[y + 3] = bh ^ (~ch & dh);
  s[y + 4] = cl ^ (~dl & el);
  s[y + 5] = ch ^ (~dh & eh);
  s[y + 6] = dl ^ (~el & al);
  s[y + 7] = dh ^ (~eh & ah);
  s[y + 8] = el ^ (~al & bl);
  s[y + 9] = eh ^ (~ah & bh);
}

/** Permutation Keccak-f[1600]. @param {Int32Array} s 25 lanes, each as its low and then its high 32 bits */
function keccakF1600(s) {
  const moved = KECCAK_MOVED;
  const { low, high, from, to, bits } = KECCAK;
  for (let round = 0; round < 24; round += 1) {
    mixColumns(s);
    // rho and pi
    moved[0] = s[0];
    moved[1] = s[1];
    for (let t = 0; t < 24; t += 1) {
      const place = from[t];
      const left = bits[t];
      const first = s[place];
      const second = s[place ^ 1];
      moved[to[t]] = (first << left) | (second >>> (32 - left));
      moved[to[t] + 1] = (second << left) | (first >>> (32 - left));
    }
    mixRow(s, moved, 0);
    mixRow(s, moved, 10);
    mixRow(s, moved, 20);
    mixRow(s, moved, 30);
    mixRow(s, moved, 40);
    // iota
    s[0] ^= low[round];
    s[1] ^= high[round];
  }
}

/**
 * Keccak-256 as Ethereum uses it: padding 0x01, where SHA3-256 has 0x06.
 * @param {Uint8Array} data @returns {Uint8Array} 32 bytes
 */
function keccak256(data) {
  const rate = 136;
  const state = new Int32Array(50);
  const padded = new Uint8Array(data.length + rate - (data.length % rate));
  padded.set(data);
  padded[data.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 4; i += 1) state[i] ^= view.getInt32(at + 4 * i, true);
    keccakF1600(state);
  }
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 8; i += 1) out.setInt32(4 * i, state[i], true);
  return digest;
}

// -------------------- crypto/modular.mjs

/** Arithmetic modulo a prime, on BigInt. */

/**
 * Residue from 0 to `modulus` - 1, also of a negative value.
 * @param {bigint} value @param {bigint} modulus
 */
const mod = (value, modulus) => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

/**
 * `base` to the power `exponent`, by squaring.
 * @param {bigint} base @param {bigint} exponent @param {bigint} modulus
 */
function modPower(base, exponent, modulus) {
  let result = 1n;
  for (let square = base, rest = exponent; rest; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/**
 * Inverse of a non-zero value, by the extended Euclidean algorithm.
 * @param {bigint} value @param {bigint} modulus
 */
function modInverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return mod(x, modulus);
}

// -------------------- crypto/ed25519.mjs

/** Verification of Ed25519 signatures (RFC 8032). */

const ED25519_P = (1n << 255n) - 19n;
const ED25519_N = (1n << 252n) + 27742317777372353535851937790883648493n;
const ED25519_D = mod(-121665n * modInverse(121666n, ED25519_P), ED25519_P);
const ED25519_SQRT_MINUS_ONE = modPower(2n, (ED25519_P - 1n) / 4n, ED25519_P);

/**
 * @typedef {[bigint, bigint, bigint, bigint]} EdwardsPoint X, Y, Z and T = XY/Z of a twisted Edwards point
 */

/**
 * Sum of two points (RFC 8032 section 5.1.4).
 * @param {EdwardsPoint} left @param {EdwardsPoint} right @returns {EdwardsPoint}
 */
function addEdwardsPoints([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2), ED25519_P);
  const b = ((y1 + x1) * (y2 + x2)) % ED25519_P;
  const c = (((2n * t1 * t2) % ED25519_P) * ED25519_D) % ED25519_P;
  const d = (2n * z1 * z2) % ED25519_P;
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f, ED25519_P), mod(g * h, ED25519_P), mod(f * g, ED25519_P), mod(e * h, ED25519_P)];
}

/** Integer of little-endian bytes. @param {Uint8Array} bytes */
const littleEndianToBigInt = (bytes) => bytesToBigInt(Uint8Array.from(bytes).reverse());

/**
 * The point of 32 bytes (RFC 8032 section 5.1.3), null if they are none; y is taken modulo p (SPEC 1.8).
 * @param {Uint8Array} bytes @returns {EdwardsPoint | null}
 */
function decodeEdwardsPoint(bytes) {
  const encoded = littleEndianToBigInt(bytes);
  const y = BigInt.asUintN(255, encoded) % ED25519_P;
  const u = mod(y * y - 1n, ED25519_P);
  const v = mod(ED25519_D * y * y + 1n, ED25519_P);
  let x =
    (u *
      modPower(v, 3n, ED25519_P) *
      modPower((u * modPower(v, 7n, ED25519_P)) % ED25519_P, (ED25519_P - 5n) / 8n, ED25519_P)) %
    ED25519_P;
  if (mod(v * x * x, ED25519_P) !== u) x = (x * ED25519_SQRT_MINUS_ONE) % ED25519_P;
  if (mod(v * x * x, ED25519_P) !== u) return null;
  if ((x & 1n) !== encoded >> 255n) x = mod(-x, ED25519_P);
  return [x, y, 1n, (x * y) % ED25519_P];
}

/** y = 4/5, x even. */
const ED25519_BASE = /** @type {EdwardsPoint} */ (
  decodeEdwardsPoint(Uint8Array.from({ length: 32 }, (_, at) => (at ? 0x66 : 0x58)))
);

/**
 * Whether a signature over a message is by a key (RFC 8032 section 5.1.7 without the cofactor, SPEC 1.8).
 * @param {Uint8Array} key 32 bytes @param {Uint8Array} message @param {Uint8Array} signature 64 bytes
 * @returns {boolean}
 */
function verifyEd25519(key, message, signature) {
  const point = decodeEdwardsPoint(key);
  const s = littleEndianToBigInt(signature.subarray(32));
  if (!point || s >= ED25519_N) return false;
  const h = littleEndianToBigInt(sha512(concat(signature.subarray(0, 32), key, message))) % ED25519_N;
  /** @type {EdwardsPoint} */ const minus = [
    mod(-point[0], ED25519_P),
    point[1],
    1n,
    mod(-point[3], ED25519_P),
  ];
  const both = addEdwardsPoints(ED25519_BASE, minus);
  // s·base - h·key in one pass over the bits (Shamir's trick).
  /** @type {EdwardsPoint} */ let sum = [0n, 1n, 1n, 0n];
  for (let bit = 252n; bit >= 0n; bit -= 1n) {
    sum = addEdwardsPoints(sum, sum);
    const pick = Number((s >> bit) & 1n) + 2 * Number((h >> bit) & 1n);
    if (pick) sum = addEdwardsPoints(sum, [ED25519_BASE, minus, both][pick - 1]);
  }
  const inverse = modInverse(sum[2], ED25519_P);
  const encoded = ((sum[1] * inverse) % ED25519_P) | ((((sum[0] * inverse) % ED25519_P) & 1n) << 255n);
  return encoded === littleEndianToBigInt(signature.subarray(0, 32));
}

// -------------------- formats/time.mjs

/** Calendar days, as days since 1970-01-01, and instants, as seconds since 1970 (SPEC 1.4). */

const SECONDS_PER_DAY = 86400;
/** 9999-12-31T23:59:59Z, the latest instant of any format (SPEC 16.1). */
const MAX_TIME = 253402300799;

/**
 * Days from 1970-01-01 to a date, null if the calendar does not have it.
 * @param {number} year @param {number} month @param {number} day @returns {number | null}
 */
function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1 && year <= 9999 ? date.getTime() / 1000 / SECONDS_PER_DAY : null;
}

/**
 * A day, null if the text is none.
 * @param {string} text YYYY-MM-DD @returns {number | null} days since 1970
 */
function parseDay(text) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return found && dayNumber(Number(found[1]), Number(found[2]), Number(found[3]));
}

/** YYYY-MM-DD. @param {number} day days since 1970 @returns {string} */
const formatDay = (day) => new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);

/**
 * Seconds since 1970 of an instant like 2026-11-24T06:00:00Z (RFC 3339 with `Z` and whole seconds).
 * @param {string} text @returns {number} @throws {CertledgerError} `time.invalid`
 */
function parseTime(text) {
  const found = /^(.{10})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/.exec(text);
  const day = found && parseDay(found[1]);
  if (!found || day === null) return fail("time.invalid", `${text} is not like 2026-11-24T06:00:00Z`);
  return day * SECONDS_PER_DAY + Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4]);
}

/** An instant as in `parseTime`. @param {number} seconds @returns {string} */
const formatTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/**
 * The day in China Standard Time (UTC+8) at an instant.
 * @param {number} seconds @returns {number} days since 1970
 */
const chinaDay = (seconds) => Math.floor((seconds + 8 * 3600) / SECONDS_PER_DAY);

/**
 * A day some months later, clamped to the end of its month and to 9999-12-31 (SPEC 6).
 * @param {number} day days since 1970 @param {number} months @returns {number}
 */
function addMonths(day, months) {
  const [year, month, date] = formatDay(day).split("-").map(Number);
  const all = year * 12 + month - 1 + months;
  const [toYear, toMonth] = [Math.floor(all / 12), (all % 12) + 1];
  if (toYear > 9999) return /** @type {number} */ (dayNumber(9999, 12, 31));
  for (let last = date; ; last -= 1) {
    const found = dayNumber(toYear, toMonth, last);
    if (found !== null) return found;
  }
}

// -------------------- formats/encoding.mjs

/** Base64url, base64 and hexadecimal, each in its one canonical spelling (SPEC 1.2, RFC 4648). */

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_DIGITS = new Map(Array.from(URL_ALPHABET, (letter, value) => [letter, value]));

/**
 * Bytes of unpadded base64url (RFC 4648 section 5), null unless it is the canonical spelling.
 * @param {string} text @returns {Uint8Array | null}
 */
function tryDecodeBase64Url(text) {
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
function encodeBase64Url(bytes) {
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
function tryDecodeBase64(text) {
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
function decodeBase64Url(text) {
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
function decodeHex(text, size) {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
    fail("hex.invalid", `text that is not ${size} bytes in lower-case hexadecimal`);
  return hexToBytes(text);
}

// -------------------- formats/object_reader.mjs

/**
 * Typed reading of a JSON object: each member once, by type and range; members left over are refused (SPEC 2).
 *
 * Every check here fails with `schema.invalid` unless its comment says otherwise.
 */

/** Number of code points (SPEC 1.6); `length` counts UTF-16 units. @param {string} text */
const countCharacters = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

/** Reader of one object. Call `finish` after the last member. */
class ObjectReader {
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
function checkAscending(path, values) {
  if (values.some((value, at) => at > 0 && value <= values[at - 1])) {
    fail("schema.invalid", `${path} do not strictly ascend`);
  }
}

/** Check that no value occurs twice. @param {string} what for messages @param {string[]} values */
function checkDistinct(what, values) {
  if (new Set(values).size !== values.length) fail("schema.invalid", `two ${what} are the same`);
}

// -------------------- formats/merkle.mjs

/** Merkle trees (SPEC 3, RFC 9162 section 2.1). */

/** Hash of a leaf (SPEC 3). @param {Uint8Array} data @returns {Uint8Array} */
const leafHash = (data) => sha256(concat(Uint8Array.of(0), data));

/** Hash of an inner node (SPEC 3). @param {Uint8Array} left @param {Uint8Array} right */
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

/** Whether bit 0 is set; `&` would truncate to 32 bits. @param {number} position */
const isOdd = (position) => position % 2 === 1;

/** A position below 2^53, shifted right by one. @param {number} value */
const half = (value) => Math.floor(value / 2);

/**
 * The root that an inclusion path implies for a leaf (RFC 9162 section 2.1.3.2).
 * @param {Uint8Array} leaf its hash @param {number} position from 0 @param {number} size number of leaves
 * @param {Uint8Array[]} path siblings, from the leaf upwards @returns {Uint8Array}
 * @throws {CertledgerError} `proof.invalid`: the position is outside, or the path has another length
 */
function impliedRoot(leaf, position, size, path) {
  if (position >= size) fail("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let root = leaf;
  let last = size - 1;
  let place = position;
  for (const sibling of path) {
    if (last === 0)
      fail("proof.invalid", `a path of ${path.length} hashes is too long for leaf ${position} of ${size}`);
    if (isOdd(place) || place === last) {
      root = nodeHash(sibling, root);
      // The right edge of an uneven tree skips the levels where it has no sibling.
      while (place && !isOdd(place)) [place, last] = [half(place), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  if (last)
    fail("proof.invalid", `a path of ${path.length} hashes is too short for leaf ${position} of ${size}`);
  return root;
}

/**
 * Leaves under each peak of an append-only tree, greatest first: the binary digits of its size (SPEC 3).
 * @param {number} size number of leaves @returns {number[]}
 */
function peakSizes(size) {
  const sizes = [];
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (Math.floor(size / bit) % 2) sizes.push(bit);
  }
  return sizes;
}

/**
 * The peak over a leaf: its index, the leaf's position below it, and the number of leaves below it.
 * @param {number} position of the leaf @param {number} size number of leaves of the tree
 * @throws {CertledgerError} `proof.invalid`: the position is outside
 */
function locatePeak(position, size) {
  if (position >= size) fail("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let rest = position;
  for (const [peak, width] of peakSizes(size).entries()) {
    if (rest < width) return { peak, within: rest, width };
    rest -= width;
  }
  throw new RangeError("unreachable: the peaks cover every leaf");
}

/**
 * Peaks of the append-only tree of some leaves, greatest first.
 * @param {Iterable<Uint8Array>} leaves hashes @returns {Uint8Array[]}
 */
function peaksOf(leaves) {
  /** @type {{hash: Uint8Array, width: number}[]} */ const stack = [];
  for (const leaf of leaves) {
    let [hash, width] = [leaf, 1];
    for (let left = stack.at(-1); left?.width === width; left = stack.at(-1)) {
      [hash, width] = [nodeHash(left.hash, hash), 2 * width];
      stack.pop();
    }
    stack.push({ hash, width });
  }
  return stack.map((node) => node.hash);
}

/**
 * Root of the tree of some leaves: the peaks, folded from the right (SPEC 3).
 * @param {Iterable<Uint8Array>} leaves hashes, at least one @returns {Uint8Array}
 */
function treeRoot(leaves) {
  const peaks = peaksOf(leaves);
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}

// -------------------- formats/record.mjs

/** Records, which are public, and disclosures, which the holder shows (SPEC 4, 5). */

/** Code of an issuer; `checkIssuerCode` checks its region. */
const ISSUER_PATTERN = /^[0-9A-Z]{18}$/;
const CATEGORY_PATTERN = /^[A-Z0-9-]{2,24}$/;
const HOLDER_KINDS = ["natural", "legal", "object"];
/** Certificates of one issuer, digests in a record, characters of a field (SPEC 19). */
const MAX_CERTIFICATES = 2 ** 32;
const MAX_DIGESTS = 96;
const MAX_VALUE_CHARACTERS = 512;
const MAX_DISCLOSURE_BYTES = 4096;
const MAX_FIELD_NAME_CHARACTERS = 64;
/** Names of disclosures that every verifier knows (SPEC 4.4). */
const NUMBER_FIELD = "certificate_number";
const HOLDER_KEY_FIELD = "holder_key";
const DOCUMENT_FIELD = "document";

/** @typedef {ReturnType<typeof readRecord>} CertificateRecord its `leaf` is the hash in the batch */

/**
 * Read a record (SPEC 5).
 * @param {Json} value
 * @throws {CertledgerError} `schema.*`, `base64.*`, `issuer.invalid`, `record.edition`, `record.dates`
 */
function readRecord(value) {
  const read = new ObjectReader(value, "record");
  read.constant("type", "certledger/record/1");
  const record = {
    issuer: read.text("issuer", ISSUER_PATTERN),
    index: read.integer("index", 0, MAX_CERTIFICATES - 1),
    id: read.binary("id", 32),
    edition: read.integer("edition", 0, 65535),
    replaces: read.has("replaces") ? read.integer("replaces", 0, MAX_CERTIFICATES - 1) : null,
    category: read.text("category", CATEGORY_PATTERN),
    entry: read.integer("entry", 1, 65535),
    holder: read.oneOf("holder", HOLDER_KINDS),
    issued: read.day("issued"),
    expires: read.has("expires") ? read.day("expires") : null,
    bound: read.boolean("bound"),
    digests: read.hashes("digests", MAX_DIGESTS),
    leaf: ZERO32,
  };
  read.finish();
  checkIssuerCode(record.issuer);
  if (!record.digests.length) fail("schema.invalid", "record.digests is empty");
  if ((record.replaces !== null) !== record.edition > 0) {
    fail("record.edition", "replaces is present where edition is 0, or absent where it is not");
  }
  if (record.replaces !== null && record.replaces >= record.index) {
    fail("record.edition", `record ${record.index} replaces ${record.replaces}, which is not a lower index`);
  }
  if (record.expires !== null && record.expires < record.issued) {
    fail("record.dates", "a record expires before it is issued");
  }
  record.leaf = leafHash(canonicalBytes(value));
  return record;
}

/**
 * Check the region in an issuer's code, characters 3 and 4.
 * @param {string} issuer @throws {CertledgerError} `issuer.invalid`
 */
function checkIssuerCode(issuer) {
  if (!/^[0-9]{2}$/.test(issuer.slice(2, 4)))
    fail("issuer.invalid", `${issuer} is not the code of an issuer`);
}

/**
 * @typedef {string | {sha256: string, size: number, sm3?: string}} Value of a field or holder key, or a
 *   document's description (SPEC 4.6)
 */

/** @typedef {{salt: string, name: string, value: Value, digest: Uint8Array}} Disclosure one value of a record */

/**
 * Text of a disclosure (SPEC 4.3).
 * @param {string} salt @param {string} name @param {Json} value @returns {string}
 */
const formatDisclosure = (salt, name, value) => encodeBase64Url(canonicalBytes([salt, name, value]));

/**
 * Digest of the text of a disclosure, as records have it (SPEC 4.3).
 * @param {string} text @returns {Uint8Array}
 */
const disclosureDigest = (text) => sha256(utf8(text));

/**
 * Salt of a document or of a `shown` field (SPEC 4.5).
 * @param {string} code normal form of the access code @param {number} place @returns {string}
 */
function deriveSalt(code, place) {
  return encodeBase64Url(
    hmacSha256(utf8(code), concat(utf8("certledger/1/salt"), uintToBytes(place, 2))).subarray(0, 16),
  );
}

/**
 * Read a disclosure (SPEC 4.3).
 * @param {string} text @returns {Disclosure} @throws {CertledgerError} `schema.invalid`, `json.*`, `base64.*`
 */
function readDisclosure(text) {
  const parts = parseCanonical(decodeBase64Url(text), MAX_DISCLOSURE_BYTES);
  if (!Array.isArray(parts) || parts.length !== 3)
    return fail("schema.invalid", "a disclosure is not a list of three");
  const [salt, name, value] = parts;
  if (
    typeof salt !== "string" ||
    typeof name !== "string" ||
    !name ||
    countCharacters(name) > MAX_FIELD_NAME_CHARACTERS
  ) {
    return fail(
      "schema.invalid",
      "salt or name of a disclosure is not text, or the name has not 1 to 64 characters",
    );
  }
  if (name === DOCUMENT_FIELD) checkDocument(value);
  else checkFieldValue(value);
  return { salt, name, value: /** @type {Value} */ (value), digest: disclosureDigest(text) };
}

/**
 * Check the value of a field or holder key (SPEC 4.6).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`
 */
function checkFieldValue(value) {
  if (typeof value !== "string" || !value || countCharacters(value) > MAX_VALUE_CHARACTERS) {
    fail("schema.invalid", "a field is not text of 1 to 512 characters");
  }
}

/**
 * Check a document's description (SPEC 4.6).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`
 */
function checkDocument(value) {
  const read = new ObjectReader(value, "document");
  read.text("sha256", /^[0-9a-f]{64}$/);
  if (read.has("sm3")) read.text("sm3", /^[0-9a-f]{64}$/);
  read.integer("size");
  read.finish();
}

// -------------------- formats/certificate_number.mjs

/** Certificate numbers and access codes as people type them, and what they look up (SPEC 4.1, 4.2, 4.7). */

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
function trimWhiteSpace(text) {
  let [begin, end] = [0, text.length];
  while (begin < end && WHITE_SPACE.test(text[begin])) begin += 1;
  while (end > begin && WHITE_SPACE.test(text[end - 1])) end -= 1;
  return text.slice(begin, end);
}

/**
 * Normal form of a certificate number (SPEC 4.1).
 * @param {string} typed @returns {string} @throws {CertledgerError} `number.invalid`
 */
function normalNumber(typed) {
  const plain = typed.normalize("NFKC").replace(INVISIBLE, "").replace(DASHES, "-");
  const brackets = plain.replace(/[[【]/g, "〔").replace(/[\]】]/g, "〕");
  const number = dropWhiteSpace(brackets.toUpperCase()).normalize("NFKC");
  const size = countCharacters(number);
  if (!size || size > MAX_NUMBER_CHARACTERS)
    fail("number.invalid", `a number has 1 to ${MAX_NUMBER_CHARACTERS} characters`);
  return number;
}

/**
 * Normal form of an access code (SPEC 4.2).
 * @param {string} typed @returns {string} 16 characters @throws {CertledgerError} `access_code.invalid`
 */
function normalAccessCode(typed) {
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
const lookupDigest = (number, code) =>
  disclosureDigest(formatDisclosure(normalAccessCode(code), NUMBER_FIELD, normalNumber(number)));

// -------------------- formats/base45.mjs

/** Base45 (RFC 9285). */

const BASE45_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE45_DIGITS = new Map(Array.from(BASE45_ALPHABET, (letter, value) => [letter, value]));

/**
 * Text of bytes: two bytes are three digits, the lowest first, and a last single byte is two.
 * @param {Uint8Array} bytes @returns {string}
 */
function encodeBase45(bytes) {
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
function decodeBase45(text) {
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

// -------------------- formats/catalog.mjs

/** Entries of an issuer's catalog, and its root (SPEC 6). */

/** Kinds of certificates (SPEC 6). */
const ENTRY_KINDS = [
  "certificate",
  "licence",
  "plate",
  "proof",
  "approval",
  "expert_report",
  "appraisal_report",
  "association_document",
];

/** Entries of one catalog (SPEC 19). */
const MAX_ENTRIES = 4096;

/** @typedef {ReturnType<typeof readEntry>} Entry its `leaf` is the hash in the catalog's tree */

/**
 * Read an entry (SPEC 6).
 * @param {Json} value @throws {CertledgerError} `schema.*`, `entry.fields`, `entry.shown`
 */
function readEntry(value) {
  const read = new ObjectReader(value, "entry");
  read.constant("type", "certledger/entry/1");
  const entry = {
    category: read.text("category", CATEGORY_PATTERN),
    version: read.integer("version", 1, 65535),
    kind: read.oneOf("kind", ENTRY_KINDS),
    holder: read.oneOf("holder", HOLDER_KINDS),
    nameZh: read.text("name_zh", null, 128),
    nameEn: read.text("name_en", null, 128),
    fields: readFieldNames(read, "fields"),
    shown: readFieldNames(read, "shown"),
    months: read.has("months") ? read.integer("months", 1, 1200) : null,
    lagDays: read.integer("lag_days", 0, 36500),
    leaf: ZERO32,
  };
  read.finish();
  const { fields, shown } = entry;
  if (
    new Set(fields).size !== fields.length ||
    fields[0] !== NUMBER_FIELD ||
    fields.includes(DOCUMENT_FIELD) ||
    fields.includes(HOLDER_KEY_FIELD)
  ) {
    fail(
      "entry.fields",
      `fields are not distinct, do not start with ${NUMBER_FIELD}, or include a reserved name`,
    );
  }
  if (
    fields.filter((field) => shown.includes(field)).join() !== shown.join() ||
    shown.includes(NUMBER_FIELD)
  ) {
    fail("entry.shown", `shown is not a subset of fields in their order without ${NUMBER_FIELD}`);
  }
  entry.leaf = leafHash(canonicalBytes(value));
  return entry;
}

/** A list of names of fields. @param {ObjectReader} read @param {string} name */
function readFieldNames(read, name) {
  const names = read.texts(name, 1, 64);
  if (!names.every((field) => /^[a-z][a-z0-9_]{0,63}$/.test(field))) read.fail(name, "a list of names");
  return names;
}

/**
 * Name of the disclosure at a place: fields, then the holder key of a bound record, then documents (SPEC 4.4).
 * @param {Entry} entry @param {number} place @param {boolean} bound @returns {string}
 */
function fieldNameAt(entry, place, bound) {
  if (place < entry.fields.length) return entry.fields[place];
  return bound && place === entry.fields.length ? HOLDER_KEY_FIELD : DOCUMENT_FIELD;
}

/** Root of a catalog (SPEC 6). @param {number} count of entries @param {Uint8Array} root of their tree */
const catalogRoot = (count, root) =>
  sha256(concat(utf8("certledger/catalog/1"), uintToBytes(count, 4), root));

/**
 * Order of entries in a catalog: by category, then version (SPEC 6).
 * @param {Entry} left @param {Entry} right
 */
function compareEntries(left, right) {
  if (left.category !== right.category) return left.category < right.category ? -1 : 1;
  return left.version - right.version;
}

// -------------------- formats/cbor.mjs

/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): a typed reader and an encoder.
 *
 * The reader is asked for each element by type and range, so that it builds nothing that has no place (SPEC 19).
 */

/** @typedef {any} Cbor a number, true or false, null, text, bytes, a list, or a map from integers */

/** Greatest number that the first byte of an item can carry. */
const MAX_HEAD_NUMBER = 23;

/** Major types (RFC 8949 section 3.1). */
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const LIST = 4;
const MAP = 5;

/** Reader of one item, from its front to its end. Call `finish` after the last element. */
class CborReader {
  /**
   * @param {Uint8Array} bytes @param {string} code of errors
   * @param {string} canonicalCode of the error of a number that is not in its shortest form
   */
  constructor(bytes, code, canonicalCode) {
    this.bytes = bytes;
    this.code = code;
    this.canonicalCode = canonicalCode;
    this.at = 0;
  }

  /** @param {string} expected @returns {never} */
  fail(expected) {
    return fail(this.code, `at byte ${this.at}: expected ${expected}`);
  }

  /** Fail unless a condition holds. @param {unknown} condition @param {string} expected */
  expect(condition, expected) {
    if (!condition) this.fail(expected);
  }

  /** Check that no byte is left over. */
  finish() {
    this.expect(this.at === this.bytes.length, "the end");
  }

  /** Major type of the next element, -1 at the end. */
  majorType() {
    return this.at < this.bytes.length ? this.bytes[this.at] >> 5 : -1;
  }

  /** Whether null is next; if so, skip it. */
  skipNull() {
    const found = this.bytes[this.at] === 0xf6;
    if (found) this.at += 1;
    return found;
  }

  boolean() {
    const head = this.bytes[this.at];
    this.expect(head === 0xf4 || head === 0xf5, "true or false");
    this.at += 1;
    return head === 0xf5;
  }

  /** The number in a head of a major type. @param {number} type @param {string} expected */
  argument(type, expected) {
    this.expect(this.majorType() === type, expected);
    const low = this.bytes[this.at] & 31;
    if (low <= MAX_HEAD_NUMBER) {
      this.at += 1;
      return low;
    }
    const width = 2 ** (low - 24);
    const digits = this.bytes.subarray(this.at + 1, this.at + 1 + width);
    this.expect(low <= 27 && digits.length === width, `${expected} of definite length`);
    const number = digits.reduce((sum, byte) => sum * 256 + byte, 0);
    if (number < (width === 1 ? MAX_HEAD_NUMBER + 1 : 256 ** (width / 2)))
      fail(this.canonicalCode, `the number at byte ${this.at} is not in its shortest form`);
    this.at += 1 + width;
    return number;
  }

  /** @param {number} min @param {number} max */
  integer(min = 0, max = Number.MAX_SAFE_INTEGER) {
    const negative = min < 0 && this.majorType() === NEGATIVE;
    const number = this.argument(negative ? NEGATIVE : UNSIGNED, "an integer");
    const value = negative ? -1 - number : number;
    this.expect(value >= min && value <= max, `an integer from ${min} to ${max}`);
    return value;
  }

  /**
   * The size in a head, which the bytes that are left can hold.
   * @param {number} type @param {string} expected @param {number} min @param {number} max
   */
  size(type, expected, min, max) {
    const size = this.argument(type, expected);
    const left = this.bytes.length - this.at;
    this.expect(size >= min && size <= Math.min(max, left), `${expected} of size ${min} to ${max}`);
    return size;
  }

  /** A byte string. @param {number} min bytes @param {number} max bytes @returns {Uint8Array} */
  binary(min, max) {
    const size = this.size(BYTES, "a byte string", min, max);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** A text. @param {number} max bytes @returns {string} */
  text(max) {
    const size = this.size(TEXT, "a text", 0, max);
    this.at += size;
    try {
      return UTF8_DECODER.decode(this.bytes.subarray(this.at - size, this.at));
    } catch {
      return fail(this.code, "a text is not UTF-8");
    }
  }

  /**
   * The head of a list, whose elements come next.
   * @param {number} min @param {number} max @returns {number} its size
   */
  list(min, max) {
    return this.size(LIST, "a list", min, max);
  }

  /** A list of integers. @param {number} size @param {number} min @param {number} max @returns {number[]} */
  integers(size, min, max) {
    this.list(size, size);
    return Array.from({ length: size }, () => this.integer(min, max));
  }

  /**
   * A map from ascending integers below a limit to byte strings.
   * @param {number} below @param {number} size in bytes @returns {Map<number, Uint8Array>}
   */
  byteMap(below, size) {
    const found = new Map();
    let last = -1;
    for (let left = this.size(MAP, "a map", 0, below); left > 0; left -= 1) {
      last = this.integer(last + 1, below - 1);
      found.set(last, this.binary(size, size));
    }
    return found;
  }

  /**
   * A list of byte strings that are not empty.
   * @param {number} max of them @param {number} maxBytes each @param {boolean} ascending strictly
   * @returns {Uint8Array[]}
   */
  binaries(max, maxBytes, ascending = false) {
    /** @type {Uint8Array[]} */ const found = [];
    for (let left = this.list(0, max); left > 0; left -= 1) {
      const value = this.binary(1, maxBytes);
      if (ascending && found.length)
        this.expect(compareBytes(found[found.length - 1], value) < 0, "bytes greater than those before");
      found.push(value);
    }
    return found;
  }

  /**
   * A list, each element read by `readItem`.
   * @template T @param {number} max @param {(at: number) => T} readItem
   */
  items(max, readItem) {
    /** @type {T[]} */ const found = [];
    for (let size = this.list(0, max); found.length < size;) found.push(readItem(found.length));
    return found;
  }
}

/** Head of an item in its shortest form. @param {number} type @param {number} number */
function encodeCborHead(type, number) {
  if (number <= MAX_HEAD_NUMBER) return Uint8Array.of((type << 5) | number);
  const size = [1, 2, 4, 8].findIndex((width) => number < 256 ** width);
  return concat(Uint8Array.of((type << 5) | (24 + size)), uintToBytes(number, 2 ** size));
}

/** Deterministic encoding of a value. @param {Cbor} value @returns {Uint8Array} */
function encodeCbor(value) {
  if (typeof value === "number")
    return value < 0 ? encodeCborHead(NEGATIVE, -1 - value) : encodeCborHead(UNSIGNED, value);
  if (typeof value === "string") return concat(encodeCborHead(TEXT, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(encodeCborHead(BYTES, value.length), value);
  if (Array.isArray(value)) return concatAll([encodeCborHead(LIST, value.length), ...value.map(encodeCbor)]);
  if (value instanceof Map) {
    const pairs = [...value].sort(([left], [right]) => left - right);
    return concatAll([encodeCborHead(MAP, pairs.length), ...pairs.flatMap((pair) => pair.map(encodeCbor))]);
  }
  return Uint8Array.of(value === null ? 0xf6 : 0xf4 + Number(value));
}

// -------------------- limits.mjs

/** Greatest numbers that several formats share (SPEC 16.1, 17, 19). */

/** Greatest number of four bytes. */
const MAX_UINT32 = 2 ** 32 - 1;

/** Greatest block number, five bytes; as the end of a key it means that no end is set (SPEC 8). */
const MAX_BLOCK = 2 ** 40 - 1;

// -------------------- formats/issuer_state.mjs

/**
 * The state of an issuer: its keys, and the digest in its storage slot (SPEC 8).
 */

/** Kinds and standings; a number in hashed bytes is the place in the list plus one (SPEC 7, 8). */
const ISSUER_KINDS = [
  "department",
  "institution",
  "association",
  "appraisal",
  "consulting",
  "operator",
];
const ISSUER_STANDINGS = ["active", "suspended", "closed", "struck"];
/** A key word without its last byte, which is zero. */
const KEY_BYTES = 31;
const MAX_KEYS = 16;
const MAX_ISSUER_NAME_CHARACTERS = 128;
/** Bit of a key's purposes that lets it sign batches (SPEC 7). */
const PURPOSE_BATCHES = 1;

/**
 * @typedef {{packed: Uint8Array, address: Uint8Array, purposes: number, from: number, end: number}} IssuerKey
 */

/**
 * Decode a key word: `address 20 ‖ purposes 1 ‖ from 5 ‖ end 5` (SPEC 8); `from` and `end` are blocks.
 * @param {Uint8Array} packed 31 bytes @returns {IssuerKey} @throws {CertledgerError} `state.key`
 */
function decodeKey(packed) {
  /** @param {number} at */
  const block = (at) => Number(bytesToBigInt(packed.subarray(at, at + 5)));
  const purposes = packed[20];
  if (purposes < 1 || purposes > 15) fail("state.key", `a key has purposes ${purposes}, not 1 to 15`);
  return { packed, address: packed.subarray(0, 20), purposes, from: block(21), end: block(26) };
}

/** @typedef {ReturnType<typeof readIssuerState>} IssuerState */

/**
 * Read the state in full evidence (SPEC 16.1).
 * @param {Json} value @throws {CertledgerError} `schema.invalid`, `base64.*`, `state.key`, `issuer.invalid`
 */
function readIssuerState(value) {
  const read = new ObjectReader(value, "body");
  const keys = read.binary("keys");
  if (!keys.length || keys.length % KEY_BYTES || keys.length > MAX_KEYS * KEY_BYTES) {
    read.fail("keys", `1 to ${MAX_KEYS} keys of ${KEY_BYTES} bytes`);
  }
  const state = {
    issuer: read.text("issuer", ISSUER_PATTERN),
    kind: ISSUER_KINDS.indexOf(read.oneOf("kind", ISSUER_KINDS)) + 1,
    name: read.text("name", null, MAX_ISSUER_NAME_CHARACTERS),
    /** SHA-256 of the name, where a snapshot has only that. @type {Uint8Array | null} */ nameDigest: null,
    keys: chunks(keys, KEY_BYTES).map(decodeKey),
    standing: read.oneOf("standing", ISSUER_STANDINGS),
    since: read.integer("since", 0, MAX_BLOCK),
    catalogVersion: read.integer("catalog_version", 0, MAX_UINT32),
    catalog: read.binary("catalog", 32),
    batches: read.integer("batches", 0, MAX_CERTIFICATES),
    certificates: read.integer("certificates", 0, MAX_CERTIFICATES),
    last: read.binary("last", 32),
    peaks: read.hashes("peaks"),
    epoch: read.integer("epoch"),
    status: read.binary("status", 32),
    revision: read.integer("revision", 0, MAX_UINT32),
  };
  read.finish();
  checkIssuerCode(state.issuer);
  if (state.peaks.length !== peakSizes(state.batches).length) {
    fail(
      "schema.invalid",
      `body.peaks are ${state.peaks.length} hashes, which does not fit ${state.batches} batches`,
    );
  }
  return state;
}

/**
 * A slot with its lowest bit, the brake of a hold, cleared (SPEC 8, 12).
 * @param {Uint8Array} slot 32 bytes
 */
function clearBrake(slot) {
  const cleared = Uint8Array.from(slot);
  cleared[31] &= 0xfe;
  return cleared;
}

/**
 * Digest of a state, the value of the issuer's slot but for the brake (SPEC 8).
 * @param {IssuerState} s @returns {Uint8Array}
 */
function stateDigest(s) {
  return clearBrake(
    keccak256(
      concat(
        // w0
        utf8(s.issuer),
        uintToBytes(Number(s.issuer.slice(2, 4)), 2),
        Uint8Array.of(s.kind, ISSUER_STANDINGS.indexOf(s.standing) + 1),
        uintToBytes(s.since, 5),
        uintToBytes(s.catalogVersion, 4),
        Uint8Array.of(0),
        // w1
        uintToBytes(s.batches, 8),
        uintToBytes(s.certificates, 8),
        uintToBytes(s.epoch, 8),
        uintToBytes(s.revision, 4),
        new Uint8Array(4),
        // w2 to w7
        s.nameDigest ?? sha256(utf8(s.name)),
        s.catalog,
        s.last,
        s.status,
        keccak256(concatAll(s.keys.flatMap((key) => [key.packed, Uint8Array.of(0)]))),
        keccak256(concatAll(s.peaks)),
      ),
    ),
  );
}

/**
 * Leaf of a batch in its issuer's tree of batches (SPEC 8).
 * @param {Uint8Array} digest of the statement @param {Uint8Array} catalog root
 * @param {number} key index of the key
 * @param {number} block of anchoring @returns {Uint8Array}
 */
const batchLeaf = (digest, catalog, key, block) =>
  leafHash(concat(digest, catalog, uintToBytes(key, 1), uintToBytes(block, 5)));

// -------------------- formats/presentation.mjs

/** Presentations: a holder's signature for one request of one counter (SPEC 16.3). */

/** An audience or a nonce. */
const TOKEN_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

/** @typedef {ReturnType<typeof readPresentation>} Presentation */

/**
 * Read a presentation; its `time` is in seconds.
 * @param {Json} value @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
function readPresentation(value) {
  const read = new ObjectReader(value, "presentation");
  const presentation = {
    audience: read.text("audience", TOKEN_PATTERN),
    nonce: read.text("nonce", TOKEN_PATTERN),
    signature: read.binary("signature", 64),
    time: read.integer("time", 0, MAX_TIME),
  };
  read.finish();
  return presentation;
}

/**
 * What a holder signs (SPEC 16.3).
 * @param {{audience: string, nonce: string, time: number}} presentation @param {Uint8Array} identity of the ledger
 * @param {Uint8Array} leaf @param {Disclosure[]} disclosures in the order of the record
 */
const presentationMessage = ({ audience, nonce, time }, identity, leaf, disclosures) =>
  canonicalBytes({
    type: "certledger/presentation/1",
    audience,
    ledger: hex(identity),
    leaf: hex(leaf),
    nonce,
    shown: hex(sha256(concatAll(disclosures.map(({ digest }) => digest)))),
    time,
  });

// -------------------- formats/state_proof.mjs

/** Proofs of an account and its storage slots: RLP and Merkle-Patricia tries (SPEC 11, EIP-1186). */

/**
 * @typedef {{bytes: Uint8Array, size: number} | {items: RlpItem[], size: number}} RlpItem `size`: encoded
 *   bytes
 */

/**
 * A length of `width` bytes, 56 or more, without a leading zero.
 * @param {Uint8Array} data @param {number} at @param {number} width
 */
function readRlpLength(data, at, width) {
  const digits = data.subarray(at, at + width);
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length !== width || digits[0] === 0 || length < 56)
    fail("proof.invalid", `an RLP length at byte ${at} is not in its shortest form`);
  return length;
}

/** The item that begins at a byte. @param {Uint8Array} data @param {number} at @returns {RlpItem} */
function readRlpItem(data, at) {
  const first = data[at];
  if (first === undefined) return fail("proof.invalid", "RLP ends early");
  if (first < 0x80) return { bytes: data.subarray(at, at + 1), size: 1 };
  const list = first >= 0xc0;
  const short = first - (list ? 0xc0 : 0x80);
  const head = short < 56 ? 1 : 1 + short - 55;
  const length = short < 56 ? short : readRlpLength(data, at + 1, short - 55);
  const body = data.subarray(at + head, at + head + length);
  if (body.length !== length) fail("proof.invalid", "RLP ends early");
  if (!list) {
    if (length === 1 && body[0] < 0x80) fail("proof.invalid", `a byte below 0x80 at ${at} has an RLP head`);
    return { bytes: body, size: head + length };
  }
  const items = [];
  for (let place = 0; place < length;) {
    const item = readRlpItem(body, place);
    items.push(item);
    place += item.size;
  }
  return { items, size: head + length };
}

/** The one item of some bytes. @param {Uint8Array} data @returns {RlpItem} */
function decodeRlp(data) {
  const item = readRlpItem(data, 0);
  if (item.size !== data.length) fail("proof.invalid", "bytes follow an RLP item");
  return item;
}

/** Half bytes, the high one first. @param {Uint8Array} bytes @returns {number[]} */
const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/**
 * Nibbles of a hex-prefix key, and whether its node is a leaf (Yellow Paper, appendix C); the padding is zero.
 * @param {Uint8Array} bytes @returns {{path: number[], leaf: boolean}}
 */
function decodeHexPrefix(bytes) {
  const [kind, pad, ...rest] = nibbles(bytes);
  if (kind === undefined || kind > 3 || (!(kind & 1) && pad))
    return fail("proof.invalid", "a hex prefix of unknown kind, or with padding that is not zero");
  return { path: kind & 1 ? [pad, ...rest] : rest, leaf: kind > 1 };
}

/**
 * @typedef {{next?: RlpItem, value?: RlpItem, at: number}} TrieStep neither `next` nor `value`: proved absent
 */

/** Length of the keys of accounts and slots, which are hashes of 32 bytes. */
const KEY_NIBBLES = 64;

/** The child in a branch or extension, undefined where it is empty. @param {RlpItem} item */
function childReference(item) {
  if ("bytes" in item && !item.bytes.length) return undefined;
  if ("bytes" in item ? item.bytes.length !== 32 : item.size >= 32) {
    fail("proof.invalid", "a child is neither a hash nor a node shorter than one");
  }
  return item;
}

/**
 * The child or value that a node has for a key of which `at` nibbles are used.
 * @param {RlpItem} node @param {number[]} key @param {number} at @returns {TrieStep}
 */
function followNode(node, key, at) {
  const items = "items" in node ? node.items : [];
  if (items.length === 17) {
    if (at === KEY_NIBBLES || !("bytes" in items[16]) || items[16].bytes.length) {
      fail("proof.invalid", "a branch has a value, or lies below the end of the key");
    }
    return { next: childReference(items[key[at]]), at: at + 1 };
  }
  if (items.length !== 2 || !("bytes" in items[0]))
    return fail("proof.invalid", "a trie node is neither branch, extension nor leaf");
  const { path, leaf } = decodeHexPrefix(items[0].bytes);
  const stop = at + path.length;
  const fits = path.every((nibble, place) => nibble === key[at + place]);
  if (leaf) {
    if (stop !== KEY_NIBBLES) fail("proof.invalid", "a leaf does not end its key");
    return fits ? { value: items[1], at: stop } : { at: stop };
  }
  if (stop >= KEY_NIBBLES || !path.length) fail("proof.invalid", "an extension is empty, or ends a key");
  const next = childReference(items[1]);
  if (!next) fail("proof.invalid", "an extension without a child");
  return fits ? { next, at: stop } : { at: stop };
}

/**
 * The value under a key of a trie, null if it is proved absent.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes
 * @param {(hash: Uint8Array) => Uint8Array} getNode the node of a hash
 * @throws {CertledgerError} `proof.invalid`
 */
function findInTrie(root, hashedKey, getNode) {
  const key = nibbles(hashedKey);
  /** @type {RlpItem | undefined} */ let reference = { bytes: root, size: 33 };
  for (let at = 0; ;) {
    // A node shorter than a hash is embedded in its parent.
    const node = "bytes" in reference ? decodeRlp(getNode(reference.bytes)) : reference;
    const found = followNode(node, key, at);
    if (found.value) return requireRlpString(found.value);
    if (!found.next) return null;
    [reference, at] = [found.next, found.at];
  }
}

/** The bytes of an item that must not be a list. @param {RlpItem} item @returns {Uint8Array} */
const requireRlpString = (item) =>
  "bytes" in item ? item.bytes : fail("proof.invalid", "an RLP list in place of a string");

/** Root of a trie without entries: the hash of the RLP of the empty string. */
const EMPTY_TRIE_ROOT = keccak256(Uint8Array.of(0x80));
/** Nodes of one proof, and bytes of one node (SPEC 19). */
const MAX_PROOF_NODES = 64;
const MAX_NODE_BYTES = 1024;

/**
 * The value under a key, null if it is proved absent, from a list of nodes that are all used in order (SPEC 11).
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes @param {Uint8Array[]} nodes
 * @throws {CertledgerError} `proof.invalid`
 */
function proveTrieValue(root, hashedKey, nodes) {
  let used = 0;
  if (equal(root, EMPTY_TRIE_ROOT) && !nodes.length) return null;
  const found = findInTrie(root, hashedKey, (hash) => {
    const node = nodes[used];
    if (
      !node ||
      node.length > MAX_NODE_BYTES ||
      (used && node.length < 32) ||
      !equal(keccak256(node), hash)
    ) {
      fail("proof.invalid", `node ${used} of a proof is not the one its parent names`);
    }
    used += 1;
    return node;
  });
  if (used !== nodes.length) fail("proof.invalid", `${nodes.length - used} nodes of a proof are not needed`);
  return found;
}

/**
 * The bytes of an RLP integer, which has no leading zero.
 * @param {Uint8Array} bytes @param {number} width greatest length
 */
function requireRlpInteger(bytes, width) {
  if (bytes.length > width || bytes[0] === 0)
    fail("proof.invalid", `an RLP integer with a leading zero, or of more than ${width} bytes`);
  return bytes;
}

/**
 * Storage root and code hash of an account, null if it is proved absent.
 * @param {Uint8Array} stateRoot @param {Uint8Array} address @param {Uint8Array[]} nodes
 * @throws {CertledgerError} `proof.invalid`
 */
function proveAccount(stateRoot, address, nodes) {
  const found = proveTrieValue(stateRoot, keccak256(address), nodes);
  if (!found) return null;
  const account = decodeRlp(found);
  const parts = "items" in account ? account.items.map(requireRlpString) : [];
  if (parts.length !== 4 || parts[2].length !== 32 || parts[3].length !== 32) {
    fail("proof.invalid", "an account is not [nonce, balance, storage root, code hash]");
  }
  requireRlpInteger(parts[0], 8);
  requireRlpInteger(parts[1], 32);
  return { storageRoot: parts[2], codeHash: parts[3] };
}

/**
 * The 32 bytes of a slot, from its value in the storage trie.
 * @param {Uint8Array | null} found null: absent, so zero
 */
function decodeSlotValue(found) {
  if (!found) return ZERO32;
  const value = requireRlpInteger(requireRlpString(decodeRlp(found)), 32);
  if (!value.length) fail("proof.invalid", "a slot of value zero in the trie");
  return concat(new Uint8Array(32 - value.length), value);
}

/** Position of the slot of an issuer: mapping in slot 0 (SPEC 13). @param {string} issuer */
const issuerSlotPosition = (issuer) => keccak256(concat(utf8(issuer), new Uint8Array(14), ZERO32));

/** Position of the roll, the chain of hashes over all registered issuers (SPEC 13). */
const ROLL_POSITION = uintToBytes(1, 32);

// -------------------- formats/statements.mjs

/** Batch statements and the digest that an issuer signs (SPEC 7, EIP-712). */

/** EIP-712 `typeHash` of a batch. */
const BATCH_TYPE_HASH = keccak256(
  utf8(
    "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count," +
      "bytes32 catalog,bytes32 countersignature,uint64 notAfter)",
  ),
);

/** Certificates of one batch (SPEC 19). */
const MAX_BATCH_CERTIFICATES = 65536;

/** @typedef {ReturnType<typeof readStatement>} Statement */

/**
 * Read a batch statement of full evidence (SPEC 16.1).
 * @param {Json} value @param {string} issuer of the record
 * @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
function readStatement(value, issuer) {
  const read = new ObjectReader(value, "statement");
  const statement = {
    issuer,
    sequence: read.integer("sequence", 1),
    previous: read.binary("previous", 32),
    root: read.binary("root", 32),
    first: read.integer("first", 0, MAX_CERTIFICATES - 1),
    count: read.integer("count", 1, MAX_BATCH_CERTIFICATES),
    catalog: read.binary("catalog", 32),
    countersignature: read.binary("countersignature", 32),
    notAfter: read.integer("not_after", 0, MAX_TIME),
  };
  read.finish();
  return statement;
}

/**
 * Digest of a batch statement, which the issuer signs (SPEC 7, EIP-712).
 * @param {Statement} s @param {Uint8Array} identity of the ledger, its EIP-712 domain separator
 * @returns {Uint8Array}
 */
function batchDigest(s, identity) {
  const structHash = keccak256(
    concat(
      BATCH_TYPE_HASH,
      // bytes18, padded to a word on the right.
      utf8(s.issuer),
      new Uint8Array(14),
      uintToBytes(s.sequence, 32),
      s.previous,
      s.root,
      uintToBytes(s.first, 32),
      uintToBytes(s.count, 32),
      s.catalog,
      s.countersignature,
      uintToBytes(s.notAfter, 32),
    ),
  );
  return keccak256(concat(Uint8Array.of(0x19, 0x01), identity, structHash));
}

// -------------------- formats/status_tree.mjs

/** The tree of status words: 128 certificates a word, two bits each (SPEC 9). */

/** Levels of the tree, which so has room for 2^32 certificates. */
const STATUS_DEPTH = 25;
const CERTIFICATES_PER_WORD = 128;
const STATUSES = ["valid", "revoked", "suspended", "superseded"];

/** Root of a subtree without words, by level: the defaults of SPEC 9. */
const EMPTY_SUBTREES = (() => {
  const found = [ZERO32];
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    found.push(keccak256(concat(found[level], found[level])));
  }
  return found;
})();

/** @typedef {{word: Uint8Array, marks: number, siblings: Uint8Array[]}} WordProof */

/**
 * Read the proof of one word (SPEC 9).
 * @param {Json} value @returns {WordProof} @throws {CertledgerError} `schema.invalid`, `base64.*`
 */
function readWordProof(value) {
  const read = new ObjectReader(value, "status");
  const proof = {
    word: read.binary("word", 32),
    marks: read.integer("marks", 0, 2 ** STATUS_DEPTH - 1),
    siblings: read.hashes("siblings", STATUS_DEPTH),
  };
  read.finish();
  return proof;
}

/**
 * The status root that the proof of a word implies (SPEC 9).
 * @param {WordProof} proof @param {number} position of the word @returns {Uint8Array}
 * @throws {CertledgerError} `proof.invalid`
 */
function impliedStatusRoot(proof, position) {
  let root = proof.word;
  let used = 0;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    let sibling = EMPTY_SUBTREES[level];
    if ((proof.marks >> level) & 1) {
      sibling = proof.siblings[used] ?? fail("proof.invalid", "a status proof has too few siblings");
      if (equal(sibling, EMPTY_SUBTREES[level])) fail("proof.invalid", "a status proof lists a default");
      used += 1;
    }
    root = keccak256((position >> level) & 1 ? concat(sibling, root) : concat(root, sibling));
  }
  if (used !== proof.siblings.length) fail("proof.invalid", "a status proof has too many siblings");
  return root;
}

/** Hash of two nodes in a buffer that every call uses again: trees have many nodes. */
const PAIR = new Uint8Array(64);

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Uint8Array} */
function hashPair(left, right) {
  PAIR.set(left);
  PAIR.set(right, 32);
  return keccak256(PAIR);
}

/**
 * Root of the tree of words (SPEC 9). Memory is one node a level.
 * @param {Iterable<[number, Uint8Array]>} words that are not zero, by ascending position
 */
function statusTreeRoot(words) {
  /** @type {{level: number, at: number, node: Uint8Array}[]} */ const waiting = [];
  /**
   * The node `top` levels above the words that is over `node`; left siblings come from `waiting`.
   * @param {number} at position of the word @param {Uint8Array} node @param {number} top
   */
  const climb = (at, node, top) => {
    for (let level = 0; level < top; level += 1) {
      if (at & 1) {
        const last = waiting.at(-1);
        const known = last?.level === level && last.at === at - 1 ? waiting.pop() : null;
        node = hashPair(known?.node ?? EMPTY_SUBTREES[level], node);
      } else node = hashPair(node, EMPTY_SUBTREES[level]);
      at >>= 1;
    }
    return node;
  };
  /** @type {[number, Uint8Array] | null} */ let last = null;
  for (const [at, word] of words) {
    if (last) {
      // A left child, whose right sibling is over this word.
      const level = 31 - Math.clz32(last[0] ^ at);
      waiting.push({ level, at: last[0] >> level, node: climb(...last, level) });
    }
    last = [at, word];
  }
  return last ? climb(...last, STATUS_DEPTH) : EMPTY_SUBTREES[STATUS_DEPTH];
}

/** Position of the word of a certificate. @param {number} index of the certificate @returns {number} */
const statusWordPosition = (index) => Math.floor(index / CERTIFICATES_PER_WORD);

/**
 * Status of a certificate: bits 2(i mod 128) and 2(i mod 128)+1 of its word, counted from the last byte (SPEC 9).
 * @param {Uint8Array} word @param {number} index of the certificate @returns {string}
 */
function statusAt(word, index) {
  const cell = index % CERTIFICATES_PER_WORD;
  return STATUSES[(word[31 - Math.floor(cell / 4)] >> (2 * (cell % 4))) & 3];
}

// -------------------- formats/evidence.mjs

/** Full evidence (SPEC 16.1). */

const MAX_EVIDENCE_BYTES = 65536;
/** The `type` of full evidence, and its name in a policy's list of versions. */
const EVIDENCE_TYPE = "certledger/evidence/1";

/**
 * A record with disclosures, and the place of each (SPEC 4.4); undefined: its digest is not in the record.
 * @typedef {{record: CertificateRecord, disclosures: Disclosure[], places: (number | undefined)[]}} DisclosedRecord
 */

/**
 * Find the places of disclosures by their digests; of a digest that a record has twice, the last (SPEC 4.3).
 * @param {CertificateRecord} record @param {Disclosure[]} disclosures @returns {DisclosedRecord}
 */
function locateDisclosures(record, disclosures) {
  const places = new Map(record.digests.map((digest, place) => [hex(digest), place]));
  return { record, disclosures, places: disclosures.map(({ digest }) => places.get(hex(digest))) };
}

/** @typedef {ReturnType<typeof readEvidence>} Evidence */

/**
 * Read full evidence. That its parts fit each other is for the checks.
 * @param {Json} value @throws {CertledgerError} of SPEC 18.5
 */
function readEvidence(value) {
  const read = new ObjectReader(value, "evidence");
  read.constant("type", EVIDENCE_TYPE);
  const record = readRecord(read.require("record"));
  const disclosures = read.texts("disclosures", 0, MAX_DIGESTS).map(readDisclosure);
  const evidence = {
    disclosed: locateDisclosures(record, disclosures),
    path: read.hashes("path"),
    presentation: read.has("presentation") ? readPresentation(read.require("presentation")) : null,
    anchor: readAnchor(read.object("anchor")),
    state: readIssuerState(read.require("body")),
    catalog: readEntryProof(read.object("catalog")),
    checkpoint: read.string("checkpoint"),
    proof: readProof(read.object("proof")),
    signature: read.binary("signature", 64),
    signer: read.binary("signer", 64),
    statement: readStatement(read.require("statement"), record.issuer),
    wordProof: readWordProof(read.require("status")),
  };
  const places = evidence.disclosed.places.filter((place) => place !== undefined);
  if (places.some((place, at) => at > 0 && place <= places[at - 1])) {
    fail("schema.invalid", "disclosures do not strictly ascend by place");
  }
  if (evidence.presentation && !record.bound) {
    fail("schema.invalid", "a presentation of a record that is not bound to a holder");
  }
  read.finish();
  return evidence;
}

/** Where the batch was anchored: block, index of the key, path to the peak. @param {ObjectReader} read */
function readAnchor(read) {
  const anchor = {
    block: read.integer("block", 0, MAX_BLOCK),
    key: read.integer("key", 0, MAX_KEYS - 1),
    path: read.hashes("path"),
  };
  read.finish();
  return anchor;
}

/** An entry with its path in the catalog. @param {ObjectReader} read */
function readEntryProof(read) {
  const proof = {
    entry: readEntry(read.require("entry")),
    place: read.integer("place", 0, MAX_ENTRIES - 1),
    count: read.integer("count", 1, MAX_ENTRIES),
    path: read.hashes("path"),
  };
  read.finish();
  return proof;
}

/** Trie nodes of the contract's account and of the issuer's slot. @param {ObjectReader} read */
function readProof(read) {
  /** @param {string} name */
  const nodes = (name) => {
    const found = read.texts(name, 1, MAX_PROOF_NODES).map(decodeBase64Url);
    if (found.some((node) => node.length > MAX_NODE_BYTES))
      read.fail(name, `nodes of at most ${MAX_NODE_BYTES} bytes`);
    return found;
  };
  const proof = { account: nodes("account"), slot: nodes("slot") };
  read.finish();
  return proof;
}

// -------------------- formats/compact_evidence.mjs

/** Compact evidence, for a QR code (SPEC 16.2). */

/** The name of this version in a policy's list. */
const COMPACT_TYPE = "certledger/compact/1";

const COMPACT_PREFIX = "CL1:";
const COMPACT_VERSION = 1;
/** Normal form of an access code (SPEC 4.2). */
const ACCESS_CODE_PATTERN = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const MAX_COMPACT_CHARACTERS = 4096;
/** Elements of the item without a presentation. */
const COMPACT_ELEMENTS = 5;
const MAX_PATH_HASHES = 32;
/** Bytes of a code, salt, id or signature before the readers of JSON check them. */
const MAX_SHORT_BYTES = 64;
const FIRST_DAY = /** @type {number} */ (dayNumber(1, 1, 1));
const LAST_DAY = /** @type {number} */ (dayNumber(9999, 12, 31));

/** @typedef {{place: number, salt: string, value: Value}} CompactDisclosure its place gives the name */

/** @typedef {ReturnType<typeof parseCompactEvidence>} CompactEvidence */

/**
 * Parse the text of a code.
 * @param {string} text @throws {CertledgerError} `base45.invalid`, `compact.*`, and those of records
 */
function parseCompactEvidence(text) {
  if (text.length > MAX_COMPACT_CHARACTERS || !text.startsWith(COMPACT_PREFIX)) {
    fail(
      "compact.invalid",
      `a code does not start with ${COMPACT_PREFIX}, or is longer than ${MAX_COMPACT_CHARACTERS} characters`,
    );
  }
  const packed = decodeBase45(text.slice(COMPACT_PREFIX.length));
  const reader = new CborReader(packed, "compact.invalid", "compact.not_canonical");
  const size = reader.list(1, COMPACT_ELEMENTS + 1);
  if (reader.integer() !== COMPACT_VERSION) fail("compact.version", `not version ${COMPACT_VERSION}`);
  reader.expect(size >= COMPACT_ELEMENTS, `a list of ${COMPACT_ELEMENTS} or more`);
  const ledger = reader.binary(8, 8);
  const record = decodeRecord(reader);
  const compact = {
    /** First 8 bytes of the ledger's identity. */ ledger,
    record,
    path: decodePath(reader),
    disclosures: decodeDisclosures(reader, record.digests.length),
    presentation: size > COMPACT_ELEMENTS ? decodePresentation(reader) : null,
  };
  reader.finish();
  if (compact.presentation && !compact.record.bound) {
    fail("compact.invalid", "a presentation of a record that is not bound");
  }
  return compact;
}

/**
 * The record, checked by the reader of its JSON, so that both forms obey one set of rules.
 * @param {CborReader} reader
 */
function decodeRecord(reader) {
  reader.list(12, 12);
  const day = () => formatDay(reader.integer(FIRST_DAY, LAST_DAY));
  /** @type {{[name: string]: Json}} */ const value = { type: "certledger/record/1" };
  value.issuer = reader.text(MAX_SHORT_BYTES);
  value.index = reader.integer();
  value.id = encodeBase64Url(reader.binary(0, MAX_SHORT_BYTES));
  value.edition = reader.integer();
  if (!reader.skipNull()) value.replaces = reader.integer();
  value.category = reader.text(MAX_SHORT_BYTES);
  value.entry = reader.integer();
  value.holder = HOLDER_KINDS[reader.integer(0, HOLDER_KINDS.length - 1)];
  value.issued = day();
  if (!reader.skipNull()) value.expires = day();
  value.bound = reader.boolean();
  value.digests = encodeBase64Url(reader.binary(0, 32 * MAX_DIGESTS));
  return readRecord(/** @type {Json} */ (value));
}

/**
 * Text of a code, the inverse of `parseCompactEvidence`.
 * @param {Uint8Array} identity of the ledger @param {DisclosedRecord} disclosed by ascending place
 * @param {Uint8Array[]} path @param {Presentation | null} presentation @returns {string}
 */
function formatCompactEvidence(identity, { record, disclosures, places }, path, presentation) {
  const { audience, nonce, time, signature } = presentation ?? {};
  return (
    COMPACT_PREFIX +
    encodeBase45(
      encodeCbor([
        COMPACT_VERSION,
        identity.subarray(0, 8),
        encodeRecord(record),
        concatAll(path),
        disclosures.map(({ salt, value }, at) => [
          places[at],
          places[at] === 0 ? salt : decodeBase64Url(salt),
          encodeValue(value),
        ]),
        ...(presentation ? [[audience, nonce, time, signature]] : []),
      ]),
    )
  );
}

/** Inverse of `decodeRecord`. @param {CertificateRecord} record @returns {Cbor} */
const encodeRecord = (record) => [
  record.issuer,
  record.index,
  record.id,
  record.edition,
  record.replaces,
  record.category,
  record.entry,
  HOLDER_KINDS.indexOf(record.holder),
  record.issued,
  record.expires,
  record.bound,
  concatAll(record.digests),
];

/** Inverse of `decodeValue`. @param {Value} value @returns {Cbor} */
function encodeValue(value) {
  if (typeof value === "string") return value;
  const digests = [value.sha256, value.sm3].filter((digest) => digest !== undefined).map(hexToBytes);
  return [digests[0], value.size, ...digests.slice(1)];
}

/** The inclusion path. @param {CborReader} reader */
function decodePath(reader) {
  const path = reader.binary(0, 32 * MAX_PATH_HASHES);
  if (path.length % 32) fail("compact.invalid", `a path of ${path.length} bytes is not a list of hashes`);
  return chunks(path, 32);
}

/**
 * Disclosures by strictly ascending place.
 * @param {CborReader} reader @param {number} places of the record @returns {CompactDisclosure[]}
 */
function decodeDisclosures(reader, places) {
  let place = -1;
  return reader.items(places, () => {
    reader.list(3, 3);
    place = reader.integer(place + 1, places - 1);
    const salt = place === 0 ? reader.text(MAX_SHORT_BYTES) : encodeBase64Url(reader.binary(16, 16));
    if (place === 0 && !ACCESS_CODE_PATTERN.test(salt))
      fail("compact.invalid", "the salt of place 0 is not an access code in its normal form");
    return { place, salt, value: decodeValue(reader) };
  });
}

/** A field's text or a document's description. @param {CborReader} reader @returns {Value} */
function decodeValue(reader) {
  if (reader.majorType() === TEXT) {
    const value = reader.text(4 * MAX_VALUE_CHARACTERS);
    checkFieldValue(value);
    return value;
  }
  const size = reader.list(2, 3);
  const digest = () => hex(reader.binary(32, 32));
  const [sha, length] = [digest(), reader.integer()];
  const document = { sha256: sha, size: length, ...(size > 2 ? { sm3: digest() } : {}) };
  checkDocument(document);
  return document;
}

/** The presentation, checked by the reader of its JSON. @param {CborReader} reader */
function decodePresentation(reader) {
  reader.list(4, 4);
  const [audience, nonce, time] = [
    reader.text(MAX_SHORT_BYTES),
    reader.text(MAX_SHORT_BYTES),
    reader.integer(),
  ];
  const signature = encodeBase64Url(reader.binary(0, MAX_SHORT_BYTES));
  return readPresentation(/** @type {Json} */ ({ audience, nonce, time, signature }));
}

/**
 * A disclosure with the name that the entry has at its place.
 * @param {CompactDisclosure} disclosure @param {Entry} entry @param {boolean} bound @returns {Disclosure}
 */
function nameDisclosure({ place, salt, value }, entry, bound) {
  const name = fieldNameAt(entry, place, bound);
  return { salt, name, value, digest: disclosureDigest(formatDisclosure(salt, name, value)) };
}

/**
 * Name the disclosures of a code. One whose digest has another place than it names, or whose value is of another
 * kind than its place has, is not the record's (SPEC 4.6, 16.2): its place becomes undefined.
 * @param {CertificateRecord} record @param {CompactDisclosure[]} compact @param {Entry} entry
 * @returns {DisclosedRecord}
 */
function locateCompactDisclosures(record, compact, entry) {
  const found = locateDisclosures(
    record,
    compact.map((part) => nameDisclosure(part, entry, record.bound)),
  );
  const places = found.disclosures.map(({ name, value }, at) => {
    const fits =
      found.places[at] === compact[at].place && (typeof value === "object") === (name === DOCUMENT_FIELD);
    return fits ? found.places[at] : undefined;
  });
  return { ...found, places };
}

// -------------------- formats/short_link.mjs

/** The short link that certificates print: number and access code in a URL's fragment (SPEC 4.9). */

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
function formatShortLink(address, number, code) {
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
function parseShortLink(text) {
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

// -------------------- formats/checkpoint.mjs

/**
 * Checkpoints and their cosignatures (SPEC 14, C2SP signed-note and tlog-cosignature).
 *
 * What is wrong with a note is `checkpoint.unusable`.
 */

const MAX_NOTE_BYTES = 4096;
/** Lines of one note, known or not: each known one costs the verification of a signature. */
const MAX_SIGNATURE_LINES = 16;
const WITNESS_NAME_PATTERN = /^[!-*,-~]{1,128}$/;

/**
 * @typedef {object} Checkpoint
 * @property {string} text the five lines, which witnesses sign
 * @property {Uint8Array} identity of the ledger
 * @property {number} number of the block
 * @property {Uint8Array} stateRoot
 * @property {Uint8Array} blockHash
 * @property {number} time of the block, in seconds
 */

/** @typedef {{name: string, keyId: Uint8Array, time: number, signature: Uint8Array}} Cosignature */

/** @typedef {{checkpoint: Checkpoint, cosignatures: Cosignature[]}} Note */

/** @param {string} problem @returns {never} */
const failNote = (problem) => fail("checkpoint.unusable", problem);

/** @param {string | bigint} digits @param {number} max */
function parseNoteNumber(digits, max) {
  return BigInt(digits) <= BigInt(max) ? Number(digits) : failNote(`${digits} in a note is over ${max}`);
}

/** @param {string} text padded base64 */
const decodeNoteBytes = (text) =>
  tryDecodeBase64(text) ?? failNote("bytes of a note are not canonical base64");

/** Parse a note. @param {string} text @returns {Note} @throws {CertledgerError} `checkpoint.unusable` */
function parseNote(text) {
  if (utf8(text).length > MAX_NOTE_BYTES) failNote(`a note is longer than ${MAX_NOTE_BYTES} bytes`);
  const found = new RegExp(
    "^(certledger/1/([0-9a-f]{64})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n" +
      "block ([0-9a-f]{64})\ntime (0|[1-9][0-9]{0,18})\n)\n",
  ).exec(text);
  if (!found) return failNote("a note does not start with the five lines of a checkpoint and an empty one");
  const checkpoint = {
    text: found[1],
    identity: hexToBytes(found[2]),
    number: parseNoteNumber(found[3], MAX_BLOCK),
    stateRoot: decodeNoteBytes(found[4]),
    blockHash: hexToBytes(found[5]),
    time: parseNoteNumber(found[6], MAX_TIME),
  };
  const rest = text.slice(found[0].length);
  if (rest && !rest.endsWith("\n")) failNote("a note ends within a line");
  const lines = rest.split("\n").slice(0, -1);
  if (lines.length > MAX_SIGNATURE_LINES)
    failNote(`a note has ${lines.length} signature lines, more than ${MAX_SIGNATURE_LINES}`);
  const cosignatures = lines.map(parseCosignature);
  const order = cosignatures.map(({ name, keyId }) => `${name} ${hex(keyId)}`);
  if (!order.every((line, at) => at === 0 || line > order[at - 1])) {
    failNote("the signature lines of a note do not strictly ascend by name and key id");
  }
  return { checkpoint, cosignatures };
}

/**
 * Parse a signature line: payload is `key id 4 ‖ u64(time) ‖ signature 64`.
 * @param {string} line @returns {Cosignature}
 */
function parseCosignature(line) {
  const found = /^\u2014 ([!-*,-~]{1,128}) ([A-Za-z0-9+/]{102}==)$/.exec(line);
  if (!found) return failNote("a signature line of a note is not of the form of a cosignature");
  const payload = decodeNoteBytes(found[2]);
  return {
    name: found[1],
    keyId: payload.subarray(0, 4),
    time: parseNoteNumber(bytesToBigInt(payload.subarray(4, 12)), MAX_TIME),
    signature: payload.subarray(12),
  };
}

/**
 * Key id of a witness's key under its name (C2SP tlog-cosignature v1).
 * @param {string} name @param {Uint8Array} key
 */
const witnessKeyId = (name, key) =>
  sha256(concat(utf8(name), Uint8Array.of(0x0a, 0x04), key)).subarray(0, 4);

/**
 * Whether a line is a cosignature of a checkpoint by a key (C2SP tlog-cosignature v1).
 * @param {Checkpoint} checkpoint @param {Cosignature} line @param {Uint8Array} key
 */
const verifyCosignature = (checkpoint, line, key) =>
  verifyEd25519(key, utf8(`cosignature/v1\ntime ${line.time}\n${checkpoint.text}`), line.signature);

// -------------------- formats/policy.mjs

/** The members of a trust policy (SPEC 15). */

/** Ways to trust a block. */
const TRUST_WAYS = ["node", "rpc", "witnesses"];
/** Characters of the name of a ledger or operator. */
const MAX_NAME_CHARACTERS = 128;

/** @typedef {ReturnType<typeof readLedger>} Ledger */

/** @typedef {ReturnType<typeof readWitness>} Witness */

/**
 * Read the policy of a signed file. Spans are in seconds; `from` and `until` are blocks, `confirmations` a number of
 * blocks.
 * @param {Json} value @throws {CertledgerError} `schema.*`, `hex.invalid`, `time.invalid`
 */
function readPolicy(value) {
  const read = new ObjectReader(value, "policy");
  read.constant("type", "certledger/policy/1");
  const ages = read.object("max_age");
  const policy = {
    version: read.integer("version", 1),
    ends: readInstant(read, "ends"),
    roots: readRoots(read.object("roots")),
    ledgers: read.objects("ledgers", 1, 16, readLedger),
    trust: readTrust(read.object("trust")),
    witnesses: read.objects("witnesses", 0, 256, readWitness),
    blockLag: read.integer("block_lag", 0, MAX_UINT32),
    defaultAge: ages.integer("default", 0, MAX_UINT32),
    ages: readAges(ages),
    clockTolerance: read.integer("clock_tolerance", 0, MAX_UINT32),
    presentationAge: read.integer("presentation_age", 0, MAX_UINT32),
    evidence: readVersions(read),
    countersignature: read.boolean("countersignature"),
    text: canonicalText(value),
  };
  ages.finish();
  read.finish();
  checkDistinctParts(policy.ledgers, policy.witnesses);
  /** @param {Witness} witness */
  const isKnown = ({ ledger }) =>
    !ledger || policy.ledgers.some(({ identity }) => equal(identity, ledger));
  if (!policy.witnesses.every(isKnown)) {
    fail("schema.invalid", "a witness names a ledger that the policy has not");
  }
  const operators = new Set(policy.witnesses.map(({ operator }) => operator)).size;
  const { ways, threshold } = policy.trust;
  if (ways.includes("witnesses") && operators < threshold) {
    fail(
      "schema.invalid",
      `policy.trust.threshold is ${threshold}, but the policy has ${operators} operators`,
    );
  }
  return policy;
}

/**
 * Check that witnesses ascend by name, and that no two ledgers or witnesses share an identity, name or key.
 * @param {Ledger[]} ledgers @param {Witness[]} witnesses @throws {CertledgerError} `schema.invalid`
 */
function checkDistinctParts(ledgers, witnesses) {
  checkAscending(
    "policy.witnesses",
    witnesses.map(({ name }) => name),
  );
  checkDistinct(
    "identities of ledgers",
    ledgers.map(({ identity }) => hex(identity)),
  );
  checkDistinct(
    "names of ledgers",
    ledgers.map(({ name }) => name),
  );
  checkDistinct(
    "keys of witnesses",
    witnesses.map(({ key }) => hex(key)),
  );
}

/** Bytes in hexadecimal. @param {ObjectReader} read @param {string} name @param {number} size in bytes */
const readHex = (read, name, size) => decodeHex(read.text(name), size);

/**
 * Bytes of an Ethereum address or hash, behind `0x`.
 * @param {ObjectReader} read @param {string} name @param {number} size
 */
function readPrefixedHex(read, name, size) {
  const text = read.text(name);
  return text.startsWith("0x") ? decodeHex(text.slice(2), size) : read.fail(name, "0x and lower-case hex");
}

/** An instant since 1970, in seconds. @param {ObjectReader} read @param {string} name */
function readInstant(read, name) {
  const seconds = parseTime(read.text(name));
  return seconds >= 0 ? seconds : read.fail(name, "a time since 1970");
}

/** Keys of the policy's parties, and how many of them sign its successor. @param {ObjectReader} read */
function readRoots(read) {
  const keys = read.texts("keys", 1, 64);
  keys.forEach((key) => decodeHex(key, 32));
  checkAscending("policy.roots.keys", keys);
  const roots = { keys, threshold: read.integer("threshold", 1, keys.length) };
  read.finish();
  return roots;
}

/** @param {ObjectReader} read */
function readLedger(read) {
  const identity = readPrefixedHex(read, "identity", 32);
  return {
    identity,
    name: read.text("name", null, MAX_NAME_CHARACTERS),
    chainId: read.integer("chain_id", 1),
    genesis: readPrefixedHex(read, "genesis", 32),
    address: readPrefixedHex(read, "address", 20),
    codeHash: readPrefixedHex(read, "code_hash", 32),
    deployment: readPrefixedHex(read, "deployment", 32),
    retired: read.has("retired") ? readRetired(read, identity) : null,
  };
}

/**
 * The last checkpoint of a retired ledger, for which the policy's signatures stand in place of cosignatures.
 * @param {ObjectReader} read @param {Uint8Array} identity of the ledger
 */
function readRetired(read, identity) {
  const text = read.text("retired");
  const note = valueOrNull(() => parseNote(text));
  if (note && !note.cosignatures.length && equal(note.checkpoint.identity, identity)) return note.checkpoint;
  return read.fail("retired", "a checkpoint of this ledger without cosignatures");
}

/** How blocks are trusted. @param {ObjectReader} read */
function readTrust(read) {
  const ways = read.texts("ways", 1, TRUST_WAYS.length);
  if (!ways.every((way) => TRUST_WAYS.includes(way))) read.fail("ways", `a list of ${TRUST_WAYS}`);
  checkAscending("policy.trust.ways", ways);
  const trust = {
    ways,
    threshold: read.integer("threshold", 1, MAX_SIGNATURE_LINES),
    confirmations: read.integer("confirmations", 0, MAX_UINT32),
  };
  read.finish();
  return trust;
}

/**
 * A witness, in service at the blocks `from` to `until` of `ledger`, null for every ledger.
 * @param {ObjectReader} read
 */
function readWitness(read) {
  const from = read.integer("from", 0, MAX_BLOCK);
  return {
    from,
    operator: read.text("operator", null, MAX_NAME_CHARACTERS),
    name: read.text("name", WITNESS_NAME_PATTERN),
    key: readHex(read, "key", 32),
    until: read.has("until") ? read.integer("until", from, MAX_BLOCK) : null,
    ledger: read.has("ledger") ? readPrefixedHex(read, "ledger", 32) : null,
  };
}

/**
 * Greatest age of a status by category, in seconds.
 * @param {ObjectReader} read @returns {Map<string, number>}
 */
function readAges(read) {
  const pairs = read.objects(
    "categories",
    0,
    1024,
    (inner) =>
      /** @type {[string, number]} */ ([
        inner.text("category", CATEGORY_PATTERN),
        inner.integer("seconds", 0, MAX_UINT32),
      ]),
  );
  checkAscending(
    "policy.max_age.categories",
    pairs.map(([category]) => category),
  );
  return new Map(pairs);
}

/** Versions of evidence, codes and snapshots that the policy accepts. @param {ObjectReader} read */
function readVersions(read) {
  const versions = read.texts("evidence", 1, 16);
  if (!versions.every((text) => /^certledger\/[a-z]+\/[1-9][0-9]{0,3}$/.test(text))) {
    read.fail("evidence", "a list of versions like certledger/evidence/1");
  }
  checkAscending("policy.evidence", versions);
  return versions;
}

/**
 * The policy's ledger of an identity, if it has one.
 * @param {Policy} policy @param {Uint8Array} identity @returns {Ledger | undefined}
 */
const findLedger = (policy, identity) =>
  policy.ledgers.find((ledger) => equal(ledger.identity, identity));

// -------------------- formats/signed_policy.mjs

/** Signed trust policies and their succession (SPEC 15). */

const MAX_POLICY_BYTES = 65536;
const MAX_SIGNATURES = 128;
/** What root keys sign is this and the canonical policy. */
const POLICY_PREFIX = "certledger/policy/1\n";

/**
 * @typedef {ReturnType<typeof readPolicy> & {signers: Set<string>}} Policy `signers`: keys in hex whose
 *   signatures verify
 */

/**
 * Parse a signed policy, and verify that its signatures reach the threshold of its own roots.
 * @param {Uint8Array} bytes @returns {Policy}
 * @throws {CertledgerError} `json.*`, `schema.*` and others of form; `policy.unsigned`
 */
function parsePolicy(bytes) {
  const read = new ObjectReader(parseCanonical(bytes, MAX_POLICY_BYTES), "file");
  const value = read.require("policy");
  const policy = readPolicy(value);
  const signatures = read.objects("signatures", 0, MAX_SIGNATURES, (inner) => ({
    key: readHex(inner, "key", 32),
    signature: readHex(inner, "signature", 64),
  }));
  read.finish();
  checkAscending(
    "file.signatures",
    signatures.map(({ key }) => hex(key)),
  );
  const message = concat(utf8(POLICY_PREFIX), canonicalBytes(value));
  for (const { key, signature } of signatures) {
    if (!verifyEd25519(key, message, signature))
      fail("policy.unsigned", `the signature by ${hex(key)} does not verify`);
  }
  const signed = { ...policy, signers: new Set(signatures.map(({ key }) => hex(key))) };
  checkThreshold(signed, policy.roots);
  return signed;
}

/**
 * Check that enough of some root keys have signed.
 * @param {Policy} policy @param {Policy["roots"]} roots @throws {CertledgerError} `policy.unsigned`
 */
function checkThreshold(policy, roots) {
  const count = roots.keys.filter((key) => policy.signers.has(key)).length;
  if (count < roots.threshold)
    fail(
      "policy.unsigned",
      `${count} of the root keys have signed, which is less than the threshold ${roots.threshold}`,
    );
}

/**
 * Check that a policy follows the current one, or is the same by its canonical bytes.
 * @param {Policy} current @param {Policy} next @throws {CertledgerError} `policy.older`, `policy.unsigned`
 */
function checkSuccession(current, next) {
  if (next.version < current.version)
    fail("policy.older", `version ${next.version} would replace ${current.version}`);
  if (next.version > current.version) checkThreshold(next, current.roots);
  else if (next.text !== current.text) fail("policy.older", `another policy has version ${current.version}`);
}

/**
 * The policies of a chain that are newer than the current one, each checked to follow the one before.
 *
 * A chain may begin before the current policy, but not end before it.
 * @param {Policy | null} current null before the first @param {Policy[]} chain oldest first
 * @returns {Policy[]}
 * @throws {CertledgerError} `policy.older`, `policy.unsigned`
 */
function findSuccessors(current, chain) {
  chain.slice(1).forEach((next, at) => checkSuccession(chain[at], next));
  const version = current?.version ?? 0;
  if (current && chain.length)
    checkSuccession(current, chain.find((policy) => policy.version >= version) ?? chain[chain.length - 1]);
  const newer = chain.filter((policy) => policy.version > version);
  return newer.filter((policy, at) => at === 0 || policy.version > newer[at - 1].version);
}

// -------------------- formats/fingerprint.mjs

/** Fingerprints of policies, for people to compare: hexadecimal, or proquint words (SPEC 15). */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
/**
 * The letters of a word: where the bits of each lie in its 16, and which letters it may be.
 * @type {[number, string][]}
 */
const WORD_SHAPE = [
  [12, CONSONANTS],
  [10, VOWELS],
  [6, CONSONANTS],
  [4, VOWELS],
  [0, CONSONANTS],
];

const FINGERPRINT_WORDS = 8;
const MAX_FINGERPRINT_CHARACTERS = 200;

/**
 * The fingerprint of a policy in hexadecimal, and its first 16 bytes in words.
 * @param {Policy} policy @returns {{hex: string, words: string}}
 */
function policyFingerprint(policy) {
  const digest = sha256(concat(utf8(POLICY_PREFIX), utf8(policy.text)));
  const words = [];
  for (let at = 0; at < 2 * FINGERPRINT_WORDS; at += 2) {
    const number = (digest[at] << 8) | digest[at + 1];
    const letters = WORD_SHAPE.map(([shift, choice]) => choice[(number >> shift) & (choice.length - 1)]);
    words.push(letters.join(""));
  }
  return { hex: hex(digest), words: words.join(" ") };
}

/**
 * Check a fingerprint that a person typed, in hexadecimal or in words, against a policy.
 * @param {Policy} policy @param {string} text
 * @throws {CertledgerError} `fingerprint.invalid`, `policy.fingerprint`
 */
function checkFingerprint(policy, text) {
  const word = WORD_SHAPE.map(([, choice]) => `[${choice}]`).join("");
  const form = new RegExp(`^(?:[0-9a-f]{64}|(?:${word}){${FINGERPRINT_WORDS}})$`);
  const letters = text.replace(/[ \t\r\n:-]+/g, "").toLowerCase();
  // Some capitals of other alphabets have a lower case in ASCII (the Kelvin sign, the dotted I).
  const ascii = /^[\0-\x7f]*$/.test(text);
  if (!ascii || text.length > MAX_FINGERPRINT_CHARACTERS || !form.test(letters))
    fail("fingerprint.invalid", "neither 64 hex digits nor eight words");
  const found = policyFingerprint(policy);
  if (letters !== found.hex && letters !== found.words.replaceAll(" ", ""))
    fail("policy.fingerprint", `version ${policy.version} has the fingerprint ${found.words}`);
}

// -------------------- present/holding.mjs

/** A holder's evidence with all disclosures, of which chosen ones are shown (SPEC 16). */

const MAX_HOLDING_BYTES = 262144;

/**
 * A field that can be shown: its place in the record, and whether the category requires it.
 * @typedef {{place: number, text: string, disclosure: Disclosure, required: boolean}} HolderField
 */

/** @typedef {{json: {[name: string]: Json}, evidence: Evidence, identity: Uint8Array, fields: HolderField[]}} Holding */

/**
 * Open evidence and the holder's own file, which has every disclosure; without it those of the evidence.
 * @param {Uint8Array} evidenceFile @param {Uint8Array | null} holderFile @returns {Holding}
 * @throws {CertledgerError} of SPEC 18.5; `disclosure.foreign` where the two are of different certificates
 */
function openHolding(evidenceFile, holderFile) {
  const json = /** @type {{[name: string]: Json}} */ (parseCanonical(evidenceFile, MAX_EVIDENCE_BYTES));
  const evidence = readEvidence(json);
  const { record } = evidence.disclosed;
  const texts = holderFile
    ? readHolderFile(holderFile, record.leaf)
    : /** @type {string[]} */ (json.disclosures);
  const disclosures = texts.map(readDisclosure);
  const { places } = locateDisclosures(record, disclosures);
  const shown = [NUMBER_FIELD, ...evidence.catalog.entry.shown];
  const fields = disclosures.map((disclosure, at) => ({
    place: places[at] ?? fail("disclosure.foreign", `${disclosure.name} is not of this record`),
    text: texts[at],
    disclosure,
    required: shown.includes(disclosure.name),
  }));
  const { identity } = parseNote(evidence.checkpoint).checkpoint;
  return { json, evidence, identity, fields: fields.sort((left, right) => left.place - right.place) };
}

/** Texts of the disclosures in a holder's file. @param {Uint8Array} file @param {Uint8Array} leaf of the evidence */
function readHolderFile(file, leaf) {
  const read = new ObjectReader(parseCanonical(file, MAX_HOLDING_BYTES), "holding");
  read.constant("type", "certledger/holding/1");
  const record = readRecord(read.require("record"));
  const texts = read.texts("disclosures", 1, MAX_DIGESTS);
  read.texts("names", 0, MAX_DIGESTS);
  read.finish();
  if (!equal(record.leaf, leaf)) fail("disclosure.foreign", "the two files are of different certificates");
  return texts;
}

/**
 * The same holding with chosen fields only; a holder key comes with a signature.
 * @param {Holding} holding @param {Set<number>} places @param {boolean} isSigned
 * @returns {Holding}
 */
function showFields(holding, places, isSigned) {
  const fields = holding.fields.filter(
    ({ place, disclosure }) => places.has(place) || (isSigned && disclosure.name === HOLDER_KEY_FIELD),
  );
  const { presentation: _, ...json } = holding.json;
  return { ...holding, fields, json: { ...json, disclosures: fields.map(({ text }) => text) } };
}

/**
 * What the holder's key signs for a counter.
 * @param {Holding} shown @param {{audience: string, nonce: string, time: number}} request
 * @throws {CertledgerError} `holder.word`, an audience or nonce that cannot be one
 */
function messageToSign({ evidence, identity, fields }, request) {
  for (const text of [request.audience, request.nonce]) {
    if (!TOKEN_PATTERN.test(text)) fail("holder.word", `${text} cannot be an audience or a nonce`);
  }
  const disclosures = fields.map(({ disclosure }) => disclosure);
  return presentationMessage(request, identity, evidence.disclosed.record.leaf, disclosures);
}

/** @typedef {{audience: string, nonce: string, time: number, signature: Uint8Array}} SignedPresentation */

/** The evidence file. @param {Holding} shown @param {SignedPresentation | null} presentation @returns {Uint8Array} */
function fileOf({ json }, presentation) {
  if (!presentation) return canonicalBytes(json);
  const signature = encodeBase64Url(presentation.signature);
  return canonicalBytes({ ...json, presentation: { ...presentation, signature } });
}

/** The text of a code. @param {Holding} shown @param {SignedPresentation | null} presentation */
function codeOf({ evidence, identity, fields }, presentation) {
  const disclosed = {
    record: evidence.disclosed.record,
    disclosures: fields.map(({ disclosure }) => disclosure),
    places: fields.map(({ place }) => place),
  };
  return formatCompactEvidence(identity, disclosed, evidence.path, presentation);
}

// -------------------- verify/codes.mjs

/**
 * The codes of checks and warnings: outcome, advice and sentences (SPEC 18.3, tests/vectors/codes.json).
 */

/**
 * @typedef {{outcome: string, advice: string, en: string, zh: string}} CodeMeaning `en` is the `detail` of a
 *   result
 */

/**
 * Outcome `pass`, `fail` or `unknown`; advice `refuse`, `retry` or `ask_holder`; a sentence in two languages.
 * @type {Map<string, CodeMeaning>}
 */
const CODES = new Map(
  [
    ["ok", "pass", "", "passed", "通过"],
    [
      "evidence.unusable",
      "unknown",
      "ask_holder",
      "the file cannot be read as evidence",
      "该文件不是可读的核验凭据",
    ],
    [
      "block.needed",
      "unknown",
      "ask_holder",
      "not judged, because the block is not trusted",
      "区块未获信任，未作判断",
    ],
    [
      "anchor.needed",
      "unknown",
      "ask_holder",
      "not judged, because the anchor is not proved",
      "锚定未获证明，未作判断",
    ],
    [
      "content.field_differs",
      "fail",
      "refuse",
      "a field shown is not what was certified",
      "出示的内容与签发内容不一致",
    ],
    [
      "content.name_differs",
      "fail",
      "refuse",
      "a field is shown under another name",
      "出示的内容与其名称不符",
    ],
    [
      "content.document_differs",
      "fail",
      "refuse",
      "the document is not the one that was certified",
      "文件与签发时的文件不一致",
    ],
    [
      "content.nothing_compared",
      "unknown",
      "ask_holder",
      "neither the document nor all the fields that must be shown were compared",
      "未比对文件，也未出示全部必需的内容",
    ],
    ["content.sm3_unavailable", "unknown", "retry", "this machine cannot compute SM3", "本机不能计算 SM3"],
    [
      "inclusion.path_differs",
      "fail",
      "refuse",
      "the certificate is not in the batch it names",
      "该证照不在其所称的批次中",
    ],
    [
      "inclusion.index_outside",
      "fail",
      "refuse",
      "the certificate's index lies outside its batch",
      "该证照的序号不在其批次范围内",
    ],
    [
      "inclusion.path_unusable",
      "unknown",
      "retry",
      "the path that was fetched does not lead to the batch",
      "取得的路径不能证明该证照在批次中",
    ],
    [
      "anchor.state_differs",
      "fail",
      "refuse",
      "the chain holds another state of the issuer",
      "链上的发证机构状态与此不同",
    ],
    [
      "anchor.other_contract",
      "fail",
      "refuse",
      "the chain holds another contract at this address",
      "链上该地址的合约不是约定的合约",
    ],
    [
      "anchor.body_absent",
      "unknown",
      "ask_holder",
      "the issuer was not registered at this block",
      "截至该区块，发证机构尚未登记",
    ],
    [
      "anchor.name_absent",
      "unknown",
      "ask_holder",
      "the name of the issuer is not at hand here",
      "此处没有发证机构的名称",
    ],
    [
      "anchor.catalog_absent",
      "unknown",
      "ask_holder",
      "the catalog under the batch is not at hand here",
      "此处没有该批次所依据的证照目录",
    ],
    [
      "anchor.batch_pending",
      "unknown",
      "ask_holder",
      "the batch was not anchored at this block",
      "截至该区块，该批次尚未锚定",
    ],
    [
      "anchor.batch_unproved",
      "unknown",
      "ask_holder",
      "the batch is not proved under the issuer's state",
      "批次未能在机构状态下得到证明",
    ],
    [
      "anchor.proof_unusable",
      "unknown",
      "ask_holder",
      "the proof of the issuer's state does not verify",
      "机构状态的证明无法通过验证",
    ],
    [
      "anchor.other_body",
      "unknown",
      "ask_holder",
      "the state belongs to another issuer",
      "所附状态属于另一发证机构",
    ],
    [
      "signature.key_ended",
      "fail",
      "refuse",
      "the signing key had ended when the batch was anchored: ask the issuer to issue again",
      "锚定时签名密钥已失效：请发证机构重新签发",
    ],
    ["signature.purpose", "fail", "refuse", "the signing key may not sign batches", "签名密钥无权签署批次"],
    [
      "signature.damaged",
      "unknown",
      "ask_holder",
      "the signature in the file does not verify",
      "文件中的签名无法通过验证",
    ],
    [
      "signature.signer_differs",
      "unknown",
      "ask_holder",
      "the public key in the file is not the recorded key",
      "文件中的公钥不是登记的密钥",
    ],
    [
      "signature.countersignature_missing",
      "unknown",
      "ask_holder",
      "the policy asks for a countersignature",
      "信任策略要求副署签名",
    ],
    [
      "entitlement.category_absent",
      "fail",
      "refuse",
      "the issuer was never granted this category",
      "发证机构从未获准签发该类证照",
    ],
    [
      "entitlement.holder_kind",
      "fail",
      "refuse",
      "the category is for another kind of holder",
      "该类证照的持证主体类型不符",
    ],
    [
      "entitlement.validity_too_long",
      "fail",
      "refuse",
      "it is valid for longer than its category allows",
      "有效期超过该类证照的上限",
    ],
    [
      "entitlement.fields_missing",
      "fail",
      "refuse",
      "it has fewer fields than its category",
      "内容少于该类证照的规定",
    ],
    [
      "entitlement.entry_unproved",
      "unknown",
      "ask_holder",
      "the category is not proved under the issuer's catalog",
      "该类别未能在机构目录中得到证明",
    ],
    [
      "entitlement.entry_differs",
      "unknown",
      "ask_holder",
      "the catalog entry is of another category or version",
      "所附目录条目属于其他类别或版本",
    ],
    [
      "block.other_ledger",
      "unknown",
      "ask_holder",
      "the policy does not know this ledger",
      "信任策略中没有该账本",
    ],
    [
      "block.untrusted",
      "unknown",
      "ask_holder",
      "nothing the policy trusts speaks for this block",
      "没有受信方为该区块作证",
    ],
    [
      "block.witnesses_too_few",
      "unknown",
      "ask_holder",
      "too few operators have witnessed this block",
      "见证该区块的机构数量不足",
    ],
    [
      "block.clock",
      "unknown",
      "ask_holder",
      "the witnesses' time and the block's time do not fit",
      "见证时间与区块时间不符",
    ],
    ["block.not_final", "unknown", "retry", "the block is not final yet", "该区块尚未最终确定"],
    [
      "block.differs",
      "unknown",
      "ask_holder",
      "the node knows another block of this number",
      "节点上该高度是另一个区块",
    ],
    ["block.node_unreachable", "unknown", "retry", "the node could not be reached", "无法连接节点"],
    [
      "policy.ended",
      "unknown",
      "retry",
      "the trust policy has ended: fetch the new one",
      "信任策略已到期：请更新",
    ],
    [
      "checkpoint.unusable",
      "unknown",
      "ask_holder",
      "the checkpoint is damaged or signed by a stranger",
      "检查点损坏或由未知方签署",
    ],
    [
      "freshness.stale",
      "fail",
      "ask_holder",
      "the status shown is older than this category allows: ask for fresh evidence",
      "状态数据超过该类证照允许的时限：请出示新的凭据",
    ],
    [
      "freshness.overtaken",
      "unknown",
      "ask_holder",
      "the issuer's state has changed since, and the new one is not at hand: ask for fresh evidence",
      "此后发证机构的状态已有变化，而新的状态不在手边：请出示新的凭据",
    ],
    [
      "freshness.future",
      "unknown",
      "ask_holder",
      "the evidence is from the future: check this clock",
      "凭据时间晚于本机时间：请检查时钟",
    ],
    ["status.revoked", "fail", "refuse", "it has been revoked", "已注销"],
    ["status.superseded", "fail", "ask_holder", "it has been replaced by a newer one", "已换发新证"],
    ["status.suspended", "fail", "refuse", "it is suspended", "已暂停使用"],
    ["status.body_suspended", "fail", "refuse", "the issuer is suspended", "发证机构已被暂停"],
    ["status.body_struck", "fail", "refuse", "the issuer has been struck off", "发证机构已被除名"],
    [
      "status.unproved",
      "unknown",
      "ask_holder",
      "the status is not proved under the issuer's state",
      "状态未能在机构状态下得到证明",
    ],
    ["dates.expired", "fail", "refuse", "it has expired", "已过期"],
    ["dates.not_yet", "fail", "refuse", "it is not valid yet", "尚未生效"],
    [
      "holder.presentation_missing",
      "unknown",
      "ask_holder",
      "the holder has to present it, signed with the holder's key",
      "须由持证人当场签名出示",
    ],
    [
      "holder.presentation_unusable",
      "unknown",
      "ask_holder",
      "the presentation is not signed by the holder's key",
      "出示签名不是持证人的密钥所签",
    ],
    [
      "holder.other_audience",
      "unknown",
      "ask_holder",
      "it was presented to another counter",
      "该出示是给另一窗口的",
    ],
    [
      "holder.other_nonce",
      "unknown",
      "ask_holder",
      "it does not answer this counter's question",
      "该出示不是对本次核验的回应",
    ],
    [
      "holder.presentation_old",
      "unknown",
      "ask_holder",
      "it was presented too long ago, or in the future",
      "出示时间过久或晚于当前时间",
    ],
    [
      "holder.replayed",
      "unknown",
      "ask_holder",
      "this presentation has been used already",
      "该出示已被使用过",
    ],
  ].map(([code, outcome, advice, en, zh]) => [code, { outcome, advice, en, zh }]),
);

/** The sentence of each warning. */
const WARNINGS = new Map([
  [
    "anchoring.late",
    { en: "it was anchored later after its issue than its category asks", zh: "锚定时间晚于该类证照的规定" },
  ],
  [
    "ledger.retired",
    {
      en: "the ledger has ended: this is as of its final checkpoint, and nothing changes there later",
      zh: "该账本已停用：结论截至其最终检查点，此后不再变更",
    },
  ],
  [
    "node.adds_nothing",
    {
      en: "the node that was named told nothing newer than the evidence",
      zh: "指定的节点没有给出更新的信息",
    },
  ],
]);

/** Outcome of a code: `pass`, `fail` or `unknown`. @param {string} code @returns {string} */
const outcomeOf = (code) => CODES.get(code)?.outcome ?? "unknown";

// -------------------- verify/block_trust.mjs

/** Check 6, block: whether enough witnesses vouch for a checkpoint (SPEC 15, 18.1, 18.3). */

/**
 * The outcome of check 6: its code and, if it passed, T in seconds and the basis (SPEC 18.4).
 * On a retired ledger `end` is the time of its final checkpoint.
 * @typedef {{code: string, time: number | null, basis?: string, end?: number}} BlockTrust
 */

/** The basis of a retired ledger's last block (SPEC 18.4). */
const FINAL_CHECKPOINT = "the trust policy: the ledger's final checkpoint";

/** @param {string} code @returns {BlockTrust} */
const withoutTrust = (code) => ({ code, time: null });

/**
 * Whether enough operators of the policy, in service at the block, have cosigned a checkpoint.
 * @param {Note} note @param {Policy} policy @param {Ledger} ledger of the checkpoint @returns {BlockTrust}
 */
function trustByWitnesses({ checkpoint, cosignatures }, policy, ledger) {
  // A line is known by name and key id together; the others are ignored (SPEC 14).
  const known = cosignatures.flatMap((line) =>
    policy.witnesses
      .filter(({ name, key }) => name === line.name && equal(witnessKeyId(name, key), line.keyId))
      .map((witness) => ({ line, witness })),
  );
  if (!known.every(({ line, witness }) => verifyCosignature(checkpoint, line, witness.key))) {
    return withoutTrust("checkpoint.unusable");
  }
  const { retired } = ledger;
  const end = retired ? { end: retired.time } : {};
  if (retired && retired.text === checkpoint.text) {
    // The signatures of the policy vouch for it (SPEC 15).
    return { code: "ok", time: checkpoint.time, basis: FINAL_CHECKPOINT, ...end };
  }
  if (!policy.trust.ways.includes("witnesses")) return withoutTrust("block.untrusted");
  if (retired && checkpoint.number > retired.number) return withoutTrust("block.untrusted");
  if (retired?.number === checkpoint.number && retired.text !== checkpoint.text) {
    return withoutTrust("block.differs");
  }
  /** @param {Witness} witness */
  const isInService = (witness) => {
    // Another ledger's blocks have other numbers: there a witness counts until it has ended anywhere.
    if (witness.ledger && !equal(witness.ledger, checkpoint.identity)) return witness.until === null;
    return witness.from <= checkpoint.number && checkpoint.number <= (witness.until ?? checkpoint.number);
  };
  // An operator's time is its latest by a witness in service.
  /** @type {Map<string, number>} */ const times = new Map();
  for (const { line, witness } of known.filter((one) => isInService(one.witness))) {
    times.set(witness.operator, Math.max(line.time, times.get(witness.operator) ?? 0));
  }
  const { threshold } = policy.trust;
  if (times.size < threshold) return withoutTrust("block.witnesses_too_few");
  // T is the k-th greatest of these times (SPEC 15).
  const time = [...times.values()].sort((left, right) => right - left)[threshold - 1];
  if (Math.abs(time - checkpoint.time) > policy.blockLag) return withoutTrust("block.clock");
  const operators = new Set(policy.witnesses.filter(isInService).map(({ operator }) => operator));
  const names = [...times.keys()].sort((left, right) => compareBytes(utf8(left), utf8(right))).join(", ");
  return { code: "ok", time, basis: `${times.size} of ${operators.size} witnesses: ${names}`, ...end };
}

/**
 * Check 6 for the note in full evidence; checkpoint and ledger are there once they are known.
 * @param {string} text of the note @param {Question} question
 * @returns {BlockTrust & {checkpoint?: Checkpoint, ledger?: Ledger}}
 */
function checkBlock(text, { policy, now }) {
  if (now > policy.ends) return withoutTrust("policy.ended");
  const note = valueOrNull(() => parseNote(text));
  if (!note) return withoutTrust("checkpoint.unusable");
  const { checkpoint } = note;
  const ledger = findLedger(policy, checkpoint.identity);
  if (!ledger) return withoutTrust("block.other_ledger");
  return { ...trustByWitnesses(note, policy, ledger), checkpoint, ledger };
}

// -------------------- verify/checks.mjs

/**
 * Checks that full and compact evidence share: 2, parts of 4, 5, 7, 8 and 9 (SPEC 18.1).
 *
 * Each returns a code; of those that fit, the first in the order of SPEC 18.3.
 */

/**
 * Check 2, inclusion.
 * @param {CertificateRecord} record @param {Statement} statement @param {Uint8Array[]} path
 */
function checkInclusion(record, statement, path) {
  const place = record.index - statement.first;
  if (place < 0 || place >= statement.count) return "inclusion.index_outside";
  const root = valueOrNull(() => impliedRoot(record.leaf, place, statement.count, path));
  return root && equal(root, statement.root) ? "ok" : "inclusion.path_differs";
}

/**
 * Check 4, signature: whether a key could sign batches when one was anchored.
 * @param {IssuerKey} key @param {number} block of anchoring
 */
function checkKey(key, block) {
  if (block >= key.end) return "signature.key_ended";
  return key.purposes & PURPOSE_BATCHES && key.from <= block ? "ok" : "signature.purpose";
}

/**
 * Check 4, signature: whether a countersignature is there if the policy asks for one.
 * @param {Policy} policy @param {Statement} statement
 */
const checkCountersigned = (policy, statement) =>
  policy.countersignature && equal(statement.countersignature, ZERO32)
    ? "signature.countersignature_missing"
    : "ok";

/**
 * Whether an entry has the category and version that a record names.
 * @param {CertificateRecord} record @param {Entry} entry
 */
const isEntryOf = (record, entry) =>
  entry.category === record.category && entry.version === record.entry;

/**
 * Check 5, entitlement: whether a record obeys its entry (SPEC 6).
 * @param {CertificateRecord} record @param {Entry} entry
 */
function checkEntryObeyed(record, entry) {
  if (record.holder !== entry.holder) return "entitlement.holder_kind";
  if (record.digests.length < entry.fields.length + Number(record.bound)) return "entitlement.fields_missing";
  if (entry.months === null) return "ok";
  const latest = addMonths(record.issued, entry.months);
  return record.expires === null || record.expires > latest ? "entitlement.validity_too_long" : "ok";
}

/**
 * Check 7, freshness.
 * @param {string} category @param {Policy} policy @param {number} time T, in seconds
 * @param {number} now in seconds @param {number} [end] of a retired ledger, up to which ages count
 */
function checkFreshness(category, policy, time, now, end = now) {
  if (time > now + policy.clockTolerance) return "freshness.future";
  return Math.min(now, end) - time <= (policy.ages.get(category) ?? policy.defaultAge) ? "ok" : "freshness.stale";
}

/**
 * Check 8, status, from a proved word and standing. What cannot be undone comes first.
 * @param {number} index of the certificate @param {Uint8Array} word @param {string} standing of the issuer
 */
function checkStatus(index, word, standing) {
  const status = statusAt(word, index);
  if (standing === "struck") return "status.body_struck";
  if (status === "revoked" || status === "superseded") return `status.${status}`;
  if (standing === "suspended") return "status.body_suspended";
  return status === "valid" ? "ok" : `status.${status}`;
}

/**
 * Check 9, dates: the day of expiry is included.
 * @param {CertificateRecord} record @param {number} now in seconds
 */
function checkDates(record, now) {
  const today = chinaDay(now);
  if (today < record.issued) return "dates.not_yet";
  return record.expires !== null && today > record.expires ? "dates.expired" : "ok";
}

/**
 * The codes of checks 4, 5 and 8, which are not made where one that they rest on did not pass.
 * @param {string} code `block.needed` or `anchor.needed`
 */
const unmadeChecks = (code) => ({ signature: code, entitlement: code, status: code });

// -------------------- verify/content_check.mjs

/**
 * Check 1, content: what is disclosed and handed in, against what was certified (SPEC 18.1, 18.3).
 */

/**
 * The hashes of a document in hexadecimal, and its size in bytes.
 * @typedef {{sha256: string, size: number, sm3?: string}} DocumentDigests
 */
/**
 * @typedef {Uint8Array | DocumentDigests} ComparedDocument a document, or its hashes where it was hashed
 *   elsewhere
 */

/** @param {Uint8Array} bytes @returns {DocumentDigests} */
const hashDocument = (bytes) => ({
  sha256: hex(sha256(bytes)),
  size: bytes.length,
  sm3: hex(sm3(bytes)),
});

/** Codes of a document, the worst first (SPEC 18.3 list 1); `ok` comes after them. */
const WORST_FIRST = ["content.document_differs", "content.sm3_unavailable", "content.nothing_compared"];
/** Codes of a document by the descriptions of its SHA-256, the best first. */
const BEST_FIRST = ["ok", "content.sm3_unavailable", "content.document_differs"];

/**
 * The code of check 1. Without a proved entry neither names nor required fields can be checked.
 * @param {DisclosedRecord} disclosed @param {ComparedDocument[]} documents @param {Entry | null} entry proved
 * @returns {string}
 */
function checkContent(disclosed, documents, entry) {
  const { record, disclosures, places } = disclosed;
  if (places.includes(undefined)) return "content.field_differs";
  if (
    entry &&
    disclosures.some(({ name }, at) => name !== fieldNameAt(entry, places[at] ?? 0, record.bound))
  ) {
    return "content.name_differs";
  }
  const codes = documents.map((document) => compareDocument(disclosed, document, entry));
  const worst = WORST_FIRST.find((code) => codes.includes(code));
  if (worst) return worst;
  const required = entry && [0, ...entry.shown.map((field) => entry.fields.indexOf(field))];
  return codes.length || required?.every((place) => places.includes(place))
    ? "ok"
    : "content.nothing_compared";
}

/**
 * The code of one document: the first row of the table in SPEC 18.3 list 1 that fits.
 * @param {DisclosedRecord} disclosed @param {ComparedDocument} document @param {Entry | null} entry
 * @returns {string}
 */
function compareDocument({ record, disclosures }, document, entry) {
  const digests = document instanceof Uint8Array ? hashDocument(document) : document;
  const described = disclosures.map(({ value }) => value).filter((value) => typeof value === "object");
  // Row 1: a document of its SHA-256 and size is disclosed.
  const codes = described
    .filter((value) => value.sha256 === digests.sha256 && value.size === digests.size)
    .map((value) => compareSm3(value, digests));
  const best = BEST_FIRST.find((code) => codes.includes(code));
  if (best) return best;
  // Row 2: all documents are disclosed.
  const places = entry ? record.digests.length - entry.fields.length - Number(record.bound) : Infinity;
  if (described.length >= places) return "content.document_differs";
  // Row 4: without the number's salt, which is the access code, those that are withheld cannot be compared.
  const number = disclosures.find(({ name }) => name === NUMBER_FIELD);
  if (!number?.salt) return "content.nothing_compared";
  // Row 3.
  if (isWithheldDocument(record.digests, number.salt, digests)) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/** @param {DocumentDigests} recorded @param {DocumentDigests} digests of the document @returns {string} */
function compareSm3(recorded, digests) {
  if (recorded.sm3 === undefined || recorded.sm3 === digests.sm3) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/**
 * Whether a description of a document, with or without its SM3, has the digest of a place but 0 under the salt that
 * the access code gives that place (SPEC 4.5).
 * @param {Uint8Array[]} recorded digests of the record @param {string} code @param {DocumentDigests} digests
 */
function isWithheldDocument(recorded, code, digests) {
  const plain = { sha256: digests.sha256, size: digests.size };
  const forms = digests.sm3 === undefined ? [plain] : [plain, { ...plain, sm3: digests.sm3 }];
  return recorded.some((digest, place) => {
    if (place === 0) return false;
    const salt = deriveSalt(code, place);
    return forms.some((form) =>
      equal(digest, disclosureDigest(formatDisclosure(salt, DOCUMENT_FIELD, form))),
    );
  });
}

// -------------------- crypto/ecdsa.mjs

/**
 * Verification of ECDSA signatures on secp256k1 and P-256 (SEC 1 section 4.1.4, SEC 2, FIPS 186-5).
 */

/**
 * A curve y² = x³ + ax + b over the integers modulo p, with a base point (x, y) of prime order n.
 * @typedef {{p: bigint, a: bigint, b: bigint, n: bigint, x: bigint, y: bigint}} Curve
 */

/** secp256k1 (SEC 2 section 2.4.1), for issuers' keys. @type {Curve} */
const SECP256K1 = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  a: 0n,
  b: 7n,
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** P-256 (SEC 2 section 2.4.2), for holders' keys. @type {Curve} */
const P256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

/** @typedef {[bigint, bigint, bigint]} Jacobian the affine point (x/z², y/z³); z is zero at infinity */

/** Twice a point. @param {Curve} c @param {Jacobian} point @returns {Jacobian} */
function doublePoint(c, [x, y, z]) {
  if (!y || !z) return [1n, 1n, 0n];
  const yy = (y * y) % c.p;
  const s = (4n * x * yy) % c.p;
  const zz = (z * z) % c.p;
  const m = (3n * x * x + c.a * zz * zz) % c.p;
  const nx = mod(m * m - 2n * s, c.p);
  return [nx, mod(m * (s - nx) - 8n * yy * yy, c.p), (2n * y * z) % c.p];
}

/** Sum of two points. @param {Curve} c @param {Jacobian} left @param {Jacobian} right @returns {Jacobian} */
function addPoints(c, left, right) {
  if (!left[2]) return right;
  if (!right[2]) return left;
  const [x1, y1, z1] = left;
  const [x2, y2, z2] = right;
  const zz1 = (z1 * z1) % c.p;
  const zz2 = (z2 * z2) % c.p;
  const u1 = (x1 * zz2) % c.p;
  const s1 = (y1 * zz2 * z2) % c.p;
  const h = mod(x2 * zz1 - u1, c.p);
  const r = mod(y2 * zz1 * z1 - s1, c.p);
  if (!h) return r ? [1n, 1n, 0n] : doublePoint(c, left);
  const hh = (h * h) % c.p;
  const hhh = (h * hh) % c.p;
  const v = (u1 * hh) % c.p;
  const x = mod(r * r - hhh - 2n * v, c.p);
  return [x, mod(r * (v - x) - s1 * hhh, c.p), (h * z1 * z2) % c.p];
}

/** Whether an affine point lies on the curve. @param {Curve} c @param {bigint} x @param {bigint} y */
const isOnCurve = (c, x, y) => x < c.p && y < c.p && mod(y * y - (x * x + c.a) * x - c.b, c.p) === 0n;

/**
 * The point of a compressed encoding (SEC 1 section 2.3.4), null if the bytes are none.
 * @param {Curve} c with p = 3 modulo 4 @param {Uint8Array} bytes @returns {[bigint, bigint] | null}
 */
function decompressPoint(c, bytes) {
  const x = bytesToBigInt(bytes.subarray(1));
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3) || x >= c.p) return null;
  const root = modPower(mod((x * x + c.a) * x + c.b, c.p), (c.p + 1n) / 4n, c.p);
  if (!isOnCurve(c, x, root)) return null;
  return [x, (root & 1n) === BigInt(bytes[0] & 1) ? root : c.p - root];
}

/**
 * Whether a signature over a digest is by a key; s may lie in either half (SPEC 1.8).
 * @param {Curve} c @param {[bigint, bigint]} key @param {Uint8Array} digest 32 bytes
 * @param {Uint8Array} signature r ‖ s, 64 bytes @returns {boolean}
 */
function verifyEcdsa(c, key, digest, signature) {
  const r = bytesToBigInt(signature.subarray(0, 32));
  const s = bytesToBigInt(signature.subarray(32));
  if (!isOnCurve(c, ...key) || !r || r >= c.n || !s || s >= c.n) return false;
  const inverse = modInverse(s, c.n);
  const u = (bytesToBigInt(digest) * inverse) % c.n;
  const v = (r * inverse) % c.n;
  /** @type {Jacobian} */ const base = [c.x, c.y, 1n];
  /** @type {Jacobian} */ const other = [...key, 1n];
  // u·base + v·key in one pass over the bits (Shamir's trick).
  const both = addPoints(c, base, other);
  /** @type {Jacobian} */ let sum = [1n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit -= 1n) {
    sum = doublePoint(c, sum);
    const pick = Number((u >> bit) & 1n) + 2 * Number((v >> bit) & 1n);
    if (pick) sum = addPoints(c, sum, [base, other, both][pick - 1]);
  }
  if (!sum[2]) return false;
  const inverseZ = modInverse(sum[2], c.p);
  return mod(sum[0] * inverseZ * inverseZ, c.p) % c.n === r;
}

// -------------------- verify/holder_check.mjs

/** Check 10, holder: the presentation of a bound record (SPEC 16.3, 18.1, 18.3). */

/**
 * @typedef {{audience: string, nonce: string}} PresentationRequest what the counter asked the holder to sign
 */

/**
 * The code of check 10.
 * @param {DisclosedRecord} disclosed @param {Presentation | null} presentation
 * @param {Uint8Array | null} identity of the ledger, where known @param {Question} question
 */
function checkHolder({ record, disclosures }, presentation, identity, question) {
  if (!record.bound) return "ok";
  if (!presentation) return "holder.presentation_missing";
  const { policy, now, request, isUsed } = question;
  const key = disclosures.find(({ name }) => name === HOLDER_KEY_FIELD)?.value;
  if (!identity || typeof key !== "string" || !request) return "holder.presentation_unusable";
  const message = presentationMessage(presentation, identity, record.leaf, disclosures);
  if (!verifyHolderSignature(key, message, presentation.signature)) return "holder.presentation_unusable";
  if (presentation.audience !== request.audience) return "holder.other_audience";
  if (presentation.nonce !== request.nonce) return "holder.other_nonce";
  if (presentation.time < now - policy.presentationAge || presentation.time > now + policy.clockTolerance) {
    return "holder.presentation_old";
  }
  // The first half of a signature has one spelling, the second of ECDSA has two (SPEC 16.3).
  return isUsed?.(presentation.signature.subarray(0, 32)) ? "holder.replayed" : "ok";
}

/**
 * Whether a holder key has signed a message; a text that is no key has not.
 * @param {string} text of the key (SPEC 4.6) @param {Uint8Array} message @param {Uint8Array} signature r ‖ s
 */
function verifyHolderSignature(text, message, signature) {
  const [, kind, encoded] = /^(p256|ed25519):(.*)$/s.exec(text) ?? [];
  const key = encoded === undefined ? null : tryDecodeBase64Url(encoded);
  if (!key) return false;
  if (kind === "ed25519") return key.length === 32 && verifyEd25519(key, message, signature);
  const point = decompressPoint(P256, key);
  return point !== null && verifyEcdsa(P256, point, sha256(message), signature);
}

// -------------------- verify/proofs.mjs

/**
 * The proofs in full evidence: checks 3 and 4, the entry of check 5, the status of check 8 (SPEC 18.1, 18.3).
 */

/**
 * The value of the issuer's slot under a checkpoint's state root, or the code of check 3 if it is not proved.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger
 * @returns {Uint8Array | string}
 */
function proveSlot({ state, proof }, checkpoint, ledger) {
  try {
    const account = proveAccount(checkpoint.stateRoot, ledger.address, proof.account);
    if (!account || !equal(account.codeHash, ledger.codeHash)) return "anchor.other_contract";
    const key = keccak256(issuerSlotPosition(state.issuer));
    return decodeSlotValue(proveTrieValue(account.storageRoot, key, proof.slot));
  } catch (error) {
    if (error instanceof CertledgerError) return "anchor.proof_unusable";
    throw error;
  }
}

/**
 * Check 3, anchor.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger @returns {string}
 */
function checkAnchor(evidence, checkpoint, ledger) {
  const { state, anchor, statement, disclosed } = evidence;
  if (state.issuer !== disclosed.record.issuer) return "anchor.other_body";
  const slot = proveSlot(evidence, checkpoint, ledger);
  if (typeof slot === "string") return slot;
  const digest = clearBrake(slot);
  if (equal(digest, ZERO32)) return "anchor.body_absent";
  if (!equal(digest, stateDigest(state))) return "anchor.state_differs";
  if (statement.sequence > state.batches) return "anchor.batch_pending";
  const leaf = batchLeaf(
    batchDigest(statement, ledger.identity),
    statement.catalog,
    anchor.key,
    anchor.block,
  );
  const { peak, within, width } = locatePeak(statement.sequence - 1, state.batches);
  const root = valueOrNull(() => impliedRoot(leaf, within, width, anchor.path));
  return root && equal(root, state.peaks[peak]) ? "ok" : "anchor.batch_unproved";
}

/**
 * Check 4, signature, by the keys of the newest state that is known (SPEC 18.1).
 * @param {Evidence} evidence @param {Ledger} ledger @param {Policy} policy @param {IssuerState} state
 * @returns {string}
 */
function checkSignature({ anchor, signer, signature, statement }, ledger, policy, state) {
  const key = state.keys[anchor.key];
  // An Ethereum address is the last 20 bytes of the hash of the public key.
  if (!key || !equal(keccak256(signer).subarray(12), key.address)) return "signature.signer_differs";
  const code = checkKey(key, anchor.block);
  if (code !== "ok") return code;
  // s lies in the lower half (SPEC 7).
  const isLow = bytesToBigInt(signature.subarray(32)) <= SECP256K1.n / 2n;
  /** @type {[bigint, bigint]} */ const point = [
    bytesToBigInt(signer.subarray(0, 32)),
    bytesToBigInt(signer.subarray(32)),
  ];
  if (!isLow || !verifyEcdsa(SECP256K1, point, batchDigest(statement, ledger.identity), signature)) {
    return "signature.damaged";
  }
  return checkCountersigned(policy, statement);
}

/**
 * The entry of evidence if its path leads to a catalog, else null.
 * @param {Evidence["catalog"]} proof @param {Uint8Array} catalog root
 */
function proveEntry({ entry, place, count, path }, catalog) {
  const root = valueOrNull(() => impliedRoot(entry.leaf, place, count, path));
  return root && equal(catalogRoot(count, root), catalog) ? entry : null;
}

/** Check 8, status, by the word in the evidence. @param {Evidence} evidence @returns {string} */
function checkProvedStatus({ state, wordProof, disclosed: { record } }) {
  const root = valueOrNull(() => impliedStatusRoot(wordProof, statusWordPosition(record.index)));
  if (!root || !equal(root, state.status)) return "status.unproved";
  return checkStatus(record.index, wordProof.word, state.standing);
}

// -------------------- verify/verdict.mjs

/** The ten checks, and the verdict that follows from their codes (SPEC 18.1, 18.2). */

/** Names of checks 1 to 10, in order. */
const CHECKS = [
  "content",
  "inclusion",
  "anchor",
  "signature",
  "entitlement",
  "block",
  "freshness",
  "status",
  "dates",
  "holder",
];

/** A certificate is genuine where checks 1 to 6 passed. */
const GENUINE_CHECKS = 6;

/** @typedef {{[check: string]: string}} CheckCodes the code of each check, by name */

/**
 * The verdict: the first line of SPEC 18.2 that fits.
 * @param {CheckCodes} codes @param {boolean} timely whether T is not in the future @returns {string}
 */
function decideVerdict(codes, timely) {
  /** @type {{[check: string]: string}} */
  const outcome = Object.fromEntries(CHECKS.map((check) => [check, outcomeOf(codes[check])]));
  const genuine = CHECKS.slice(0, GENUINE_CHECKS);
  // (a)
  if (outcome.content === "fail" || outcome.inclusion === "fail") return "not_genuine";
  if (outcome.block === "pass" && genuine.some((check) => outcome[check] === "fail")) return "not_genuine";
  // (b)
  if (genuine.some((check) => outcome[check] !== "pass")) return "cannot_tell";
  // (c)
  if (["status.revoked", "status.superseded", "status.body_struck"].includes(codes.status))
    return "not_in_force";
  // (d)
  if (outcome.dates === "fail" && timely) return "not_in_force";
  // (e)
  if (outcome.status === "fail" && outcome.freshness === "pass") return "not_in_force";
  // (f), (g)
  return CHECKS.every((check) => outcome[check] === "pass") ? "valid" : "cannot_tell";
}

// -------------------- verify/result.mjs

/** The result of a verification (SPEC 18.4). */

/**
 * The result of one check.
 * @param {string} code @param {number} at index of the check @param {string} rule broken by unreadable input
 */
function checkResult(code, at, rule = "") {
  const detail = (CODES.get(code)?.en ?? "") + (rule && `: ${rule}`);
  return { code, detail, name: CHECKS[at], number: at + 1, outcome: outcomeOf(code) };
}

/**
 * The result for input that cannot be read (SPEC 18.3).
 * @param {string} rule code of the rule that is broken
 */
function unusableResult(rule) {
  return {
    certificate: {},
    checks: CHECKS.map((_, at) => checkResult("evidence.unusable", at, rule)),
    verdict: "cannot_tell",
    warnings: [],
  };
}

/**
 * What is proved of a certificate once checks 1 to 6 passed: its issuer's name, and the block of anchoring.
 * @typedef {{issuerName: string, entry: Entry, statement: Statement, block: number}} ProvedCertificate
 */

/** What the record alone says. @param {DisclosedRecord} disclosed */
function describeRecord({ record }) {
  return {
    leaf: hex(record.leaf),
    issuer: record.issuer,
    index: record.index,
    category: record.category,
    edition: record.edition,
    issued: formatDay(record.issued),
    ...(record.expires === null ? {} : { expires: formatDay(record.expires) }),
  };
}

/**
 * What the result has of a genuine certificate alone.
 * @param {DisclosedRecord} disclosed @param {ProvedCertificate} proved
 */
function describeProved({ record, disclosures, places }, { issuerName, entry, statement, block }) {
  return {
    body: issuerName,
    name_zh: entry.nameZh,
    name_en: entry.nameEn,
    anchored: { block, not_after: formatTime(statement.notAfter) },
    shown: disclosures.map(({ name, value }) => ({ name, value })),
    withheld: [...record.digests.keys()]
      .filter((place) => !places.includes(place))
      .map((place) => fieldNameAt(entry, place, record.bound)),
  };
}

/** A statement's `notAfter` is at most so long after the block that carries it (SPEC 7). */
const MAX_STATEMENT_LIFE_SECONDS = 7 * SECONDS_PER_DAY;

/**
 * Warnings, which change no verdict (SPEC 18.3).
 * @param {DisclosedRecord} disclosed @param {ProvedCertificate} proved
 * @param {boolean} isRetired whether the ledger has ended
 */
function findWarnings({ record }, { entry, statement }, isRetired) {
  const earliestDay = chinaDay(Math.max(statement.notAfter - MAX_STATEMENT_LIFE_SECONDS, 0));
  const isLate = earliestDay - record.issued > entry.lagDays;
  return [...(isLate ? ["anchoring.late"] : []), ...(isRetired ? ["ledger.retired"] : [])];
}

/**
 * The result of a verification, whose canonical JSON is the same for the same input (SPEC 18.4).
 * @param {CheckCodes} codes @param {DisclosedRecord} disclosed @param {ProvedCertificate | null} proved
 * @param {BlockTrust} trust of the block that T and the basis come from
 * @param {number} horizon latest instant that is not in the future, in seconds
 */
function makeResult(codes, disclosed, proved, { time, basis, end }, horizon) {
  const genuine = CHECKS.slice(0, GENUINE_CHECKS).every((check) => codes[check] === "ok");
  const certificate = genuine ? proved : null;
  return {
    ...(codes.block === "ok" && time !== null ? { as_of: formatTime(time), basis } : {}),
    certificate: {
      ...describeRecord(disclosed),
      ...(certificate ? describeProved(disclosed, certificate) : {}),
    },
    checks: CHECKS.map((check, at) => checkResult(codes[check], at)),
    verdict: decideVerdict(codes, time !== null && time <= horizon),
    warnings: certificate ? findWarnings(disclosed, certificate, end !== undefined) : [],
  };
}

// -------------------- verify/full.mjs

/** Verification of full evidence (SPEC 16.1, 18). */

/**
 * What a counter asks about evidence.
 * @typedef {object} Question
 * @property {Policy} policy
 * @property {number} now seconds since 1970
 * @property {ComparedDocument[]} [documents] handed in with the evidence
 * @property {PresentationRequest | null} [request]
 * @property {ProvenSnapshot} [snapshot] of the counter: where it is newer than full evidence, its state of
 *   the issuer
 *   decides (SPEC 18.1)
 * @property {(mark: Uint8Array) => boolean} [isUsed] whether the counter has accepted a presentation before,
 *   by the
 *   first 32 bytes of its signature
 */

/**
 * A newer trusted block: the issuer's state and the certificate's status word there, if it has both.
 * @typedef {{trust: BlockTrust, state?: IssuerState, word?: Uint8Array}} NewerState
 */

/**
 * The codes of all checks. A check that rests on another is made only if that passed (SPEC 18.1).
 * @param {Evidence} evidence @param {Question} question @param {ReturnType<typeof checkBlock>} block
 * @param {NewerState | null} newer @param {Entry | null} entry proved @returns {CheckCodes}
 */
function checkEvidence(evidence, question, block, newer, entry) {
  const { disclosed, statement, state } = evidence;
  const { record } = disclosed;
  const ownEntry = entry && isEntryOf(record, entry) ? entry : null;
  const codes = {
    content: checkContent(disclosed, question.documents ?? [], ownEntry),
    inclusion: checkInclusion(record, statement, evidence.path),
    block: block.code,
    dates: checkDates(record, question.now),
    holder: checkHolder(disclosed, evidence.presentation, block.ledger?.identity ?? null, question),
  };
  if (block.code !== "ok" || block.time === null || !block.ledger || !block.checkpoint) {
    return { ...codes, anchor: "block.needed", freshness: "block.needed", ...unmadeChecks("block.needed") };
  }
  const { time, end } = newer?.trust ?? block;
  const freshness =
    newer && !newer.state
      ? "freshness.overtaken"
      : checkFreshness(record.category, question.policy, time ?? block.time, question.now, end);
  const anchor = checkAnchor(evidence, block.checkpoint, block.ledger);
  if (anchor !== "ok") return { ...codes, anchor, freshness, ...unmadeChecks("anchor.needed") };
  return {
    ...codes,
    anchor,
    freshness,
    signature: checkSignature(evidence, block.ledger, question.policy, newer?.state ?? state),
    entitlement: checkEntitlement(evidence, entry, ownEntry),
    status:
      newer?.state && newer.word
        ? checkStatus(record.index, newer.word, newer.state.standing)
        : checkProvedStatus(evidence),
  };
}

/**
 * Check 5, entitlement.
 * @param {Evidence} evidence @param {Entry | null} entry proved
 * @param {Entry | null} ownEntry the same if it is the record's
 */
function checkEntitlement({ disclosed: { record } }, entry, ownEntry) {
  if (!entry) return "entitlement.entry_unproved";
  return ownEntry ? checkEntryObeyed(record, ownEntry) : "entitlement.entry_differs";
}

/**
 * What the counter's snapshot says of the issuer at a block above that of the evidence (SPEC 18.1, "What is newer
 * decides"), null if it has no such block. Without `state`, that block does not have the issuer or the certificate.
 * @param {ProvenSnapshot | undefined} proven @param {Evidence} evidence
 * @param {ReturnType<typeof checkBlock>} block
 * @returns {NewerState | null}
 */
function findNewerState(proven, { disclosed: { record } }, block) {
  if (!proven || block.code !== "ok" || !block.checkpoint || proven.trust.code !== "ok") return null;
  const head = proven.snapshot.note.checkpoint;
  if (!equal(head.identity, block.checkpoint.identity) || head.number <= block.checkpoint.number) return null;
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer || record.index >= issuer.state.certificates) return { trust: block };
  const word = issuer.statuses.word(statusWordPosition(record.index));
  return { trust: proven.trust, state: issuer.state, word };
}

/**
 * Verify the bytes of an evidence file. Bad input is a result, not an error.
 *
 * `canonicalBytes` of the result are the same for the same evidence, policy, snapshot, documents and instant.
 * @param {Uint8Array} bytes @param {Question} question
 */
function verifyEvidence(bytes, question) {
  let evidence;
  try {
    evidence = readEvidence(parseCanonical(bytes, MAX_EVIDENCE_BYTES));
  } catch (error) {
    if (error instanceof CertledgerError) return unusableResult(error.code);
    throw error;
  }
  const { policy, now } = question;
  if (!policy.evidence.includes(EVIDENCE_TYPE)) return unusableResult("schema.version");
  const block = checkBlock(evidence.checkpoint, question);
  const newer = findNewerState(question.snapshot, evidence, block);
  const { catalog, statement, state, anchor, disclosed } = evidence;
  const entry = proveEntry(catalog, statement.catalog);
  const proved = {
    issuerName: (newer?.state ?? state).name,
    entry: catalog.entry,
    statement,
    block: anchor.block,
  };
  return makeResult(
    checkEvidence(evidence, question, block, newer, entry),
    disclosed,
    proved,
    newer?.trust ?? block,
    now + policy.clockTolerance,
  );
}

// -------------------- formats/snapshot_statuses.mjs

/** The statuses of an issuer in a snapshot: lists of certificates as LEB128 gaps (SPEC 17). */

/** Bytes of an LEB128 number below 2^32. */
const MAX_LEB128_BYTES = 5;

/**
 * The certificates of each status but the first, ascending: four bytes each. Their words, which would take many
 * times as much where they are scattered, are computed on access.
 */
class ListedStatuses {
  /** @param {Uint32Array[]} lists */
  constructor(lists) {
    this.lists = lists;
  }

  /** The word at a position (SPEC 9). @param {number} position @returns {Uint8Array} */
  word(position) {
    const word = new Uint8Array(32);
    const places = this.lists.map((list) => firstFrom(list, position * CERTIFICATES_PER_WORD));
    this.fill(word, position, places);
    return word;
  }

  /** The words that are not zero, by ascending position. @returns {Generator<[number, Uint8Array]>} */
  *words() {
    const places = this.lists.map(() => 0);
    for (;;) {
      const next = Math.min(...this.lists.map((list, at) => list[places[at]] ?? Infinity));
      if (next === Infinity) return;
      const position = Math.floor(next / CERTIFICATES_PER_WORD);
      const word = new Uint8Array(32);
      this.fill(word, position, places);
      yield [position, word];
    }
  }

  /**
   * Set the cells of a word from the certificates at `places` of the lists, and move `places` behind them.
   * @param {Uint8Array} word @param {number} position @param {number[]} places
   */
  fill(word, position, places) {
    const end = (position + 1) * CERTIFICATES_PER_WORD;
    this.lists.forEach((list, at) => {
      for (; list[places[at]] < end; places[at] += 1) {
        const cell = list[places[at]] % CERTIFICATES_PER_WORD;
        word[31 - (cell >> 2)] |= (at + 1) << (2 * (cell & 3));
      }
    });
  }
}

/** Place of the first number that is not below a limit. @param {Uint32Array} list @param {number} limit */
function firstFrom(list, limit) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Read the statuses of an issuer.
 * @param {CborReader} reader @param {number} certificates issued @returns {ListedStatuses}
 * @throws {CertledgerError} `snapshot.invalid`: a certificate twice or not issued
 */
function decodeStatuses(reader, certificates) {
  reader.list(STATUSES.length - 1, STATUSES.length - 1);
  const lists = STATUSES.slice(1).map(() =>
    decodeGaps(reader.binary(0, certificates * MAX_LEB128_BYTES), certificates),
  );
  lists.forEach((list, at) => lists.slice(at + 1).forEach((other) => requireApart(list, other)));
  return new ListedStatuses(lists);
}

/**
 * Fail where two ascending lists have a certificate in common.
 * @param {Uint32Array} left @param {Uint32Array} right
 */
function requireApart(left, right) {
  for (let at = 0, other = 0; at < left.length && other < right.length;) {
    if (left[at] === right[other]) fail("snapshot.invalid", `certificate ${left[at]} has two statuses`);
    if (left[at] < right[other]) at += 1;
    else other += 1;
  }
}

/**
 * Ascending indexes from LEB128 numbers: each the difference from the one before (the first from -1), less one.
 * @param {Uint8Array} packed @param {number} below limit of the indexes @returns {Uint32Array}
 */
function decodeGaps(packed, below) {
  const indexes = new Uint32Array(packed.reduce((sum, byte) => sum + (byte < 0x80 ? 1 : 0), 0));
  let [found, index, gap, scale] = [0, -1, 0, 1];
  for (const byte of packed) {
    gap += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 128;
      if (scale > 2 ** 28) fail("snapshot.invalid", "an LEB128 number is longer than five bytes");
      continue;
    }
    if (!byte && scale > 1) fail("snapshot.invalid", "an LEB128 number is not in its shortest form");
    index += gap + 1;
    if (index >= below)
      fail("snapshot.invalid", `a status of certificate ${index}, of which ${below} are issued`);
    indexes[found] = index;
    [found, gap, scale] = [found + 1, 0, 1];
  }
  if (scale > 1) fail("snapshot.invalid", "the last LEB128 number is cut short");
  return indexes;
}

/** Inverse of `decodeStatuses`. @param {ListedStatuses} statuses @returns {Cbor} */
const encodeStatuses = ({ lists }) => lists.map(encodeGaps);

/** Inverse of `decodeGaps`. @param {Uint32Array} indexes @returns {Uint8Array} */
function encodeGaps(indexes) {
  /** @type {(emit: (byte: number) => void) => void} */
  const eachByte = (emit) => {
    let last = -1;
    for (const index of indexes) {
      let gap = index - last - 1;
      for (; gap > 0x7f; gap = Math.floor(gap / 128)) emit((gap % 128) | 0x80);
      emit(gap);
      last = index;
    }
  };
  let size = 0;
  eachByte(() => (size += 1));
  const packed = new Uint8Array(size);
  size = 0;
  eachByte((byte) => (packed[size++] = byte));
  return packed;
}

// -------------------- formats/snapshot.mjs

/**
 * Trust snapshots: decoding and encoding their CBOR (SPEC 17). `checkSnapshot` proves what they say.
 */

/** The `type` of a snapshot, and its name in a policy's list of versions. */
const SNAPSHOT_TYPE = "certledger/snapshot/1";
const MAX_TYPE_BYTES = 64;
/** Issuers, catalogs and nodes: as many as the roll can count. */
const MAX_LIST_ITEMS = MAX_UINT32;
const MAX_ENTRY_BYTES = 65536;

/**
 * Fail with `snapshot.invalid` unless a condition holds.
 * @param {unknown} condition @param {string} problem
 */
function requireShape(condition, problem) {
  if (!condition) fail("snapshot.invalid", problem);
}

/**
 * A catalog; `entries` is null where the maker of the snapshot had only the root. `packed`: as in the file.
 * @typedef {{root: Uint8Array, entries: Entry[] | null, packed: Uint8Array[] | Uint8Array}} Catalog
 */
/**
 * What the file has of a batch: `block` of anchoring, index of the `key`, root of the `catalog`.
 * @typedef {{root: Uint8Array, count: number, notAfter: number, block: number, key: number, catalog: Uint8Array,
 *   countersignature: Uint8Array}} BatchRow
 */
/**
 * An issuer: its state, batches and the statuses of its certificates.
 * @typedef {{state: IssuerState, rows: BatchRow[], statements: Statement[], statuses: ReturnType<typeof decodeStatuses>}} SnapshotIssuer
 */

/**
 * @typedef {object} Snapshot
 * @property {Note} note
 * @property {string} checkpoint text of the note
 * @property {Uint8Array[]} accountProof
 * @property {Uint8Array[]} nodes of the storage trie, ascending
 * @property {Map<string, Catalog>} catalogs by root in hex, ascending
 * @property {SnapshotIssuer[]} issuers in the order of registration
 */

/**
 * A reader of the item of a snapshot or delta, behind its type.
 * @param {Uint8Array} unpacked decompressed file @param {string} type
 * @param {number} size elements of the item
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`
 */
function openSnapshotItem(unpacked, type, size) {
  const reader = new CborReader(unpacked, "snapshot.invalid", "snapshot.invalid");
  const found = reader.list(1, MAX_LIST_ITEMS);
  if (reader.text(MAX_TYPE_BYTES) !== type) fail("snapshot.version", `not ${type}`);
  reader.expect(found === size, `a list of ${size}`);
  return reader;
}

/**
 * Decode a whole snapshot.
 * @param {Uint8Array} unpacked decompressed file @returns {Snapshot}
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`, `checkpoint.unusable`, and those of its
 *   parts
 */
function decodeSnapshot(unpacked) {
  const reader = openSnapshotItem(unpacked, SNAPSHOT_TYPE, 6);
  const checkpoint = reader.text(4 * MAX_NOTE_BYTES);
  const note = parseNote(checkpoint);
  const accountProof = reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES);
  const nodes = reader.binaries(MAX_LIST_ITEMS, MAX_NODE_BYTES, true);
  const catalogs = decodeCatalogs(reader);
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const issuers = reader.items(MAX_LIST_ITEMS, () => decodeIssuer(reader, roots, identity, []));
  reader.finish();
  return {
    note,
    checkpoint,
    accountProof,
    nodes,
    catalogs: catalogsByRoot(catalogs),
    issuers,
  };
}

/** @param {Catalog[]} catalogs @returns {Map<string, Catalog>} by root in hex */
const catalogsByRoot = (catalogs) => new Map(catalogs.map((catalog) => [hex(catalog.root), catalog]));

/** The list of catalogs, by ascending root. @param {CborReader} reader @returns {Catalog[]} */
function decodeCatalogs(reader) {
  /** @type {Uint8Array} */ let last = new Uint8Array(0);
  return reader.items(MAX_LIST_ITEMS, () => {
    const catalog = decodeCatalog(reader);
    reader.expect(compareBytes(last, catalog.root) < 0, "a catalog of a root greater than the one before");
    last = catalog.root;
    return catalog;
  });
}

/** A catalog: its entries, or its root alone. @param {CborReader} reader @returns {Catalog} */
function decodeCatalog(reader) {
  if (reader.majorType() === BYTES) {
    const root = reader.binary(32, 32);
    return { root, entries: null, packed: root };
  }
  const packed = reader.binaries(MAX_ENTRIES, MAX_ENTRY_BYTES);
  requireShape(packed.length > 0, "an empty catalog is listed");
  const entries = packed.map((entry) => readEntry(parseCanonical(entry, MAX_ENTRY_BYTES)));
  if (!entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1], entry) < 0)) {
    fail("catalog.order", "entries do not ascend by category and version");
  }
  return { packed, entries, root: catalogRoot(entries.length, treeRoot(entries.map(({ leaf }) => leaf))) };
}

/**
 * An issuer; what the file leaves out of its state is computed from its batches and statuses.
 * @param {CborReader} reader @param {Uint8Array[]} roots of the catalogs
 * @param {Uint8Array} identity of the ledger
 * @param {BatchRow[]} before batches in the snapshot that a delta builds on @returns {SnapshotIssuer}
 */
function decodeIssuer(reader, roots, identity, before) {
  reader.list(12, 12);
  const issuer = reader.text(18);
  reader.expect(ISSUER_PATTERN.test(issuer), "the code of an issuer before it");
  checkIssuerCode(issuer);
  const kind = reader.integer(1, ISSUER_KINDS.length);
  const nameDigest = reader.majorType() === BYTES ? reader.binary(32, 32) : null;
  const name = nameDigest ? hex(nameDigest) : reader.text(4 * MAX_ISSUER_NAME_CHARACTERS);
  reader.expect(
    name && countCharacters(name) <= MAX_ISSUER_NAME_CHARACTERS,
    `a name of 1 to ${MAX_ISSUER_NAME_CHARACTERS} characters before it`,
  );
  const standing = ISSUER_STANDINGS[reader.integer(1, ISSUER_STANDINGS.length) - 1];
  const since = reader.integer(0, MAX_BLOCK);
  const packed = reader.binary(KEY_BYTES, MAX_KEYS * KEY_BYTES);
  const keys = chunks(packed, KEY_BYTES).map(decodeKey);
  const catalogVersion = reader.integer(0, MAX_UINT32);
  const catalog = reader.binary(32, 32);
  const epoch = reader.integer();
  const revision = reader.integer(0, MAX_UINT32);
  const rows = [...before, ...decodeBatches(reader, roots, keys.length)];
  const issued = rows.reduce((sum, { count }) => sum + count, 0);
  reader.expect(issued <= MAX_CERTIFICATES, `at most ${MAX_CERTIFICATES} certificates before it`);
  const statuses = decodeStatuses(reader, issued);
  const { statements, ...counters } = chainBatches(issuer, rows, identity);
  /** @type {Uint8Array | null} */ let root = null;
  const state = {
    ...{ issuer, kind, name, nameDigest, standing, since, keys, catalogVersion, catalog, epoch, revision },
    ...counters,
    /** Hashed on first access, so never where the policy does not have the ledger. */
    get status() {
      return (root ??= statusTreeRoot(statuses.words()));
    },
  };
  return { state, rows, statements, statuses };
}

/**
 * Statements of an issuer's batches, and the counters and peaks of its state that follow from them (SPEC 7, 8).
 * @param {string} issuer @param {BatchRow[]} rows @param {Uint8Array} identity of the ledger
 */
function chainBatches(issuer, rows, identity) {
  /** @type {Statement[]} */ const statements = [];
  const leaves = [];
  let [last, certificates] = [ZERO32, 0];
  for (const { root, count, catalog, countersignature, notAfter, key, block } of rows) {
    const statement = {
      issuer,
      root,
      count,
      catalog,
      countersignature,
      notAfter,
      sequence: statements.length + 1,
      previous: last,
      first: certificates,
    };
    statements.push(statement);
    last = batchDigest(statement, identity);
    leaves.push(batchLeaf(last, catalog, key, block));
    certificates += count;
  }
  return { statements, batches: rows.length, certificates, last, peaks: peaksOf(leaves) };
}

/**
 * The batches of an issuer; instants and blocks are differences from the one before.
 * @param {CborReader} reader @param {Uint8Array[]} catalogs roots
 * @param {number} keys number of the issuer's keys
 * @returns {BatchRow[]}
 */
function decodeBatches(reader, catalogs, keys) {
  reader.list(7, 7);
  const joined = reader.binary(0, 32 * MAX_CERTIFICATES);
  reader.expect(joined.length % 32 === 0, "roots of 32 bytes each before it");
  const roots = chunks(joined, 32);
  /** @param {number} max */
  const runningSums = (max) => {
    let sum = 0;
    return reader.integers(roots.length, -max, max).map((difference) => (sum += difference));
  };
  const count = reader.integers(roots.length, 1, MAX_BATCH_CERTIFICATES);
  const notAfter = runningSums(MAX_TIME);
  const block = runningSums(MAX_BLOCK);
  const key = reader.integers(roots.length, 0, keys - 1);
  const catalog = reader.integers(roots.length, -1, catalogs.length - 1);
  const countersignatures = reader.byteMap(roots.length, 32);
  /** @param {number[]} values @param {number} max */
  const within = (values, max) => values.every((value) => value >= 0 && value <= max);
  reader.expect(
    within(notAfter, MAX_TIME),
    "batches whose last instants lie between 1970 and 9999 before it",
  );
  reader.expect(within(block, MAX_BLOCK), `batches anchored in blocks from 0 to ${MAX_BLOCK} before it`);
  reader.expect(
    [...countersignatures.values()].every((value) => !equal(value, ZERO32)),
    "countersignatures that are not zero before it",
  );
  return roots.map((root, at) => ({
    root,
    count: count[at],
    notAfter: notAfter[at],
    block: block[at],
    key: key[at],
    catalog: catalog[at] < 0 ? ZERO32 : catalogs[catalog[at]],
    countersignature: countersignatures.get(at) ?? ZERO32,
  }));
}

/**
 * The deterministic CBOR of a whole snapshot, whose SHA-256 is its digest (SPEC 17).
 * @param {Snapshot} snapshot
 */
function encodeSnapshot({ checkpoint, accountProof, nodes, catalogs, issuers }) {
  const places = new Map([...catalogs.keys()].map((root, at) => [root, at]));
  return encodeCbor([
    SNAPSHOT_TYPE,
    checkpoint,
    accountProof,
    nodes,
    [...catalogs.values()].map(({ packed }) => packed),
    issuers.map(({ state: s, rows, statuses }) => [
      s.issuer,
      s.kind,
      s.nameDigest ?? s.name,
      ISSUER_STANDINGS.indexOf(s.standing) + 1,
      s.since,
      concatAll(s.keys.map(({ packed }) => packed)),
      s.catalogVersion,
      s.catalog,
      s.epoch,
      s.revision,
      encodeBatches(rows, places),
      encodeStatuses(statuses),
    ]),
  ]);
}

/**
 * Inverse of `decodeBatches`.
 * @param {BatchRow[]} rows @param {Map<string, number>} places of catalogs by root @returns {Cbor}
 */
function encodeBatches(rows, places) {
  /** @param {number[]} values */
  const differences = (values) => values.map((value, at) => value - (at ? values[at - 1] : 0));
  const countersigned = [...rows.entries()].filter(([, row]) => !equal(row.countersignature, ZERO32));
  return [
    concatAll(rows.map(({ root }) => root)),
    rows.map(({ count }) => count),
    differences(rows.map(({ notAfter }) => notAfter)),
    differences(rows.map(({ block }) => block)),
    rows.map(({ key }) => key),
    rows.map(({ catalog }) => places.get(hex(catalog)) ?? -1),
    new Map(countersigned.map(([at, row]) => [at, row.countersignature])),
  ];
}

// -------------------- formats/snapshot_proof.mjs

/** Proof that a snapshot is the contract's state at its checkpoint (SPEC 13, 17). */

/** The nodes of many proofs of one storage trie, each once; `used` collects those that a proof needed. */
class TrieNodes {
  /** @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot */
  constructor(nodes, storageRoot) {
    this.nodes = new Map(nodes.map((node) => [hex(keccak256(node)), node]));
    this.root = storageRoot;
    /** @type {Set<Uint8Array>} */ this.used = new Set();
  }

  /**
   * Value of a slot.
   * @param {Uint8Array} position @returns {Uint8Array} @throws {CertledgerError} `proof.invalid`
   */
  slot(position) {
    return decodeSlotValue(
      findInTrie(this.root, keccak256(position), (hash) => {
        const node = this.nodes.get(hex(hash)) ?? fail("proof.invalid", `node ${hex(hash)} is missing`);
        this.used.add(node);
        return node;
      }),
    );
  }
}

/**
 * The roll after the registration of these issuers, in their order (SPEC 13).
 * @param {SnapshotIssuer[]} issuers
 */
function computeRoll(issuers) {
  let roll = ZERO32;
  for (const [at, { state }] of issuers.entries()) {
    roll = concat(keccak256(concat(roll, utf8(state.issuer))).subarray(0, 28), uintToBytes(at + 1, 4));
  }
  return roll;
}

/** @param {string} problem @returns {never} */
const failUnproved = (problem) => fail("snapshot.unproved", problem);

/**
 * Verify a proof of a snapshot: its `proof.invalid` becomes `snapshot.unproved`.
 * @template T @param {() => T} prove @returns {T}
 */
function requireProof(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof CertledgerError && error.code === "proof.invalid")
      return failUnproved(error.message);
    throw error;
  }
}

/**
 * Check that a snapshot is the state of the ledger's contract under its checkpoint's state root, whole (SPEC 17).
 * @param {Snapshot} snapshot @param {Ledger} ledger @throws {CertledgerError} `snapshot.unproved`
 */
function checkSnapshot({ note, accountProof, nodes, catalogs, issuers }, ledger) {
  const account = requireProof(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account || !equal(account.codeHash, ledger.codeHash))
    return failUnproved("the account has another code hash than the policy's ledger");
  const known = new TrieNodes(nodes, account.storageRoot);
  requireProof(() => {
    if (!equal(known.slot(ROLL_POSITION), computeRoll(issuers)))
      failUnproved("the list of issuers does not give the roll");
    for (const { state } of issuers) {
      const slot = clearBrake(known.slot(issuerSlotPosition(state.issuer)));
      if (!equal(slot, stateDigest(state)))
        failUnproved(`the state of ${state.issuer} does not have the digest in its slot`);
    }
  });
  if (known.used.size !== nodes.length)
    failUnproved(`${nodes.length - known.used.size} nodes are not needed`);
  if (new Set(issuers.map(({ state }) => state.issuer)).size !== issuers.length)
    failUnproved("an issuer is listed twice");
  const needed = catalogRootsOf(issuers);
  if (needed.size !== catalogs.size || ![...needed].every((root) => catalogs.has(root))) {
    failUnproved("a catalog is missing or not needed");
  }
}

/**
 * Roots, in hex, of the catalogs of batches and states, without the empty one.
 * @param {SnapshotIssuer[]} issuers @returns {Set<string>}
 */
function catalogRootsOf(issuers) {
  const roots = issuers.flatMap(({ state, rows }) => [state.catalog, ...rows.map(({ catalog }) => catalog)]);
  // Batches of one catalog share the bytes of its root, which are compared once.
  return new Set([...new Set(roots)].filter((root) => !equal(root, ZERO32)).map(hex));
}

// -------------------- formats/snapshot_delta.mjs

/** Deltas: what changed from one snapshot to a newer one (SPEC 17). */

const DELTA_TYPE = "certledger/delta/1";

/**
 * The snapshot that a delta leads to. `checkSnapshot` proves it.
 * @param {Snapshot} old @param {Uint8Array} unpacked decompressed file @param {Ledger} ledger
 * @returns {Snapshot}
 * @throws {CertledgerError} as `decodeSnapshot`, and `snapshot.other_base`, `snapshot.older`,
 *   `snapshot.unproved`
 */
function applyDelta(old, unpacked, ledger) {
  const reader = openSnapshotItem(unpacked, DELTA_TYPE, 7);
  if (!equal(reader.binary(32, 32), sha256(encodeSnapshot(old)))) {
    fail("snapshot.other_base", "the delta builds on a snapshot of another digest");
  }
  const checkpoint = reader.text(4 * MAX_NOTE_BYTES);
  const note = parseNote(checkpoint);
  if (note.checkpoint.number < old.note.checkpoint.number)
    fail(
      "snapshot.older",
      `the delta leads from block ${old.note.checkpoint.number} back to ${note.checkpoint.number}`,
    );
  const accountProof = reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES);
  const nodes = reader.binaries(MAX_LIST_ITEMS, MAX_NODE_BYTES, true);
  const catalogs = mergeCatalogs(old, decodeCatalogs(reader));
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const issuers = reader.items(MAX_LIST_ITEMS, (at) => {
    // An unchanged issuer is its place in the former list.
    if (at < old.issuers.length && reader.majorType() === UNSIGNED)
      return old.issuers[reader.integer(at, at)];
    reader.list(2, 2);
    reader.integer(at, at);
    return decodeIssuer(reader, roots, identity, old.issuers[at]?.rows ?? []);
  });
  reader.finish();
  const account = requireProof(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account) return failUnproved("the contract's account is absent");
  const needed = catalogRootsOf(issuers);
  return {
    note,
    checkpoint,
    accountProof,
    nodes: nodesInUse([...old.nodes, ...nodes], account.storageRoot, issuers),
    catalogs: catalogsByRoot(catalogs.filter(({ root }) => needed.has(hex(root)))),
    issuers,
  };
}

/**
 * The nodes that prove the roll and the slots of these issuers, ascending.
 * @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot @param {SnapshotIssuer[]} issuers
 * @returns {Uint8Array[]}
 * @throws {CertledgerError} `snapshot.unproved`: a node is missing
 */
function nodesInUse(nodes, storageRoot, issuers) {
  const known = new TrieNodes(nodes, storageRoot);
  const positions = [ROLL_POSITION, ...issuers.map(({ state }) => issuerSlotPosition(state.issuer))];
  requireProof(() => positions.forEach((position) => known.slot(position)));
  return [...known.used].sort(compareBytes);
}

/**
 * The catalogs of a snapshot and of a delta to it, by ascending root.
 * @param {Snapshot} old @param {Catalog[]} added @returns {Catalog[]}
 * @throws {CertledgerError} `snapshot.invalid`
 */
function mergeCatalogs(old, added) {
  // A catalog that the snapshot has by its root alone may come with its entries.
  requireShape(!added.some(({ root }) => old.catalogs.get(hex(root))?.entries), "a catalog is added twice");
  const replaced = new Set(added.map(({ root }) => hex(root)));
  const unchanged = [...old.catalogs.values()].filter(({ root }) => !replaced.has(hex(root)));
  return [...unchanged, ...added].sort((left, right) => compareBytes(left.root, right.root));
}

// -------------------- formats/zlib.mjs

/** Decompression of snapshot files (zlib, RFC 1950) with a bound (SPEC 17, 19). */

/** Bytes of any decompressed snapshot. */
const MAX_SNAPSHOT_BYTES = 256 * 2 ** 20;
/** Decompressed bytes that any file may have, and those that it may have for each byte of its own besides. */
const MAX_FREE_BYTES = 65536;
const MAX_RATIO = 16;

/**
 * Decompress a file that is one zlib stream and nothing else.
 * @param {Uint8Array} file @returns {Promise<Uint8Array>} @throws {CertledgerError} `snapshot.invalid`
 */
async function inflate(file) {
  const parts = [];
  const limit = Math.min(MAX_SNAPSHOT_BYTES, MAX_FREE_BYTES + MAX_RATIO * file.length);
  let size = 0;
  try {
    const stream = new Blob([/** @type {BlobPart} */ (file)])
      .stream()
      .pipeThrough(new DecompressionStream("deflate"));
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      if (size > limit) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    return fail("snapshot.invalid", "not a zlib stream, or cut short");
  }
  const whole =
    size <= limit ? concatAll(parts) : fail("snapshot.invalid", `more than ${limit} bytes once decompressed`);
  // Not every platform rejects bytes after the stream; a file that ends with the checksum has none.
  if (!equal(adler32(whole), file.subarray(-4))) fail("snapshot.invalid", "bytes follow the zlib stream");
  return whole;
}

/**
 * Adler-32, the checksum at the end of a zlib stream (RFC 1950).
 * @param {Uint8Array} bytes @returns {Uint8Array}
 */
function adler32(bytes) {
  let [low, high] = [1, 0];
  for (let at = 0; at < bytes.length;) {
    // After 3,800 bytes both sums are still exact integers; only then are they reduced.
    for (const stop = Math.min(at + 3800, bytes.length); at < stop; at += 1) {
      low += bytes[at];
      high += low;
    }
    [low, high] = [low % 65521, high % 65521];
  }
  return concat(uintToBytes(high, 2), uintToBytes(low, 2));
}

// -------------------- verify/proven_snapshot.mjs

/** A trust snapshot that is decoded and proved once and then answers many questions (SPEC 17). */

/**
 * A snapshot that is the contract's state at its checkpoint. `trust` says whether that block is trusted.
 * @typedef {object} ProvenSnapshot
 * @property {Policy} policy
 * @property {Ledger} ledger
 * @property {Snapshot} snapshot
 * @property {BlockTrust} trust
 * @property {Map<string, SnapshotIssuer>} byIssuer
 */

/**
 * Decode a snapshot and prove it whole.
 * @param {Uint8Array} file @param {Policy} policy @returns {Promise<ProvenSnapshot>}
 * @throws {CertledgerError} `snapshot.invalid`, `snapshot.version`, `snapshot.unproved`,
 *   `checkpoint.unusable`, and
 *   those of its parts
 */
async function openSnapshot(file, policy) {
  return proveSnapshot(decodeSnapshot(await inflate(file)), policy);
}

/**
 * Apply a delta to a snapshot, and prove the new one whole.
 * @param {ProvenSnapshot} proven @param {Uint8Array} file of the delta @returns {Promise<ProvenSnapshot>}
 * @throws {CertledgerError} as `openSnapshot`, and `snapshot.other_base`, `snapshot.older`
 */
async function updateSnapshot(proven, file) {
  return proveSnapshot(applyDelta(proven.snapshot, await inflate(file), proven.ledger), proven.policy);
}

/** @param {Snapshot} snapshot @param {Policy} policy @returns {ProvenSnapshot} */
function proveSnapshot(snapshot, policy) {
  if (!policy.evidence.includes(SNAPSHOT_TYPE))
    fail("snapshot.version", `the policy does not list ${SNAPSHOT_TYPE}`);
  const ledger =
    findLedger(policy, snapshot.note.checkpoint.identity) ??
    failUnproved("the policy does not have its ledger");
  checkSnapshot(snapshot, ledger);
  return {
    policy,
    ledger,
    snapshot,
    trust: trustByWitnesses(snapshot.note, policy, ledger),
    byIssuer: new Map(snapshot.issuers.map((issuer) => [issuer.state.issuer, issuer])),
  };
}

// -------------------- verify/compact.mjs

/** Verification of compact evidence, from a snapshot and without a network (SPEC 16.2, 17, 18). */

/**
 * A record's batch in a snapshot, and its entry if the catalog of the batch has it.
 * @typedef {{issuer: SnapshotIssuer, row: BatchRow, statement: Statement, entry: Entry | null}} SnapshotBatch
 */

/**
 * The batch of a record, or the code of check 3 if the snapshot does not have it, in the order of SPEC 17.
 * @param {ProvenSnapshot} proven @param {CertificateRecord} record @returns {SnapshotBatch | string}
 */
function findBatch(proven, record) {
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer) return "anchor.body_absent";
  if (issuer.state.nameDigest) return "anchor.name_absent";
  if (record.index >= issuer.state.certificates) return "anchor.batch_pending";
  // The last batch that begins at or before the index.
  let [low, high] = [0, issuer.statements.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (issuer.statements[middle].first <= record.index) low = middle;
    else high = middle;
  }
  const row = issuer.rows[low];
  const catalog = proven.snapshot.catalogs.get(hex(row.catalog));
  if (catalog && !catalog.entries) return "anchor.catalog_absent";
  const entry = catalog?.entries?.find((candidate) => isEntryOf(record, candidate)) ?? null;
  return { issuer, row, statement: issuer.statements[low], entry };
}

/**
 * Checks 4, 5 and 8 from a trusted snapshot, which has its catalogs whole: an entry that is not there does not exist.
 * @param {CertificateRecord} record @param {SnapshotBatch} batch @param {Policy} policy @returns {CheckCodes}
 */
function checkBatch(record, { issuer, row, statement, entry }, policy) {
  const key = issuer.state.keys[row.key];
  const signature = key ? checkKey(key, row.block) : "signature.signer_differs";
  const word = issuer.statuses.word(statusWordPosition(record.index));
  return {
    signature: signature === "ok" ? checkCountersigned(policy, statement) : signature,
    entitlement: entry ? checkEntryObeyed(record, entry) : "entitlement.category_absent",
    status: checkStatus(record.index, word, issuer.state.standing),
  };
}

/**
 * Checks 2 to 8, which rest on the snapshot.
 * @param {CompactEvidence} compact @param {SnapshotBatch | string} found @param {BlockTrust} trust
 * @param {Policy} policy @param {number} now @returns {CheckCodes}
 */
function checkBySnapshot({ record, path }, found, trust, policy, now) {
  const trusted = trust.code === "ok" && trust.time !== null;
  const freshness = trusted
    ? checkFreshness(record.category, policy, trust.time ?? 0, now, trust.end)
    : "block.needed";
  const codes = { block: trust.code, freshness };
  if (typeof found === "string") {
    // The snapshot speaks neither for nor against: the batch may have come since (SPEC 17).
    const [anchor, code] = trusted ? [found, "anchor.needed"] : ["block.needed", "block.needed"];
    return { ...codes, ...unmadeChecks(code), anchor, inclusion: "inclusion.path_unusable" };
  }
  const inclusion = checkInclusion(record, found.statement, path);
  return { ...codes, ...checkBatch(record, found, policy), inclusion, anchor: "ok" };
}

/**
 * Check 6, block, for a code that names a ledger.
 * @param {ProvenSnapshot} proven @param {Uint8Array} identity its first 8 bytes @param {number} now
 * @returns {BlockTrust}
 */
function checkSnapshotBlock({ policy, ledger, trust }, identity, now) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  if (!equal(identity, ledger.identity.subarray(0, 8))) return { code: "block.other_ledger", time: null };
  return trust;
}

/**
 * Verify the text of a compact code by a snapshot and its policy. Bad input is a result, not an error.
 * @param {string} text @param {Omit<Question, "policy"> & {snapshot: ProvenSnapshot}} question
 */
function verifyCompact(text, { snapshot, ...question }) {
  let compact;
  try {
    compact = parseCompactEvidence(text);
  } catch (error) {
    if (error instanceof CertledgerError) return unusableResult(error.code);
    throw error;
  }
  const { policy, ledger } = snapshot;
  if (!policy.evidence.includes(COMPACT_TYPE)) return unusableResult("schema.version");
  const { record, disclosures, presentation } = compact;
  const { now, documents = [] } = question;
  const trust = checkSnapshotBlock(snapshot, compact.ledger, now);
  const found = trust.code === "ok" ? findBatch(snapshot, record) : trust.code;
  const batch = typeof found === "string" ? null : found;
  const entry = batch?.entry ?? null;
  // Without the entry disclosures have no names, so nothing is disclosed (SPEC 17).
  const disclosed = entry
    ? locateCompactDisclosures(record, disclosures, entry)
    : locateDisclosures(record, []);
  const codes = {
    content: checkContent(disclosed, documents, entry),
    dates: checkDates(record, now),
    holder: checkHolder(disclosed, presentation, ledger.identity, { ...question, policy }),
    ...checkBySnapshot(compact, found, trust, policy, now),
  };
  const proved =
    batch && entry
      ? { issuerName: batch.issuer.state.name, entry, statement: batch.statement, block: batch.row.block }
      : null;
  return makeResult(codes, disclosed, proved, trust, now + policy.clockTolerance);
}

export {
  CODES,
  CertledgerError,
  WARNINGS,
  canonicalBytes,
  canonicalText,
  checkFingerprint,
  codeOf,
  deriveSalt,
  fileOf,
  findSuccessors,
  formatDisclosure,
  formatShortLink,
  keccak256,
  lookupDigest,
  messageToSign,
  normalAccessCode,
  normalNumber,
  openHolding,
  openSnapshot,
  parseCanonical,
  parseCompactEvidence,
  parsePolicy,
  parseShortLink,
  parseTime,
  policyFingerprint,
  sha256,
  sha512,
  showFields,
  sm3,
  updateSnapshot,
  verifyCompact,
  verifyEd25519,
  verifyEvidence,
};
