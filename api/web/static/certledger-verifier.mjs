// Made from the modules in verifier/js by `python -m verifier.js.bundle`. Do not edit.
/**
 * The certledger verifier as one module for browsers and Node: evidence in, a verdict out, no network.
 *
 * It follows docs/SPEC.md. It has no secret and signs nothing, so its arithmetic need not run in constant time.
 * @module
 */

// -------------------- errors.mjs

/** The one exception of bad input, and how to make it. */

/** Input that breaks a rule. `code` is one of the specification's, the message a sentence for people. */
class Refusal extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

/** @param {string} code @param {string} message @returns {never} */
function refuse(code, message) {
  throw new Refusal(code, message);
}

/** What a proof gives, null where it does not hold. @template T @param {() => T} prove @returns {T | null} */
function orNull(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

// -------------------- bytes.mjs

/** Byte strings: joining, comparing, hexadecimal, big-endian integers. */

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** @param {string} text @returns {Uint8Array} */
const utf8 = (text) => UTF8.encode(text);

/** Byte strings one after another. @param {Uint8Array[]} parts however many @returns {Uint8Array} */
function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
const concat = (...parts) => join(parts);

/** @param {Uint8Array} left @param {Uint8Array} right */
function equal(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Order of byte strings: negative, zero or positive. @param {Uint8Array} left @param {Uint8Array} right */
function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/** @type {Uint8Array} */
const ZERO32 = new Uint8Array(32);

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** @param {Uint8Array} bytes @returns {string} */
function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** The bytes of hexadecimal text already known to be well formed. @param {string} text */
function unhex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** `value` as `width` bytes, big-endian. @param {number} value a safe integer @param {number} width */
function uint(value, width) {
  const bytes = new Uint8Array(width);
  for (let at = width - 1, rest = value; at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** @param {Uint8Array} bytes @returns {bigint} */
const toBigInt = (bytes) => (bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n);

/** Equal parts of `size` bytes. @param {Uint8Array} bytes @param {number} size @returns {Uint8Array[]} */
function chunks(bytes, size) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}

// -------------------- formats/canonical_json.mjs

/** Canonical JSON: reading with bounds, writing (SPEC 2, after RFC 8785). */

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
function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The canonical bytes that are hashed and signed. @param {Json} value @returns {Uint8Array} */
const canonicalBytes = (value) => utf8(canonicalText(value));

/**
 * The value of canonical bytes.
 * @param {Uint8Array} bytes @param {number} limit greatest number of bytes @returns {Json}
 * @throws {Refusal} `json.*`
 */
function parseCanonical(bytes, limit) {
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

// -------------------- crypto/hashing.mjs

/** Hashes: SHA-256 and SHA-512 (FIPS 180-4), HMAC (RFC 2104), SM3 (GB/T 32905), Keccak-256. */

/** The first `count` primes. @param {number} count @returns {number[]} */
function primes(count) {
  const found = [];
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

/** First 64 bits of the fractional part of a prime's root. @param {number} prime @param {bigint} degree */
const rootBits = (prime, degree) => BigInt.asUintN(64, floorRoot(BigInt(prime) << (64n * degree), degree));

const SHA512_ROUNDS = primes(80).map((prime) => rootBits(prime, 3n));
const SHA512_START = primes(8).map((prime) => rootBits(prime, 2n));
const SHA256_ROUNDS = Int32Array.from(SHA512_ROUNDS.slice(0, 64), (bits) => Number(bits >> 32n));
const SHA256_START = SHA512_START.map((bits) => Number(bits >> 32n));
/**
 * Calls `eat` with each padded block of the Merkle-Damgård construction.
 * @param {Uint8Array} data @param {number} size of a block @param {(view: DataView, at: number) => void} eat
 */
function eachBlock(data, size, eat) {
  const whole = data.length - (data.length % size);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < whole; at += size) eat(view, at);
  const rest = data.subarray(whole);
  const tail = new Uint8Array(rest.length + 1 + size / 8 > size ? 2 * size : size);
  tail.set(rest);
  tail[rest.length] = 0x80;
  tail.set(uint(data.length * 8, 8), tail.length - 8);
  const last = new DataView(tail.buffer);
  for (let at = 0; at < tail.length; at += size) eat(last, at);
}

/** @param {Int32Array} words @returns {Uint8Array} */
function bigEndian(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setInt32(4 * at, word));
  return bytes;
}

const SHA256_WORDS = new Int32Array(64);
/** @param {Int32Array} state @param {DataView} view @param {number} at */
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

/** @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
function sha256(data) {
  const state = Int32Array.from(SHA256_START);
  eachBlock(data, 64, (view, at) => sha256Block(state, view, at));
  return bigEndian(state);
}

/** RFC 2104. @param {Uint8Array} key @param {Uint8Array} message */
function hmacSha256(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad));
  return sha256(concat(outer, sha256(concat(inner, message))));
}

/** @param {bigint[]} state @param {DataView} view @param {number} at */
function sha512Block(state, view, at) {
  /** @param {bigint} x @param {bigint} bits */
  const turn = (x, bits) => (x >> bits) | BigInt.asUintN(64, x << (64n - bits));
  /** @type {bigint[]} */ const w = [];
  for (let i = 0; i < 16; i += 1) w.push(view.getBigUint64(at + 8 * i));
  for (let i = 16; i < 80; i += 1) {
    const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
    const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
    w.push(BigInt.asUintN(64, w[i - 16] + s0 + w[i - 7] + s1));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 80; i += 1) {
    const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
    const one = h + s1 + ((e & f) ^ (~e & g)) + SHA512_ROUNDS[i] + w[i];
    const two = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
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

/** @param {Uint8Array} data @returns {Uint8Array} 64 bytes */
function sha512(data) {
  const state = [...SHA512_START];
  eachBlock(data, 128, (view, at) => sha512Block(state, view, at));
  return unhex(state.map((word) => word.toString(16).padStart(16, "0")).join(""));
}

const SM3_START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

/** @param {number} word @param {number} bits */
const turnLeft = (word, bits) => (word << (bits & 31)) | (word >>> ((32 - bits) & 31));

/** @param {Int32Array} state @param {DataView} view @param {number} at */
function sm3Block(state, view, at) {
  const w = new Int32Array(68);
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 68; i += 1) {
    const x = w[i - 16] ^ w[i - 9] ^ turnLeft(w[i - 3], 15);
    w[i] = x ^ turnLeft(x, 15) ^ turnLeft(x, 23) ^ turnLeft(w[i - 13], 7) ^ w[i - 6];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const early = i < 16;
    const one = turnLeft((turnLeft(a, 12) + e + turnLeft(early ? 0x79cc4519 : 0x7a879d8a, i)) | 0, 7);
    const two = one ^ turnLeft(a, 12);
    const ff = early ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = early ? e ^ f ^ g : (e & f) | (~e & g);
    const left = (ff + d + two + (w[i] ^ w[i + 4])) | 0;
    const right = (gg + h + one + w[i]) | 0;
    d = c;
    c = turnLeft(b, 9);
    b = a;
    a = left;
    h = g;
    g = turnLeft(f, 19);
    f = e;
    e = right ^ turnLeft(right, 9) ^ turnLeft(right, 17);
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] ^= word;
  });
}

/** @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
function sm3(data) {
  const state = Int32Array.from(SM3_START);
  eachBlock(data, 64, (view, at) => sm3Block(state, view, at));
  return bigEndian(state);
}

/** Round constants (halves), and the walk of lanes with their rotations, of Keccak-f[1600] by their definitions. */
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
  const [lanes, turns] = [new Uint8Array(24), new Uint8Array(24)];
  for (let t = 0, x = 1, y = 0; t < 24; t += 1) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    lanes[t] = 2 * (x + 5 * y);
    turns[t] = (((t + 1) * (t + 2)) / 2) % 64;
  }
  return { low, high, lanes, turns };
})();

const KECCAK_COLUMNS = new Int32Array(10);
const KECCAK_ROW = new Int32Array(10);
/** Keccak-f[1600] over 25 lanes, low and high half of each beside each other. @param {Int32Array} s */
function permute(s) {
  const [column, row] = [KECCAK_COLUMNS, KECCAK_ROW];
  const { low, high, lanes, turns } = KECCAK;
  for (let round = 0; round < 24; round += 1) {
    for (let x = 0; x < 10; x += 1) column[x] = s[x] ^ s[x + 10] ^ s[x + 20] ^ s[x + 30] ^ s[x + 40];
    for (let x = 0; x < 10; x += 2) {
      const after = (x + 2) % 10;
      const before = (x + 8) % 10;
      const dl = column[before] ^ ((column[after] << 1) | (column[after + 1] >>> 31));
      const dh = column[before + 1] ^ ((column[after + 1] << 1) | (column[after] >>> 31));
      for (let y = 0; y < 50; y += 10) {
        s[x + y] ^= dl;
        s[x + y + 1] ^= dh;
      }
    }
    let l = s[2];
    let h = s[3];
    for (let t = 0; t < 24; t += 1) {
      const lane = lanes[t];
      const bits = turns[t] & 31;
      const nl = s[lane];
      const nh = s[lane + 1];
      const first = turns[t] < 32 ? l : h;
      const second = turns[t] < 32 ? h : l;
      s[lane] = bits ? (first << bits) | (second >>> (32 - bits)) : first;
      s[lane + 1] = bits ? (second << bits) | (first >>> (32 - bits)) : second;
      l = nl;
      h = nh;
    }
    for (let y = 0; y < 50; y += 10) {
      for (let x = 0; x < 10; x += 1) row[x] = s[y + x];
      for (let x = 0; x < 10; x += 1) s[y + x] ^= ~row[(x + 2) % 10] & row[(x + 4) % 10];
    }
    s[0] ^= low[round];
    s[1] ^= high[round];
  }
}

/** Keccak-256 with Ethereum's padding. @param {Uint8Array} data @returns {Uint8Array} 32 bytes */
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
    permute(state);
  }
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 8; i += 1) out.setInt32(4 * i, state[i], true);
  return digest;
}

// -------------------- crypto/modular.mjs

/** Arithmetic modulo a prime, on BigInt. */

/** @param {bigint} value @param {bigint} modulus */
const mod = (value, modulus) => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

/** @param {bigint} base @param {bigint} exponent @param {bigint} modulus */
function power(base, exponent, modulus) {
  let result = 1n;
  for (let square = base, rest = exponent; rest; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Inverse of a non-zero value, by Euclid. @param {bigint} value @param {bigint} modulus */
function invert(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return mod(x, modulus);
}

// -------------------- crypto/ed25519.mjs

/** Ed25519 signatures (RFC 8032). */

const ED_P = (1n << 255n) - 19n;
const ED_N = (1n << 252n) + 27742317777372353535851937790883648493n;
const ED_D = mod(-121665n * invert(121666n, ED_P), ED_P);
const ED_ROOT = power(2n, (ED_P - 1n) / 4n, ED_P);
/** @typedef {[bigint, bigint, bigint, bigint]} Extended X, Y, Z and T = XY/Z of a twisted Edwards point */

/** @param {Extended} left @param {Extended} right @returns {Extended} */
function edAdd([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2), ED_P);
  const b = ((y1 + x1) * (y2 + x2)) % ED_P;
  const c = (((2n * t1 * t2) % ED_P) * ED_D) % ED_P;
  const d = (2n * z1 * z2) % ED_P;
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f, ED_P), mod(g * h, ED_P), mod(f * g, ED_P), mod(e * h, ED_P)];
}

/** @param {Uint8Array} bytes little-endian */
const littleEndian = (bytes) => toBigInt(Uint8Array.from(bytes).reverse());

/** The point of 32 bytes, or null. @param {Uint8Array} bytes @returns {Extended | null} */
function edPoint(bytes) {
  const encoded = littleEndian(bytes);
  const y = BigInt.asUintN(255, encoded) % ED_P;
  const u = mod(y * y - 1n, ED_P);
  const v = mod(ED_D * y * y + 1n, ED_P);
  let x = (u * power(v, 3n, ED_P) * power((u * power(v, 7n, ED_P)) % ED_P, (ED_P - 5n) / 8n, ED_P)) % ED_P;
  if (mod(v * x * x, ED_P) !== u) x = (x * ED_ROOT) % ED_P;
  if (mod(v * x * x, ED_P) !== u) return null;
  if ((x & 1n) !== encoded >> 255n) x = mod(-x, ED_P);
  return [x, y, 1n, (x * y) % ED_P];
}

const ED_BASE = /** @type {Extended} */ (
  edPoint(Uint8Array.from({ length: 32 }, (_, at) => (at ? 0x66 : 0x58)))
);

/**
 * RFC 8032, section 5.1.7, in the form without the cofactor.
 * @param {Uint8Array} key 32 bytes @param {Uint8Array} message @param {Uint8Array} signature 64 bytes
 * @returns {boolean}
 */
function checkEd25519(key, message, signature) {
  const point = edPoint(key);
  const s = littleEndian(signature.subarray(32));
  if (!point || s >= ED_N) return false;
  const h = littleEndian(sha512(concat(signature.subarray(0, 32), key, message))) % ED_N;
  /** @type {Extended} */ const minus = [mod(-point[0], ED_P), point[1], 1n, mod(-point[3], ED_P)];
  const both = edAdd(ED_BASE, minus);
  /** @type {Extended} */ let sum = [0n, 1n, 1n, 0n];
  for (let bit = 252n; bit >= 0n; bit -= 1n) {
    sum = edAdd(sum, sum);
    const pick = Number((s >> bit) & 1n) + 2 * Number((h >> bit) & 1n);
    if (pick) sum = edAdd(sum, [ED_BASE, minus, both][pick - 1]);
  }
  const inverse = invert(sum[2], ED_P);
  const encoded = ((sum[1] * inverse) % ED_P) | ((((sum[0] * inverse) % ED_P) & 1n) << 255n);
  return encoded === littleEndian(signature.subarray(0, 32));
}

// -------------------- formats/time.mjs

/** Calendar days and instants (SPEC 1). */

const DAY = 86400;
const GREATEST_TIME = 253402300799;
/**
 * Days from 1970-01-01 to a day that the calendar has, else null.
 * @param {number} year @param {number} month @param {number} day
 */
function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1 && year <= 9999 ? date.getTime() / 1000 / DAY : null;
}

/** @param {string} text YYYY-MM-DD @returns {number | null} */
function parseDay(text) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return found && dayNumber(Number(found[1]), Number(found[2]), Number(found[3]));
}

/** @param {number} day @returns {string} */
const formatDay = (day) => new Date(day * DAY * 1000).toISOString().slice(0, 10);

/** Seconds of an instant like 2026-11-24T06:00:00Z. @param {string} text @throws {Refusal} `time.invalid` */
function parseTime(text) {
  const found = /^(.{10})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/.exec(text);
  const day = found && parseDay(found[1]);
  if (!found || day === null) return refuse("time.invalid", `${text} is not like 2026-11-24T06:00:00Z`);
  return day * DAY + Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4]);
}

/** @param {number} seconds @returns {string} */
const formatTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** The calendar day in China at an instant. @param {number} seconds */
const chinaDay = (seconds) => Math.floor((seconds + 8 * 3600) / DAY);

/**
 * A day some months later, clamped to the end of its month and to 9999-12-31.
 * @param {number} day @param {number} months
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

/** Base64url, base64 and hexadecimal text, each in its one spelling (SPEC 1). */

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_DIGITS = new Map(Array.from(URL_ALPHABET, (letter, value) => [letter, value]));
/** The bytes of unpadded base64url in its one spelling, or null. @param {string} text @returns {Uint8Array | null} */
function fromBase64Url(text) {
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
function toBase64Url(bytes) {
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
function fromBase64(text) {
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
function base64Url(text) {
  const bytes = fromBase64Url(text);
  if (bytes) return bytes;
  const known = /^[A-Za-z0-9+/_-]+={0,2}$|^$/.test(text) && text.replaceAll("=", "").length % 4 !== 1;
  return known
    ? refuse("base64.not_canonical", "bytes have a second spelling")
    : refuse("base64.invalid", "a text is not base64url");
}

/** @param {string} text @param {number} size @returns {Uint8Array} @throws {Refusal} `hex.invalid` */
function strictHex(text, size) {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
    refuse("hex.invalid", `a text is not ${size} bytes in hex`);
  return unhex(text);
}

// -------------------- formats/members.mjs

/** Members of a JSON object, each read once by type and range; what is left over is refused (SPEC 2). */

/** Number of code points. @param {string} text */
const characters = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

class Members {
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
function checkAscending(where, values) {
  if (values.some((value, at) => at > 0 && value <= values[at - 1])) {
    refuse("schema.invalid", `${where} do not strictly ascend`);
  }
}

/** @param {string} what @param {string[]} values all different, or refused */
function checkDistinct(what, values) {
  if (new Set(values).size !== values.length) refuse("schema.invalid", `two ${what} are the same`);
}

// -------------------- formats/checkpoint.mjs

/** Checkpoints and their cosignatures (SPEC 14, C2SP tlog-checkpoint and tlog-cosignature). */

const LONGEST_NOTE = 4096;
/** Lines of one note, known or not: each known one costs a check of a signature (C2SP). */
const MAX_SIGNATURE_LINES = 16;

const GREATEST_BLOCK = 2 ** 40 - 1;
const WITNESS_NAME = /^[!-*,-~]{1,128}$/;
/** @typedef {{body: string, identity: Uint8Array, number: number, stateRoot: Uint8Array, blockHash: Uint8Array, time: number}} Checkpoint */

/** @typedef {{name: string, keyId: Uint8Array, time: number, signature: Uint8Array}} Cosignature */

/** @typedef {{checkpoint: Checkpoint, cosignatures: Cosignature[]}} Note */

/** @param {string} why @returns {never} */
const unusableNote = (why) => refuse("checkpoint.unusable", why);

/** @param {string | bigint} digits @param {number} greatest */
function noteNumber(digits, greatest) {
  return BigInt(digits) <= BigInt(greatest)
    ? Number(digits)
    : unusableNote("a number of a note is too great");
}

/** @param {string} text */
const noteBytes = (text) => fromBase64(text) ?? unusableNote("bytes of a note have a second spelling");

/** @param {string} text @returns {Note} @throws {Refusal} `checkpoint.unusable` */
function parseNote(text) {
  if (utf8(text).length > LONGEST_NOTE) unusableNote("a note is too long");
  const found = new RegExp(
    "^(certledger/1/([0-9a-f]{64})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n" +
      "block ([0-9a-f]{64})\ntime (0|[1-9][0-9]{0,18})\n)\n",
  ).exec(text);
  if (!found) return unusableNote("a note does not start with five lines and an empty one");
  const checkpoint = {
    body: found[1],
    identity: unhex(found[2]),
    number: noteNumber(found[3], GREATEST_BLOCK),
    stateRoot: noteBytes(found[4]),
    blockHash: unhex(found[5]),
    time: noteNumber(found[6], GREATEST_TIME),
  };
  const rest = text.slice(found[0].length);
  if (rest && !rest.endsWith("\n")) unusableNote("a note ends within a line");
  const lines = rest.split("\n").slice(0, -1);
  if (lines.length > MAX_SIGNATURE_LINES) unusableNote("a note has too many signatures");
  const cosignatures = lines.map(parseCosignature);
  const order = cosignatures.map(({ name, keyId }) => `${name} ${hex(keyId)}`);
  if (!order.every((line, at) => at === 0 || line > order[at - 1])) {
    unusableNote("the lines of a note do not strictly ascend by name and key id");
  }
  return { checkpoint, cosignatures };
}

/** @param {string} line @returns {Cosignature} */
function parseCosignature(line) {
  const found = /^\u2014 ([!-*,-~]{1,128}) ([A-Za-z0-9+/]{102}==)$/.exec(line);
  if (!found) return unusableNote("a line of a note is no cosignature");
  const payload = noteBytes(found[2]);
  return {
    name: found[1],
    keyId: payload.subarray(0, 4),
    time: noteNumber(toBigInt(payload.subarray(4, 12)), GREATEST_TIME),
    signature: payload.subarray(12),
  };
}

/** The id of a witness's key under its name (C2SP tlog-cosignature v1). @param {string} name @param {Uint8Array} key */
const witnessKeyId = (name, key) =>
  sha256(concat(utf8(name), Uint8Array.of(0x0a, 0x04), key)).subarray(0, 4);

/**
 * Whether a line is a cosignature of a checkpoint by the key that it names.
 * @param {Checkpoint} checkpoint @param {Cosignature} line @param {Uint8Array} key
 */
const checkCosignature = (checkpoint, line, key) =>
  checkEd25519(key, utf8(`cosignature/v1\ntime ${line.time}\n${checkpoint.body}`), line.signature);

// -------------------- formats/merkle.mjs

/** Merkle trees (SPEC 3, RFC 9162 section 2.1). */

/** @param {Uint8Array} data */
const leafHash = (data) => sha256(concat(Uint8Array.of(0), data));

/** @param {Uint8Array} left @param {Uint8Array} right */
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

/** Whether bit 0 of a position below 2^53 is set. @param {number} position */
const odd = (position) => position % 2 === 1;

/** @param {number} value */
const half = (value) => Math.floor(value / 2);

/**
 * The root that `path` implies for leaf `position` of a tree of `size` leaves.
 * @param {Uint8Array} leaf @param {number} position @param {number} size @param {Uint8Array[]} path
 * @throws {Refusal} `proof.invalid`: the position is outside, or the path has another length
 */
function impliedRoot(leaf, position, size, path) {
  if (position >= size) refuse("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let root = leaf;
  let last = size - 1;
  let place = position;
  for (const sibling of path) {
    if (last === 0) refuse("proof.invalid", "a path is too long");
    if (odd(place) || place === last) {
      root = nodeHash(sibling, root);
      // The right edge of an uneven tree skips the levels where it has no sibling.
      while (place && !odd(place)) [place, last] = [half(place), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  if (last) refuse("proof.invalid", "a path is too short");
  return root;
}

/** Sizes of the perfect subtrees of an append-only tree, greatest first. @param {number} size @returns {number[]} */
function peakSizes(size) {
  const sizes = [];
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (Math.floor(size / bit) % 2) sizes.push(bit);
  }
  return sizes;
}

/**
 * Place of the peak over leaf `position`, and the leaf's position below it.
 * @param {number} position @param {number} size
 */
function peakOf(position, size) {
  if (position >= size) refuse("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let rest = position;
  for (const [peak, width] of peakSizes(size).entries()) {
    if (rest < width) return { peak, within: rest, width };
    rest -= width;
  }
  throw new RangeError("unreachable: the peaks hold every leaf");
}

/** Peaks of an append-only tree of these leaves, greatest first. @param {Iterable<Uint8Array>} leaves */
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

/** The root over some leaves. @param {Iterable<Uint8Array>} leaves at least one */
function treeRoot(leaves) {
  const peaks = peaksOf(leaves);
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}

// -------------------- formats/record.mjs

/** Records and disclosures (SPEC 4 and 5). */

const ISSUER = /^[0-9A-Z]{18}$/;
const CATEGORY = /^[A-Z0-9-]{2,24}$/;
const HOLDERS = ["natural", "legal", "object"];
const MOST_CERTIFICATES = 2 ** 32;
const MOST_DIGESTS = 96;
const LONGEST_VALUE = 512;
const NUMBER = "certificate_number";
const HOLDER_KEY = "holder_key";
const DOCUMENT = "document";
/** @typedef {ReturnType<typeof readRecord>} CertificateRecord */

/** @param {Json} value */
function readRecord(value) {
  const read = new Members(value, "record");
  read.constant("type", "certledger/record/1");
  const record = {
    issuer: read.text("issuer", ISSUER),
    index: read.integer("index", 0, MOST_CERTIFICATES - 1),
    id: read.binary("id", 32),
    edition: read.integer("edition", 0, 65535),
    replaces: read.has("replaces") ? read.integer("replaces", 0, MOST_CERTIFICATES - 1) : null,
    category: read.text("category", CATEGORY),
    entry: read.integer("entry", 1, 65535),
    holder: read.word("holder", HOLDERS),
    issued: read.day("issued"),
    expires: read.has("expires") ? read.day("expires") : null,
    bound: read.boolean("bound"),
    digests: read.hashes("digests", MOST_DIGESTS),
    leaf: ZERO32,
  };
  read.done();
  checkRegion(record.issuer);
  if (!record.digests.length) refuse("schema.invalid", "record.digests is empty");
  if ((record.replaces !== null) !== record.edition > 0) {
    refuse("record.edition", "replaces stands exactly where edition is above 0");
  }
  if (record.replaces !== null && record.replaces >= record.index) {
    refuse("record.edition", "a record replaces one of a lower index");
  }
  if (record.expires !== null && record.expires < record.issued) {
    refuse("record.dates", "a record expires before it is issued");
  }
  record.leaf = leafHash(canonicalBytes(value));
  return record;
}

/** @param {string} issuer */
function checkRegion(issuer) {
  if (!/^[0-9]{2}$/.test(issuer.slice(2, 4))) refuse("issuer.invalid", `${issuer} is not the code of a body`);
}

/** @typedef {string | {sha256: string, size: number, sm3?: string}} Value */

/** @typedef {{salt: string, name: string, value: Value, digest: Uint8Array}} Disclosure */

/** @param {string} salt @param {string} name @param {Json} value @returns {string} */
const formatDisclosure = (salt, name, value) => toBase64Url(canonicalBytes([salt, name, value]));

/** @param {string} text of a disclosure @returns {Uint8Array} */
const digestOf = (text) => sha256(utf8(text));

/**
 * Salt of a document or a must-show field (section 4.5).
 * @param {string} code normal access code @param {number} place
 */
function derivedSalt(code, place) {
  return toBase64Url(
    hmacSha256(utf8(code), concat(utf8("certledger/1/salt"), uint(place, 2))).subarray(0, 16),
  );
}

/** @param {string} text @returns {Disclosure} */
function readDisclosure(text) {
  const parts = parseCanonical(base64Url(text), 4096);
  if (!Array.isArray(parts) || parts.length !== 3)
    return refuse("schema.invalid", "a disclosure is a list of three");
  const [salt, name, value] = parts;
  if (typeof salt !== "string" || typeof name !== "string" || !name || characters(name) > 64) {
    return refuse("schema.invalid", "salt and name of a disclosure are text");
  }
  if (name === DOCUMENT) checkDocument(value);
  else checkFieldValue(value);
  return { salt, name, value: /** @type {Value} */ (value), digest: digestOf(text) };
}

/** @param {Json} value */
function checkFieldValue(value) {
  if (typeof value !== "string" || !value || characters(value) > LONGEST_VALUE) {
    refuse("schema.invalid", "a field is 1 to 512 characters");
  }
}

/** @param {Json} value */
function checkDocument(value) {
  const read = new Members(value, "document");
  read.text("sha256", /^[0-9a-f]{64}$/);
  if (read.has("sm3")) read.text("sm3", /^[0-9a-f]{64}$/);
  read.integer("size");
  read.done();
}

// -------------------- formats/policy.mjs

/** The members of a trust policy (SPEC 15). */

const GREATEST_SPAN = 2 ** 32 - 1;
const WAYS = ["node", "rpc", "witnesses"];
/** @typedef {ReturnType<typeof readLedger>} Ledger */

/** @typedef {ReturnType<typeof readWitness>} Witness */

/** @param {Json} value */
function readPolicy(value) {
  const read = new Members(value, "policy");
  read.constant("type", "certledger/policy/1");
  const ages = read.inner("max_age");
  const policy = {
    version: read.integer("version", 1),
    ends: readInstant(read, "ends"),
    roots: readRoots(read.inner("roots")),
    ledgers: read.parts("ledgers", 1, 16, readLedger),
    trust: readTrust(read.inner("trust")),
    witnesses: read.parts("witnesses", 0, 256, readWitness),
    blockLag: read.integer("block_lag", 0, GREATEST_SPAN),
    defaultAge: ages.integer("default", 0, GREATEST_SPAN),
    ages: readAges(ages),
    clockTolerance: read.integer("clock_tolerance", 0, GREATEST_SPAN),
    presentationAge: read.integer("presentation_age", 0, GREATEST_SPAN),
    evidence: readVersions(read),
    countersignature: read.boolean("countersignature"),
    text: canonicalText(value),
  };
  ages.done();
  read.done();
  checkDistinctParts(policy.ledgers, policy.witnesses);
  const operators = new Set(policy.witnesses.map(({ operator }) => operator)).size;
  const { ways, threshold } = policy.trust;
  if (ways.includes("witnesses") && operators < threshold) {
    refuse("schema.invalid", `${threshold} operators must witness where the policy has ${operators}`);
  }
  return policy;
}

/**
 * Checks that witnesses ascend by name, and that no two ledgers or witnesses have the same identity, name or key.
 * @param {Ledger[]} ledgers @param {Witness[]} witnesses @throws {Refusal} `schema.invalid`
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

/** @param {Members} read @param {string} name @param {number} size */
const hexMember = (read, name, size) => strictHex(read.text(name), size);

/** Bytes of an Ethereum address or hash. @param {Members} read @param {string} name @param {number} size */
function prefixedMember(read, name, size) {
  const text = read.text(name);
  return text.startsWith("0x") ? strictHex(text.slice(2), size) : read.refuse(name, "0x and lower-case hex");
}

/** @param {Members} read @param {string} name */
function readInstant(read, name) {
  const seconds = parseTime(read.text(name));
  return seconds >= 0 ? seconds : read.refuse(name, "a time since 1970");
}

/** @param {Members} read */
function readRoots(read) {
  const keys = read.texts("keys", 1, 64);
  keys.forEach((key) => strictHex(key, 32));
  checkAscending("policy.roots.keys", keys);
  const roots = { keys, threshold: read.integer("threshold", 1, keys.length) };
  read.done();
  return roots;
}

/** @param {Members} read */
function readLedger(read) {
  const identity = prefixedMember(read, "identity", 32);
  return {
    identity,
    name: read.text("name", null, 128),
    chainId: read.integer("chain_id", 1),
    genesis: prefixedMember(read, "genesis", 32),
    address: prefixedMember(read, "address", 20),
    codeHash: prefixedMember(read, "code_hash", 32),
    deployment: prefixedMember(read, "deployment", 32),
    retired: read.has("retired") ? readRetired(read, identity) : null,
  };
}

/**
 * The last checkpoint of a retired ledger: the policy's signatures vouch for it.
 * @param {Members} read @param {Uint8Array} identity
 */
function readRetired(read, identity) {
  const text = read.text("retired");
  try {
    const { checkpoint, cosignatures } = parseNote(text);
    if (!cosignatures.length && equal(checkpoint.identity, identity)) return checkpoint;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return read.refuse("retired", "a checkpoint of this ledger without cosignatures");
}

/** @param {Members} read */
function readTrust(read) {
  const ways = read.texts("ways", 1, WAYS.length);
  if (!ways.every((way) => WAYS.includes(way))) read.refuse("ways", `a list of ${WAYS}`);
  checkAscending("policy.trust.ways", ways);
  const trust = {
    ways,
    threshold: read.integer("threshold", 1, MAX_SIGNATURE_LINES),
    confirmations: read.integer("confirmations", 0, GREATEST_SPAN),
  };
  read.done();
  return trust;
}

/** @param {Members} read */
function readWitness(read) {
  const from = read.integer("from", 0, GREATEST_BLOCK);
  return {
    from,
    operator: read.text("operator", null, 128),
    name: read.text("name", WITNESS_NAME),
    key: hexMember(read, "key", 32),
    until: read.has("until") ? read.integer("until", from, GREATEST_BLOCK) : GREATEST_BLOCK,
  };
}

/** @param {Members} read @returns {Map<string, number>} */
function readAges(read) {
  const pairs = read.parts(
    "categories",
    0,
    1024,
    (inner) =>
      /** @type {[string, number]} */ ([
        inner.text("category", CATEGORY),
        inner.integer("seconds", 0, GREATEST_SPAN),
      ]),
  );
  checkAscending(
    "policy.max_age.categories",
    pairs.map(([category]) => category),
  );
  return new Map(pairs);
}

/** @param {Members} read */
function readVersions(read) {
  const versions = read.texts("evidence", 1, 16);
  if (!versions.every((text) => /^certledger\/[a-z]+\/[1-9][0-9]{0,3}$/.test(text))) {
    read.refuse("evidence", "a list of versions like certledger/evidence/1");
  }
  checkAscending("policy.evidence", versions);
  return versions;
}

/** @param {Policy} policy @param {Uint8Array} identity @returns {Ledger | undefined} */
const ledgerOf = (policy, identity) =>
  policy.ledgers.find((ledger) => equal(ledger.identity, identity));

// -------------------- formats/signed_policy.mjs

/** Signed trust policies, and which may follow which (SPEC 15). */

const LONGEST_POLICY = 65536;
/** @typedef {ReturnType<typeof readPolicy> & {signers: Set<string>}} Policy */

/**
 * The policy of a file, once its signatures reach the threshold of its own roots.
 * @param {Uint8Array} bytes @returns {Policy}
 * @throws {Refusal} `json.*`, `schema.*` and others of form; `policy.unsigned`
 */
function parsePolicy(bytes) {
  const read = new Members(parseCanonical(bytes, LONGEST_POLICY), "file");
  const value = read.take("policy");
  const policy = readPolicy(value);
  const signatures = read.parts("signatures", 0, 128, (inner) => ({
    key: hexMember(inner, "key", 32),
    signature: hexMember(inner, "signature", 64),
  }));
  read.done();
  checkAscending(
    "file.signatures",
    signatures.map(({ key }) => hex(key)),
  );
  const message = concat(utf8("certledger/policy/1\n"), canonicalBytes(value));
  for (const { key, signature } of signatures) {
    if (!checkEd25519(key, message, signature))
      refuse("policy.unsigned", "a signature of the policy does not verify");
  }
  const signed = { ...policy, signers: new Set(signatures.map(({ key }) => hex(key))), bytes };
  checkThreshold(signed, policy.roots);
  return signed;
}

/** @param {Policy} policy @param {Policy["roots"]} roots */
function checkThreshold(policy, roots) {
  const count = roots.keys.filter((key) => policy.signers.has(key)).length;
  if (count < roots.threshold)
    refuse("policy.unsigned", `${count} of the root keys have signed where ${roots.threshold} must`);
}

/**
 * Checks that `next` may take the place of `held`; the same policy may again.
 * @param {Policy} held @param {Policy} next @throws {Refusal} `policy.older`, `policy.unsigned`
 */
function checkSuccession(held, next) {
  if (next.version < held.version)
    refuse("policy.older", `version ${next.version} would replace ${held.version}`);
  if (next.version > held.version) checkThreshold(next, held.roots);
  else if (next.text !== held.text) refuse("policy.older", `another policy has version ${held.version} too`);
}

/**
 * The policies of a chain, oldest first, that are newer than the one held, each checked to follow the one before.
 * A chain may begin before the policy held, and may not end before it.
 * @param {Policy | null} held @param {Policy[]} chain @returns {Policy[]}
 * @throws {Refusal} `policy.older`, `policy.unsigned`
 */
function findSuccessors(held, chain) {
  chain.slice(1).forEach((next, at) => checkSuccession(chain[at], next));
  const version = held?.version ?? 0;
  if (held && chain.length)
    checkSuccession(held, chain.find((one) => one.version >= version) ?? chain[chain.length - 1]);
  const newer = chain.filter((one) => one.version > version);
  return newer.filter((one, at) => at === 0 || one.version > newer[at - 1].version);
}

// -------------------- formats/fingerprint.mjs

/** Fingerprints of policies for people to compare (SPEC 15). */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
/** The shift of each letter of a word in its 16 bits, and the letters it can be. */
const WORD_SHAPE = [
  [12, CONSONANTS],
  [10, VOWELS],
  [6, CONSONANTS],
  [4, VOWELS],
  [0, CONSONANTS],
];

const FINGERPRINT_WORDS = 8;
const LONGEST_FINGERPRINT = 200;
/**
 * The fingerprint of a policy, for people to compare: in hex, and in words for its first 16 bytes.
 * @param {Policy} policy @returns {{hex: string, words: string}}
 */
function policyFingerprint(policy) {
  const digest = sha256(concat(utf8("certledger/policy/1\n"), utf8(policy.text)));
  const words = [];
  for (let at = 0; at < 2 * FINGERPRINT_WORDS; at += 2) {
    const number = (digest[at] << 8) | digest[at + 1];
    const letters = WORD_SHAPE.map(([shift, from]) => from[(number >> shift) & (from.length - 1)]);
    words.push(letters.join(""));
  }
  return { hex: hex(digest), words: words.join(" ") };
}

/**
 * Checks that a person's spelling of a fingerprint, in hex or in words, is that of a policy.
 * @param {Policy} policy @param {string} text @throws {Refusal} `fingerprint.invalid`, `policy.fingerprint`
 */
function checkFingerprint(policy, text) {
  const word = WORD_SHAPE.map(([, letters]) => `[${letters}]`).join("");
  const form = new RegExp(`^(?:[0-9a-f]{64}|(?:${word}){${FINGERPRINT_WORDS}})$`);
  const letters = text.replace(/[ \t\r\n:-]+/g, "").toLowerCase();
  // Of other alphabets some capitals become Latin small letters.
  const ascii = /^[\0-\x7f]*$/.test(text);
  if (!ascii || text.length > LONGEST_FINGERPRINT || !form.test(letters))
    refuse("fingerprint.invalid", "neither 64 hex digits nor eight words");
  const found = policyFingerprint(policy);
  if (letters !== found.hex && letters !== found.words.replaceAll(" ", ""))
    refuse("policy.fingerprint", `version ${policy.version} has the fingerprint ${found.words}`);
}

// -------------------- verify/codes.mjs

/** What each code of a check means (SPEC 18.3). */

/** @typedef {{outcome: string, advice: string, en: string, zh: string}} Meaning of a code; `en` is a result's `detail` */

/** What each code says to people, and what to do: `refuse`, `retry` or `ask_holder`. @type {Map<string, Meaning>} */
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
      "the chain holds another state of the issuing body",
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
      "the issuing body was not registered at this block",
      "截至该区块，发证机构尚未登记",
    ],
    [
      "anchor.name_absent",
      "unknown",
      "ask_holder",
      "the name of the issuing body is not at hand here",
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
      "the batch is not proved under the body's state",
      "批次未能在机构状态下得到证明",
    ],
    [
      "anchor.proof_unusable",
      "unknown",
      "ask_holder",
      "the proof of the body's state does not verify",
      "机构状态的证明无法通过验证",
    ],
    [
      "anchor.other_body",
      "unknown",
      "ask_holder",
      "the state belongs to another issuing body",
      "所附状态属于另一发证机构",
    ],
    [
      "signature.key_ended",
      "fail",
      "refuse",
      "the signing key had ended when the batch was anchored: ask the body to issue again",
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
      "the body was never granted this category",
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
      "the category is not proved under the body's catalog",
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
      "the issuing body's state has changed since, and the new one is not at hand: ask for fresh evidence",
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
    ["status.body_suspended", "fail", "refuse", "the issuing body is suspended", "发证机构已被暂停"],
    ["status.body_struck", "fail", "refuse", "the issuing body has been struck off", "发证机构已被除名"],
    [
      "status.unproved",
      "unknown",
      "ask_holder",
      "the status is not proved under the body's state",
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

/** What each warning says to people. */
const WARNINGS = new Map([
  [
    "anchoring.late",
    { en: "it was anchored later after its issue than its category asks", zh: "锚定时间晚于该类证照的规定" },
  ],
  [
    "node.adds_nothing",
    { en: "the node that was named told nothing newer than the evidence", zh: "指定的节点没有给出更新的信息" },
  ],
]);

/** @param {string} code @returns {string} */
const outcomeOf = (code) => CODES.get(code)?.outcome ?? "unknown";

// -------------------- formats/catalog.mjs

/** Entries of an issuer's catalog, and its root (SPEC 6). */

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

const MOST_ENTRIES = 4096;
/** @typedef {ReturnType<typeof readEntry>} Entry */

/** @param {Json} value */
function readEntry(value) {
  const read = new Members(value, "entry");
  read.constant("type", "certledger/entry/1");
  const entry = {
    category: read.text("category", CATEGORY),
    version: read.integer("version", 1, 65535),
    kind: read.word("kind", ENTRY_KINDS),
    holder: read.word("holder", HOLDERS),
    nameZh: read.text("name_zh", null, 128),
    nameEn: read.text("name_en", null, 128),
    fields: readNames(read, "fields"),
    shown: readNames(read, "shown"),
    months: read.has("months") ? read.integer("months", 1, 1200) : null,
    lagDays: read.integer("lag_days", 0, 36500),
    leaf: ZERO32,
  };
  read.done();
  const { fields, shown } = entry;
  if (
    new Set(fields).size !== fields.length ||
    fields[0] !== NUMBER ||
    fields.includes(DOCUMENT) ||
    fields.includes(HOLDER_KEY)
  ) {
    refuse("entry.fields", `fields are distinct, start with ${NUMBER}, and name no other place`);
  }
  if (fields.filter((field) => shown.includes(field)).join() !== shown.join() || shown.includes(NUMBER)) {
    refuse("entry.shown", `shown is an ordered part of fields, without ${NUMBER}`);
  }
  entry.leaf = leafHash(canonicalBytes(value));
  return entry;
}

/** @param {Members} read @param {string} name */
function readNames(read, name) {
  const names = read.texts(name, 1, 64);
  if (!names.every((field) => /^[a-z][a-z0-9_]{0,63}$/.test(field))) read.refuse(name, "a list of names");
  return names;
}

/**
 * Name of a disclosure at a place (section 4.4).
 * @param {Entry} entry @param {number} place @param {boolean} bound
 */
function nameAt(entry, place, bound) {
  if (place < entry.fields.length) return entry.fields[place];
  return bound && place === entry.fields.length ? HOLDER_KEY : DOCUMENT;
}

/** @param {number} count @param {Uint8Array} root over the canonical entries */
const catalogRoot = (count, root) =>
  sha256(concat(utf8("certledger/catalog/1"), uint(count, 4), root));

/** Order of entries: by category, then version. @param {Entry} left @param {Entry} right */
function compareEntries(left, right) {
  if (left.category !== right.category) return left.category < right.category ? -1 : 1;
  return left.version - right.version;
}

// -------------------- formats/issuer_state.mjs

/** The state of an issuer, its keys, and the digest in its storage slot (SPEC 8). */

const KINDS = ["department", "institution", "association", "appraisal", "consulting", "operator"];
const STANDINGS = ["active", "suspended", "closed", "struck"];
const NO_END = 2 ** 40 - 1;
const KEY_SIZE = 31;
const MOST_KEYS = 16;
const BATCHES = 1;
/** @typedef {{packed: Uint8Array, address: Uint8Array, purposes: number, from: number, end: number}} BodyKey */

/** @param {Uint8Array} packed the first 31 bytes of a key word @returns {BodyKey} */
function readKey(packed) {
  const number = (at) => Number(toBigInt(packed.subarray(at, at + 5)));
  const purposes = packed[20];
  if (purposes < 1 || purposes > 15) refuse("state.key", "a key has no known purpose");
  return { packed, address: packed.subarray(0, 20), purposes, from: number(21), end: number(26) };
}

/** @typedef {ReturnType<typeof readBody>} BodyState */

/** @param {Json} value */
function readBody(value) {
  const read = new Members(value, "body");
  const keys = read.binary("keys");
  if (!keys.length || keys.length % KEY_SIZE || keys.length > MOST_KEYS * KEY_SIZE) {
    read.refuse("keys", `1 to ${MOST_KEYS} keys of ${KEY_SIZE} bytes`);
  }
  const body = {
    issuer: read.text("issuer", ISSUER),
    kind: KINDS.indexOf(read.word("kind", KINDS)) + 1,
    name: read.text("name", null, 128),
    /** Of a name that is absent in a snapshot. @type {Uint8Array | null} */ nameDigest: null,
    keys: chunks(keys, KEY_SIZE).map(readKey),
    standing: read.word("standing", STANDINGS),
    since: read.integer("since", 0, NO_END),
    catalogVersion: read.integer("catalog_version", 0, 2 ** 32 - 1),
    catalog: read.binary("catalog", 32),
    batches: read.integer("batches", 0, MOST_CERTIFICATES),
    certificates: read.integer("certificates", 0, MOST_CERTIFICATES),
    last: read.binary("last", 32),
    peaks: read.hashes("peaks"),
    epoch: read.integer("epoch"),
    status: read.binary("status", 32),
    revision: read.integer("revision", 0, 2 ** 32 - 1),
  };
  read.done();
  checkRegion(body.issuer);
  if (body.peaks.length !== peakSizes(body.batches).length) {
    refuse("schema.invalid", "body.peaks do not fit the number of batches");
  }
  return body;
}

/** A slot with the brake cleared. @param {Uint8Array} slot */
function withoutBrake(slot) {
  const cleared = Uint8Array.from(slot);
  cleared[31] &= 0xfe;
  return cleared;
}

/** @param {BodyState} b @returns {Uint8Array} */
function stateDigest(b) {
  return withoutBrake(
    keccak256(
      concat(
        utf8(b.issuer),
        uint(Number(b.issuer.slice(2, 4)), 2),
        Uint8Array.of(b.kind, STANDINGS.indexOf(b.standing) + 1),
        uint(b.since, 5),
        uint(b.catalogVersion, 4),
        Uint8Array.of(0),
        uint(b.batches, 8),
        uint(b.certificates, 8),
        uint(b.epoch, 8),
        uint(b.revision, 4),
        new Uint8Array(4),
        b.nameDigest ?? sha256(utf8(b.name)),
        b.catalog,
        b.last,
        b.status,
        keccak256(join(b.keys.flatMap((key) => [key.packed, Uint8Array.of(0)]))),
        keccak256(join(b.peaks)),
      ),
    ),
  );
}

/**
 * Leaf of a batch in its body's tree.
 * @param {Uint8Array} digest @param {Uint8Array} catalog @param {number} key @param {number} block
 */
const batchLeaf = (digest, catalog, key, block) =>
  leafHash(concat(digest, catalog, uint(key, 1), uint(block, 5)));

// -------------------- formats/presentation.mjs

/** Presentations, signed by the holder for one request of a counter (SPEC 16.3). */

const PRESENTED_WORD = /^[A-Za-z0-9._-]{1,64}$/;
/** @typedef {ReturnType<typeof readPresentation>} Presentation */

/** @param {Json} value */
function readPresentation(value) {
  const read = new Members(value, "presentation");
  const presentation = {
    audience: read.text("audience", PRESENTED_WORD),
    nonce: read.text("nonce", PRESENTED_WORD),
    signature: read.binary("signature", 64),
    time: read.integer("time", 0, GREATEST_TIME),
  };
  read.done();
  return presentation;
}

// -------------------- formats/state_proof.mjs

/** Proofs of an account and its storage: RLP and Merkle-Patricia tries (SPEC 11, EIP-1186). */

/** @typedef {{bytes: Uint8Array, size: number} | {items: RlpItem[], size: number}} RlpItem `size`: encoded bytes */

/** @param {Uint8Array} data @param {number} at @param {number} width */
function rlpLength(data, at, width) {
  const digits = data.subarray(at, at + width);
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length !== width || digits[0] === 0 || length < 56)
    refuse("proof.invalid", "a second spelling in RLP");
  return length;
}

/** @param {Uint8Array} data @param {number} at @returns {RlpItem} */
function rlpItem(data, at) {
  const first = data[at];
  if (first === undefined) return refuse("proof.invalid", "RLP ends early");
  if (first < 0x80) return { bytes: data.subarray(at, at + 1), size: 1 };
  const list = first >= 0xc0;
  const short = first - (list ? 0xc0 : 0x80);
  const head = short < 56 ? 1 : 1 + short - 55;
  const length = short < 56 ? short : rlpLength(data, at + 1, short - 55);
  const body = data.subarray(at + head, at + head + length);
  if (body.length !== length) refuse("proof.invalid", "RLP ends early");
  if (!list) {
    if (length === 1 && body[0] < 0x80) refuse("proof.invalid", "a second spelling in RLP");
    return { bytes: body, size: head + length };
  }
  const items = [];
  for (let place = 0; place < length;) {
    const item = rlpItem(body, place);
    items.push(item);
    place += item.size;
  }
  return { items, size: head + length };
}

/** @param {Uint8Array} data @returns {RlpItem} */
function rlpDecode(data) {
  const item = rlpItem(data, 0);
  if (item.size !== data.length) refuse("proof.invalid", "bytes follow an RLP item");
  return item;
}

/** @param {Uint8Array} bytes @returns {number[]} */
const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/** @param {Uint8Array} bytes @returns {{path: number[], leaf: boolean}} */
function hexPrefix(bytes) {
  const [kind, pad, ...rest] = nibbles(bytes);
  if (kind === undefined || kind > 3 || (!(kind & 1) && pad))
    return refuse("proof.invalid", "a key's prefix is wrong");
  return { path: kind & 1 ? [pad, ...rest] : rest, leaf: kind > 1 };
}

/** @typedef {{next?: RlpItem, value?: RlpItem, at: number}} Step neither `next` nor `value`: proved absent */

const KEY_NIBBLES = 64;
/** A branch's or extension's child as a reference, undefined where the place is empty. @param {RlpItem} item */
function child(item) {
  if ("bytes" in item && !item.bytes.length) return undefined;
  if ("bytes" in item ? item.bytes.length !== 32 : item.size >= 32) {
    refuse("proof.invalid", "a child is neither a hash nor a node shorter than one");
  }
  return item;
}

/** What a node says of a key. @param {RlpItem} node @param {number[]} key @param {number} at @returns {Step} */
function step(node, key, at) {
  const items = "items" in node ? node.items : [];
  if (items.length === 17) {
    if (at === KEY_NIBBLES || !("bytes" in items[16]) || items[16].bytes.length) {
      refuse("proof.invalid", "a branch stands where keys of 32 bytes end");
    }
    return { next: child(items[key[at]]), at: at + 1 };
  }
  if (items.length !== 2 || !("bytes" in items[0]))
    return refuse("proof.invalid", "a trie node has no known shape");
  const { path, leaf } = hexPrefix(items[0].bytes);
  const stop = at + path.length;
  const fits = path.every((nibble, place) => nibble === key[at + place]);
  if (leaf) {
    if (stop !== KEY_NIBBLES) refuse("proof.invalid", "a leaf does not stand at the end of a key");
    return fits ? { value: items[1], at: stop } : { at: stop };
  }
  if (stop >= KEY_NIBBLES || !path.length) refuse("proof.invalid", "an extension is empty, or ends a key");
  const next = child(items[1]);
  if (!next) refuse("proof.invalid", "an extension leads nowhere");
  return fits ? { next, at: stop } : { at: stop };
}

/**
 * The bytes that a trie holds under a key, or null if they are proved absent.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey 32 bytes
 * @param {(hash: Uint8Array) => Uint8Array} take gives the node of a hash
 * @throws {Refusal} `proof.invalid`
 */
function walk(root, hashedKey, take) {
  const key = nibbles(hashedKey);
  /** @type {RlpItem | undefined} */ let reference = { bytes: root, size: 33 };
  for (let at = 0; ;) {
    // What is shorter than a hash stands inside its parent.
    const node = "bytes" in reference ? rlpDecode(take(reference.bytes)) : reference;
    const found = step(node, key, at);
    if (found.value) return stringOf(found.value);
    if (!found.next) return null;
    [reference, at] = [found.next, found.at];
  }
}

/** @param {RlpItem} item @returns {Uint8Array} */
const stringOf = (item) =>
  "bytes" in item ? item.bytes : refuse("proof.invalid", "a list where a string stands");

const EMPTY_TRIE = keccak256(Uint8Array.of(0x80));
const MOST_NODES = 64;
const LONGEST_NODE = 1024;
/**
 * The same from a proof whose nodes are all used, in order.
 * @param {Uint8Array} root @param {Uint8Array} hashedKey @param {Uint8Array[]} nodes
 */
function walkProof(root, hashedKey, nodes) {
  let used = 0;
  if (equal(root, EMPTY_TRIE) && !nodes.length) return null;
  const found = walk(root, hashedKey, (hash) => {
    const node = nodes[used];
    if (!node || node.length > LONGEST_NODE || (used && node.length < 32) || !equal(keccak256(node), hash)) {
      refuse("proof.invalid", `node ${used} of a proof is not the one its parent names`);
    }
    used += 1;
    return node;
  });
  if (used !== nodes.length) refuse("proof.invalid", "a proof has nodes that it does not need");
  return found;
}

/** @param {Uint8Array} bytes an integer of RLP @param {number} width greatest number of bytes */
function rlpInteger(bytes, width) {
  if (bytes.length > width || bytes[0] === 0) refuse("proof.invalid", "an integer has a second spelling");
  return bytes;
}

/**
 * Storage root and code hash of an account, null if it is proved absent.
 * @param {Uint8Array} stateRoot @param {Uint8Array} address @param {Uint8Array[]} nodes
 */
function proveAccount(stateRoot, address, nodes) {
  const found = walkProof(stateRoot, keccak256(address), nodes);
  if (!found) return null;
  const account = rlpDecode(found);
  const parts = "items" in account ? account.items.map(stringOf) : [];
  if (parts.length !== 4 || parts[2].length !== 32 || parts[3].length !== 32) {
    refuse("proof.invalid", "an account has four parts");
  }
  rlpInteger(parts[0], 8);
  rlpInteger(parts[1], 32);
  return { storageRoot: parts[2], codeHash: parts[3] };
}

/** A slot's value, 32 bytes, of what the storage trie holds there. @param {Uint8Array | null} found */
function slotValue(found) {
  if (!found) return ZERO32;
  const value = rlpInteger(stringOf(rlpDecode(found)), 32);
  if (!value.length) refuse("proof.invalid", "a slot that is zero is absent from the trie");
  return concat(new Uint8Array(32 - value.length), value);
}

/** Position of the slot of a body (section 13). @param {string} issuer */
const slotPosition = (issuer) => keccak256(concat(utf8(issuer), new Uint8Array(14), ZERO32));

const ROLL_POSITION = uint(1, 32);

// -------------------- formats/statements.mjs

/** Batch statements and the digest that an issuer signs (SPEC 7, EIP-712). */

const BATCH_TYPE = keccak256(
  utf8(
    "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count," +
      "bytes32 catalog,bytes32 countersignature,uint64 notAfter)",
  ),
);

/** @typedef {ReturnType<typeof readStatement>} Statement */

/** @param {Json} value @param {string} issuer */
function readStatement(value, issuer) {
  const read = new Members(value, "statement");
  const statement = {
    issuer,
    sequence: read.integer("sequence", 1),
    previous: read.binary("previous", 32),
    root: read.binary("root", 32),
    first: read.integer("first", 0, MOST_CERTIFICATES - 1),
    count: read.integer("count", 1, 65536),
    catalog: read.binary("catalog", 32),
    countersignature: read.binary("countersignature", 32),
    notAfter: read.integer("not_after", 0, GREATEST_TIME),
  };
  read.done();
  return statement;
}

/** What a body signs. @param {Statement} s @param {Uint8Array} identity */
function batchDigest(s, identity) {
  const hash = keccak256(
    concat(
      BATCH_TYPE,
      utf8(s.issuer),
      new Uint8Array(14),
      uint(s.sequence, 32),
      s.previous,
      s.root,
      uint(s.first, 32),
      uint(s.count, 32),
      s.catalog,
      s.countersignature,
      uint(s.notAfter, 32),
    ),
  );
  return keccak256(concat(Uint8Array.of(0x19, 0x01), identity, hash));
}

// -------------------- formats/status_tree.mjs

/** The tree of status words: 128 certificates a word, two bits each (SPEC 9). */

const STATUS_DEPTH = 25;
const CELLS = 128;
const STATUSES = ["valid", "revoked", "suspended", "superseded"];
/** Hashes of empty subtrees, by level. */
const DEFAULTS = (() => {
  const found = [ZERO32];
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    found.push(keccak256(concat(found[level], found[level])));
  }
  return found;
})();

/** @typedef {{word: Uint8Array, marks: number, siblings: Uint8Array[]}} WordProof */

/** @param {Json} value @returns {WordProof} */
function readWordProof(value) {
  const read = new Members(value, "status");
  const proof = {
    word: read.binary("word", 32),
    marks: read.integer("marks", 0, 2 ** STATUS_DEPTH - 1),
    siblings: read.hashes("siblings", STATUS_DEPTH),
  };
  read.done();
  return proof;
}

/**
 * The status root that a proof of a word implies.
 * @param {WordProof} proof @param {number} position @throws {Refusal} `proof.invalid`
 */
function statusRoot(proof, position) {
  let root = proof.word;
  let read = 0;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    let sibling = DEFAULTS[level];
    if ((proof.marks >> level) & 1) {
      sibling = proof.siblings[read] ?? refuse("proof.invalid", "a status proof has too few siblings");
      if (equal(sibling, DEFAULTS[level])) refuse("proof.invalid", "a status proof lists a default");
      read += 1;
    }
    root = keccak256((position >> level) & 1 ? concat(sibling, root) : concat(root, sibling));
  }
  if (read !== proof.siblings.length) refuse("proof.invalid", "a status proof has too many siblings");
  return root;
}

/** The root over the words that are not zero. @param {Map<number, Uint8Array>} words by position */
function statusTreeRoot(words) {
  let nodes = words;
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    /** @type {Map<number, Uint8Array>} */ const above = new Map();
    for (const position of nodes.keys()) {
      const parent = position >> 1;
      if (above.has(parent)) continue;
      const [left, right] = [2 * parent, 2 * parent + 1].map((at) => nodes.get(at) ?? DEFAULTS[level]);
      above.set(parent, keccak256(concat(left, right)));
    }
    nodes = above;
  }
  return nodes.get(0) ?? DEFAULTS[STATUS_DEPTH];
}

/** @param {Uint8Array} word @param {number} index of a certificate @returns {string} */
function statusIn(word, index) {
  const cell = index % CELLS;
  return STATUSES[(word[31 - Math.floor(cell / 4)] >> (2 * (cell % 4))) & 3];
}

// -------------------- formats/evidence.mjs

/** Full evidence (SPEC 16.1). */

const LONGEST_EVIDENCE = 65536;
const EVIDENCE_TYPE = "certledger/evidence/1";
/** @typedef {{record: CertificateRecord, disclosures: Disclosure[], places: (number | undefined)[]}} Showing */

/**
 * A record and what is shown of it, the place of each disclosure worked out.
 * @param {CertificateRecord} record @param {Disclosure[]} disclosures @returns {Showing}
 */
function showingOf(record, disclosures) {
  const places = new Map(record.digests.map((digest, place) => [hex(digest), place]));
  return { record, disclosures, places: disclosures.map(({ digest }) => places.get(hex(digest))) };
}

/** @typedef {ReturnType<typeof readEvidence>} Evidence */

/** @param {Json} value */
function readEvidence(value) {
  const read = new Members(value, "evidence");
  read.constant("type", EVIDENCE_TYPE);
  const record = readRecord(read.take("record"));
  const disclosures = read.texts("disclosures", 0, MOST_DIGESTS).map(readDisclosure);
  const evidence = {
    showing: showingOf(record, disclosures),
    path: read.hashes("path"),
    presentation: read.has("presentation") ? readPresentation(read.take("presentation")) : null,
    anchor: readAnchor(read.inner("anchor")),
    body: readBody(read.take("body")),
    catalog: readEntryProof(read.inner("catalog")),
    checkpoint: read.string("checkpoint"),
    proof: readProof(read.inner("proof")),
    signature: read.binary("signature", 64),
    signer: read.binary("signer", 64),
    statement: readStatement(read.take("statement"), record.issuer),
    word: readWordProof(read.take("status")),
  };
  const placed = evidence.showing.places.filter((place) => place !== undefined);
  if (placed.some((place, at) => at > 0 && place <= placed[at - 1])) {
    refuse("schema.invalid", "disclosures do not strictly ascend by place");
  }
  if (evidence.presentation && !record.bound) {
    refuse("schema.invalid", "a presentation stands beside an unbound record");
  }
  read.done();
  return evidence;
}

/** @param {Members} read */
function readAnchor(read) {
  const anchor = {
    block: read.integer("block", 0, NO_END),
    key: read.integer("key", 0, MOST_KEYS - 1),
    path: read.hashes("path"),
  };
  read.done();
  return anchor;
}

/** @param {Members} read */
function readEntryProof(read) {
  const proof = {
    entry: readEntry(read.take("entry")),
    place: read.integer("place", 0, MOST_ENTRIES - 1),
    count: read.integer("count", 1, MOST_ENTRIES),
    path: read.hashes("path"),
  };
  read.done();
  return proof;
}

/** @param {Members} read */
function readProof(read) {
  const nodes = (name) => {
    const found = read.texts(name, 1, MOST_NODES).map(base64Url);
    if (found.some((node) => node.length > LONGEST_NODE))
      read.refuse(name, `nodes of at most ${LONGEST_NODE} bytes`);
    return found;
  };
  const proof = { account: nodes("account"), slot: nodes("slot") };
  read.done();
  return proof;
}

// -------------------- verify/block_trust.mjs

/** Check 6: whether the block is to be trusted (SPEC 18.1). */

/** @typedef {{code: string, time: number | null, basis?: string}} Judgement how check 6 ended; T and on whom the block rests where it passed */

/**
 * Whether enough operators of the policy have cosigned a checkpoint.
 * @param {Note} note @param {Policy} policy @param {Ledger} ledger @returns {Judgement}
 */
function judgeByWitnesses({ checkpoint, cosignatures }, policy, ledger) {
  /** @param {string} code @param {number | null} time @param {string} basis @returns {Judgement} */
  const judged = (code, time = null, basis = "") => ({ code, time, basis });
  // A line is known by name and key id together; others are ignored, as C2SP has it.
  const named = cosignatures.flatMap((line) =>
    policy.witnesses
      .filter(({ name, key }) => name === line.name && equal(witnessKeyId(name, key), line.keyId))
      .map((witness) => ({ line, witness })),
  );
  if (!named.every(({ line, witness }) => checkCosignature(checkpoint, line, witness.key))) {
    return judged("checkpoint.unusable");
  }
  if (!policy.trust.ways.includes("witnesses")) return judged("block.untrusted");
  if (ledger.retired && checkpoint.number > ledger.retired.number) return judged("block.untrusted");
  if (ledger.retired?.number === checkpoint.number && ledger.retired.body !== checkpoint.body) {
    return judged("block.differs");
  }
  /** @type {Map<string, number>} */ const latest = new Map();
  const serves = (witness) => witness.from <= checkpoint.number && checkpoint.number <= witness.until;
  for (const { line, witness } of named) {
    if (serves(witness)) {
      latest.set(witness.operator, Math.max(line.time, latest.get(witness.operator) ?? 0));
    }
  }
  if (latest.size < policy.trust.threshold) return judged("block.witnesses_too_few");
  const time = [...latest.values()].sort((left, right) => right - left)[policy.trust.threshold - 1];
  if (Math.abs(time - checkpoint.time) > policy.blockLag) return judged("block.clock");
  const operators = new Set(policy.witnesses.filter(serves).map(({ operator }) => operator));
  const names = [...latest.keys()].sort((left, right) => compareBytes(utf8(left), utf8(right))).join(", ");
  return judged("ok", time, `${latest.size} of ${operators.size} witnesses: ${names}`);
}

/**
 * Whether the block that evidence speaks of is to be trusted (check 6).
 * @param {string} text of the note @param {Question} question
 * @returns {Judgement & {checkpoint?: Checkpoint, ledger?: Ledger}}
 */
function judgeBlock(text, { policy, now }) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  const note = orNull(() => parseNote(text));
  if (!note) return { code: "checkpoint.unusable", time: null };
  const { checkpoint } = note;
  const ledger = ledgerOf(policy, checkpoint.identity);
  if (!ledger) return { code: "block.other_ledger", time: null };
  return { ...judgeByWitnesses(note, policy, ledger), checkpoint, ledger };
}

// -------------------- verify/checks.mjs

/** Checks that full and compact evidence share: 2, 4, 5, 7, 8 and 9 (SPEC 18.1). */

/** Check 2. @param {CertificateRecord} record @param {Statement} statement @param {Uint8Array[]} path */
function checkInclusion(record, statement, path) {
  const place = record.index - statement.first;
  if (place < 0 || place >= statement.count) return "inclusion.index_outside";
  const root = orNull(() => impliedRoot(record.leaf, place, statement.count, path));
  return root && equal(root, statement.root) ? "ok" : "inclusion.path_differs";
}

/** Check 4 for the recorded key. @param {BodyKey} key @param {number} block of anchoring */
function checkKey(key, block) {
  if (block >= key.end) return "signature.key_ended";
  return key.purposes & BATCHES && key.from <= block ? "ok" : "signature.purpose";
}

/** @param {Policy} policy @param {Statement} statement */
const checkCountersigned = (policy, statement) =>
  policy.countersignature && equal(statement.countersignature, ZERO32)
    ? "signature.countersignature_missing"
    : "ok";

/** Whether an entry is the record's. @param {CertificateRecord} record @param {Entry} entry */
const isEntryOf = (record, entry) =>
  entry.category === record.category && entry.version === record.entry;

/**
 * Whether a record obeys its entry (section 6), as the code of check 5.
 * @param {CertificateRecord} record @param {Entry} entry
 */
function checkObeys(record, entry) {
  if (record.holder !== entry.holder) return "entitlement.holder_kind";
  if (record.digests.length < entry.fields.length + Number(record.bound)) return "entitlement.fields_missing";
  const latest = entry.months === null ? Infinity : addMonths(record.issued, entry.months);
  const tooLong = entry.months !== null && (record.expires === null || record.expires > latest);
  return tooLong ? "entitlement.validity_too_long" : "ok";
}

/** Check 7. @param {string} category @param {Policy} policy @param {number} time T @param {number} now */
function checkFreshness(category, policy, time, now) {
  if (time > now + policy.clockTolerance) return "freshness.future";
  return now - time <= (policy.ages.get(category) ?? policy.defaultAge) ? "ok" : "freshness.stale";
}

/**
 * Check 8, for a proved word and standing; what is true for ever is named first.
 * @param {number} index @param {Uint8Array} word @param {string} standing
 */
function checkStatus(index, word, standing) {
  const status = statusIn(word, index);
  if (standing === "struck") return "status.body_struck";
  if (status === "revoked" || status === "superseded") return `status.${status}`;
  if (standing === "suspended") return "status.body_suspended";
  return status === "valid" ? "ok" : `status.${status}`;
}

/** Check 9. @param {CertificateRecord} record @param {number} now */
function checkDates(record, now) {
  const today = chinaDay(now);
  if (today < record.issued) return "dates.not_yet";
  return record.expires !== null && today > record.expires ? "dates.expired" : "ok";
}

// -------------------- verify/content_check.mjs

/** Check 1: what is shown against what was certified (SPEC 18.1). */

/** @typedef {Uint8Array | {sha256: string, size: number, sm3?: string}} Paper a document, or what was hashed of it elsewhere */

/** What a record says of a document, once hashed. @param {Uint8Array} bytes */
const fingerprint = (bytes) => ({
  sha256: hex(sha256(bytes)),
  size: bytes.length,
  sm3: hex(sm3(bytes)),
});

/**
 * Check 1; without a proved entry neither names nor what must be shown can be judged.
 * @param {Showing} showing @param {Paper[]} documents @param {Entry | null} entry @returns {string}
 */
function checkContent(showing, documents, entry) {
  const { record, disclosures, places } = showing;
  if (places.includes(undefined)) return "content.field_differs";
  if (entry && disclosures.some(({ name }, at) => name !== nameAt(entry, places[at] ?? 0, record.bound))) {
    return "content.name_differs";
  }
  const compared = documents.map((paper) => compareDocument(showing, paper, entry));
  const worst = ["content.document_differs", "content.sm3_unavailable", "content.nothing_compared"].find(
    (code) => compared.includes(code),
  );
  if (worst) return worst;
  const shown = entry && [0, ...entry.shown.map((field) => entry.fields.indexOf(field))];
  return compared.length || shown?.every((place) => places.includes(place))
    ? "ok"
    : "content.nothing_compared";
}

/**
 * A document differs only from documents that are known: where the access code is withheld, it may be one of
 * those that are not shown.
 * @param {Showing} showing @param {Paper} paper @param {Entry | null} entry @returns {string}
 */
function compareDocument({ record, disclosures }, paper, entry) {
  const found = paper instanceof Uint8Array ? fingerprint(paper) : paper;
  const described = disclosures.map(({ value }) => value).filter((value) => typeof value === "object");
  const same = described.filter((value) => value.sha256 === found.sha256 && value.size === found.size);
  const compared = same.map((value) => compareSm3(value, found));
  const best = BEST.find((code) => compared.includes(code));
  if (best) return best;
  const places = entry ? record.digests.length - entry.fields.length - Number(record.bound) : Infinity;
  if (described.length >= places) return "content.document_differs";
  const number = disclosures.find(({ name }) => name === NUMBER);
  if (!number?.salt) return "content.nothing_compared";
  const plain = { sha256: found.sha256, size: found.size };
  const forms = found.sm3 === undefined ? [plain] : [plain, { ...plain, sm3: found.sm3 }];
  const recorded = record.digests.some(
    (digest, place) =>
      place > 0 &&
      forms.some((form) =>
        equal(digest, digestOf(formatDisclosure(derivedSalt(number.salt, place), DOCUMENT, form))),
      ),
  );
  if (recorded) return "ok";
  return found.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

/** What a document may be found to be by disclosed ones of its SHA-256, the best first. */
const BEST = ["ok", "content.sm3_unavailable", "content.document_differs"];

/** @param {{sm3?: string}} value recorded @param {{sm3?: string}} found */
function compareSm3(value, found) {
  if (value.sm3 === undefined || value.sm3 === found.sm3) return "ok";
  return found.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}

// -------------------- crypto/ecdsa.mjs

/** ECDSA signatures on secp256k1 and P-256 (SEC 1, SEC 2, FIPS 186). */

/** @typedef {{p: bigint, a: bigint, b: bigint, n: bigint, x: bigint, y: bigint}} Curve */

/** @type {Curve} */
const SECP256K1 = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  a: 0n,
  b: 7n,
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** @type {Curve} */
const P256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

/** @typedef {[bigint, bigint, bigint]} Jacobian x/z², y/z³; z is zero at infinity */

/** @param {Curve} c @param {Jacobian} point @returns {Jacobian} */
function double(c, [x, y, z]) {
  if (!y || !z) return [1n, 1n, 0n];
  const yy = (y * y) % c.p;
  const s = (4n * x * yy) % c.p;
  const zz = (z * z) % c.p;
  const m = (3n * x * x + c.a * zz * zz) % c.p;
  const nx = mod(m * m - 2n * s, c.p);
  return [nx, mod(m * (s - nx) - 8n * yy * yy, c.p), (2n * y * z) % c.p];
}

/** @param {Curve} c @param {Jacobian} left @param {Jacobian} right @returns {Jacobian} */
function add(c, left, right) {
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
  if (!h) return r ? [1n, 1n, 0n] : double(c, left);
  const hh = (h * h) % c.p;
  const hhh = (h * hh) % c.p;
  const v = (u1 * hh) % c.p;
  const x = mod(r * r - hhh - 2n * v, c.p);
  return [x, mod(r * (v - x) - s1 * hhh, c.p), (h * z1 * z2) % c.p];
}

/** @param {Curve} c @param {bigint} x @param {bigint} y */
const onCurve = (c, x, y) => x < c.p && y < c.p && mod(y * y - (x * x + c.a) * x - c.b, c.p) === 0n;

/** The point of 33 bytes, or null. @param {Curve} c @param {Uint8Array} bytes @returns {[bigint, bigint] | null} */
function decompress(c, bytes) {
  const x = toBigInt(bytes.subarray(1));
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3) || x >= c.p) return null;
  const root = power(mod((x * x + c.a) * x + c.b, c.p), (c.p + 1n) / 4n, c.p);
  if (!onCurve(c, x, root)) return null;
  return [x, (root & 1n) === BigInt(bytes[0] & 1) ? root : c.p - root];
}

/**
 * @param {Curve} c @param {[bigint, bigint]} key @param {Uint8Array} digest 32 bytes
 * @param {Uint8Array} signature r ‖ s, 64 bytes @returns {boolean}
 */
function checkEcdsa(c, key, digest, signature) {
  const r = toBigInt(signature.subarray(0, 32));
  const s = toBigInt(signature.subarray(32));
  if (!onCurve(c, ...key) || !r || r >= c.n || !s || s >= c.n) return false;
  const inverse = invert(s, c.n);
  const u = (toBigInt(digest) * inverse) % c.n;
  const v = (r * inverse) % c.n;
  /** @type {Jacobian} */ const base = [c.x, c.y, 1n];
  /** @type {Jacobian} */ const other = [...key, 1n];
  const both = add(c, base, other);
  /** @type {Jacobian} */ let sum = [1n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit -= 1n) {
    sum = double(c, sum);
    const pick = Number((u >> bit) & 1n) + 2 * Number((v >> bit) & 1n);
    if (pick) sum = add(c, sum, [base, other, both][pick - 1]);
  }
  if (!sum[2]) return false;
  const inverseZ = invert(sum[2], c.p);
  return mod(sum[0] * inverseZ * inverseZ, c.p) % c.n === r;
}

// -------------------- verify/holder_check.mjs

/** Check 10: the holder's presentation (SPEC 18.1). */

/** @typedef {{audience: string, nonce: string}} Request what a counter asked the holder to sign */

/**
 * Check 10.
 * @param {Showing} showing @param {Presentation | null} presented
 * @param {Uint8Array | null} identity of the ledger, where known @param {Question} question
 */
function checkHolder({ record, disclosures }, presented, identity, question) {
  if (!record.bound) return "ok";
  if (!presented) return "holder.presentation_missing";
  const { policy, now, request, seen } = question;
  const key = disclosures.find(({ name }) => name === HOLDER_KEY)?.value;
  if (!identity || typeof key !== "string" || !request) return "holder.presentation_unusable";
  const message = canonicalBytes({
    type: "certledger/presentation/1",
    audience: presented.audience,
    ledger: hex(identity),
    leaf: hex(record.leaf),
    nonce: presented.nonce,
    shown: hex(sha256(join(disclosures.map(({ digest }) => digest)))),
    time: presented.time,
  });
  if (!signedByHolder(key, message, presented.signature)) return "holder.presentation_unusable";
  if (presented.audience !== request.audience) return "holder.other_audience";
  if (presented.nonce !== request.nonce) return "holder.other_nonce";
  if (presented.time < now - policy.presentationAge || presented.time > now + policy.clockTolerance) {
    return "holder.presentation_old";
  }
  return seen?.(presented.signature.subarray(0, 32)) ? "holder.replayed" : "ok";
}

/** @param {string} text of a holder key (section 4.6) @param {Uint8Array} message @param {Uint8Array} signature */
function signedByHolder(text, message, signature) {
  const [, kind, encoded] = /^(p256|ed25519):(.*)$/s.exec(text) ?? [];
  const key = encoded === undefined ? null : fromBase64Url(encoded);
  if (!key) return false;
  if (kind === "ed25519") return key.length === 32 && checkEd25519(key, message, signature);
  const point = decompress(P256, key);
  return point !== null && checkEcdsa(P256, point, sha256(message), signature);
}

// -------------------- verify/proofs.mjs

/** Checks 3 and 4 on the proofs that full evidence carries (SPEC 18.1). */

/**
 * The body's slot under a checkpoint, or the code of check 3 that says why it is not proved.
 * @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger
 */
function proveSlot({ body, proof }, checkpoint, ledger) {
  try {
    const account = proveAccount(checkpoint.stateRoot, ledger.address, proof.account);
    if (!account || !equal(account.codeHash, ledger.codeHash)) return "anchor.other_contract";
    return slotValue(walkProof(account.storageRoot, keccak256(slotPosition(body.issuer)), proof.slot));
  } catch (error) {
    if (error instanceof Refusal) return "anchor.proof_unusable";
    throw error;
  }
}

/** Check 3. @param {Evidence} evidence @param {Checkpoint} checkpoint @param {Ledger} ledger @returns {string} */
function checkAnchor(evidence, checkpoint, ledger) {
  const { body, anchor, statement, showing } = evidence;
  if (body.issuer !== showing.record.issuer) return "anchor.other_body";
  const slot = proveSlot(evidence, checkpoint, ledger);
  if (typeof slot === "string") return slot;
  const digest = withoutBrake(slot);
  if (equal(digest, ZERO32)) return "anchor.body_absent";
  if (!equal(digest, stateDigest(body))) return "anchor.state_differs";
  if (statement.sequence > body.batches) return "anchor.batch_pending";
  const leaf = batchLeaf(
    batchDigest(statement, ledger.identity),
    statement.catalog,
    anchor.key,
    anchor.block,
  );
  const { peak, within, width } = peakOf(statement.sequence - 1, body.batches);
  const root = orNull(() => impliedRoot(leaf, within, width, anchor.path));
  return root && equal(root, body.peaks[peak]) ? "ok" : "anchor.batch_unproved";
}

/** Check 4. @param {Evidence} evidence @param {Ledger} ledger @param {Policy} policy @returns {string} */
function checkSignature({ anchor, signer, signature, statement }, ledger, policy, body) {
  const key = body.keys[anchor.key];
  if (!key || !equal(keccak256(signer).subarray(12), key.address)) return "signature.signer_differs";
  const code = checkKey(key, anchor.block);
  if (code !== "ok") return code;
  const low = toBigInt(signature.subarray(32)) <= SECP256K1.n / 2n;
  /** @type {[bigint, bigint]} */ const point = [
    toBigInt(signer.subarray(0, 32)),
    toBigInt(signer.subarray(32)),
  ];
  if (!low || !checkEcdsa(SECP256K1, point, batchDigest(statement, ledger.identity), signature)) {
    return "signature.damaged";
  }
  return checkCountersigned(policy, statement);
}

/**
 * The entry, once it stands in the catalog under a root.
 * @param {Evidence["catalog"]} proof @param {Uint8Array} catalog
 */
function proveEntry({ entry, place, count, path }, catalog) {
  const root = orNull(() => impliedRoot(entry.leaf, place, count, path));
  return root && equal(catalogRoot(count, root), catalog) ? entry : null;
}

// -------------------- verify/verdict.mjs

/** The ten checks by name, and the verdict that follows from their codes (SPEC 18.1, 18.2). */

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

/** How many of the checks, from the first, make a certificate genuine. */
const GENUINE = 6;

/** @typedef {{[check: string]: string}} Codes the code of each check */

/** @param {Codes} codes @param {boolean} timely whether T is not in the future @returns {string} */
function decide(codes, timely) {
  const ended = Object.fromEntries(CHECKS.map((check) => [check, outcomeOf(codes[check])]));
  const genuine = CHECKS.slice(0, GENUINE);
  if (ended.content === "fail" || ended.inclusion === "fail") return "not_genuine";
  if (ended.block === "pass" && genuine.some((check) => ended[check] === "fail")) return "not_genuine";
  if (genuine.some((check) => ended[check] !== "pass")) return "cannot_tell";
  if (["status.revoked", "status.superseded", "status.body_struck"].includes(codes.status))
    return "not_in_force";
  if (ended.dates === "fail" && timely) return "not_in_force";
  if (ended.status === "fail" && ended.freshness === "pass") return "not_in_force";
  return CHECKS.every((check) => ended[check] === "pass") ? "valid" : "cannot_tell";
}

// -------------------- verify/result.mjs

/** The result of a verification (SPEC 18.4). */

/** @param {string} code @param {number} at place of the check @param {string} rule broken, for what cannot be read */
function finding(code, at, rule = "") {
  const detail = (CODES.get(code)?.en ?? "") + (rule && `: ${rule}`);
  return { code, detail, name: CHECKS[at], number: at + 1, outcome: outcomeOf(code) };
}

/** The result for what cannot be read. @param {string} rule */
function unusable(rule) {
  return {
    certificate: {},
    checks: CHECKS.map((_, at) => finding("evidence.unusable", at, rule)),
    verdict: "cannot_tell",
    warnings: [],
  };
}

/**
 * What stands behind a certificate once checks 1 to 6 passed.
 * @typedef {{body: string, entry: Entry, statement: Statement, block: number}} Proved
 */

/** @param {Showing} showing */
function describe({ record }) {
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

/** @param {Showing} showing @param {Proved} proved */
function describeProved({ record, disclosures, places }, { body, entry, statement, block }) {
  return {
    body,
    name_zh: entry.nameZh,
    name_en: entry.nameEn,
    anchored: { block, not_after: formatTime(statement.notAfter) },
    shown: disclosures.map(({ name, value }) => ({ name, value })),
    withheld: [...record.digests.keys()]
      .filter((place) => !places.includes(place))
      .map((place) => nameAt(entry, place, record.bound)),
  };
}

const LONGEST_LIFE = 7 * DAY;
/** Warnings, which change no verdict. @param {Showing} showing @param {Proved} proved */
function warningsOf({ record }, { entry, statement }) {
  const earliest = chinaDay(Math.max(statement.notAfter - LONGEST_LIFE, 0));
  return earliest - record.issued > entry.lagDays ? ["anchoring.late"] : [];
}

/**
 * @param {Codes} codes @param {Showing} showing @param {Proved | null} proved @param {Judgement} judgement
 * @param {number} horizon latest instant that is not in the future
 */
function conclude(codes, showing, proved, { time, basis }, horizon) {
  const genuine = CHECKS.slice(0, GENUINE).every((check) => codes[check] === "ok");
  const told = genuine ? proved : null;
  return {
    ...(codes.block === "ok" && time !== null ? { as_of: formatTime(time), basis } : {}),
    certificate: { ...describe(showing), ...(told ? describeProved(showing, told) : {}) },
    checks: CHECKS.map((check, at) => finding(codes[check], at)),
    verdict: decide(codes, time !== null && time <= horizon),
    warnings: told ? warningsOf(showing, told) : [],
  };
}

// -------------------- verify/full.mjs

/** The verdict on full evidence. */

/**
 * @typedef {object} Question
 * @property {Policy} policy whom to believe
 * @property {number} now seconds since 1970
 * @property {Paper[]} [documents] to compare
 * @property {Request | null} [request]
 * @property {Desk} [desk] full evidence that is older than its snapshot gets status and standing from it
 * @property {(mark: Uint8Array) => boolean} [seen] whether this counter accepted a presentation before; `mark` is the
 *   half of its signature that has one spelling
 */

/**
 * The codes of all checks.  What rests on another check is judged only if that passed.
 * @param {Evidence} evidence @param {Question} question @param {ReturnType<typeof judgeBlock>} block
 * @param {Entry | null} entry proved @returns {Codes}
 */
function judge(evidence, question, block, entry) {
  const { showing, statement, body, word } = evidence;
  const { record } = showing;
  const own = entry && isEntryOf(record, entry) ? entry : null;
  const codes = {
    content: checkContent(showing, question.documents ?? [], own),
    inclusion: checkInclusion(record, statement, evidence.path),
    block: block.code,
    dates: checkDates(record, question.now),
    holder: checkHolder(showing, evidence.presentation, block.ledger?.identity ?? null, question),
  };
  const rest = (code) => ({ signature: code, entitlement: code, status: code });
  if (block.code !== "ok" || block.time === null || !block.ledger || !block.checkpoint) {
    return { ...codes, ...rest("block.needed"), anchor: "block.needed", freshness: "block.needed" };
  }
  const { current } = block;
  const time = current?.judgement.time ?? block.time;
  const freshness =
    current && !current.state
      ? "freshness.overtaken"
      : checkFreshness(record.category, question.policy, time, question.now);
  const anchor = checkAnchor(evidence, block.checkpoint, block.ledger);
  if (anchor !== "ok") return { ...codes, ...rest("anchor.needed"), anchor, freshness };
  const root = orNull(() => statusRoot(word, Math.floor(record.index / CELLS)));
  let entitlement = own ? checkObeys(record, own) : "entitlement.entry_differs";
  if (!entry) entitlement = "entitlement.entry_unproved";
  return {
    ...codes,
    anchor,
    freshness,
    entitlement,
    signature: checkSignature(evidence, block.ledger, question.policy, current?.state ?? body),
    status: current?.state
      ? checkStatus(record.index, current.word, current.state.standing)
      : root && equal(root, body.status)
        ? checkStatus(record.index, word.word, body.standing)
        : "status.unproved",
  };
}

/**
 * What a desk holds of an issuer after the block of full evidence, null where it holds nothing.  Without `state`,
 * that block does not have what the evidence proves.
 * @param {Desk | undefined} desk @param {Evidence} evidence @param {ReturnType<typeof judgeBlock>} block
 * @returns {{judgement: Judgement, state?: BodyState, word?: Uint8Array} | null}
 */
function findNewer(desk, { showing: { record } }, block) {
  if (!desk || block.code !== "ok" || !block.checkpoint || desk.judgement.code !== "ok") return null;
  const head = desk.snapshot.note.checkpoint;
  if (!equal(head.identity, block.checkpoint.identity) || head.number <= block.checkpoint.number) return null;
  const held = desk.byIssuer.get(record.issuer);
  if (!held || record.index >= held.state.certificates) return { judgement: block };
  const word = held.words.get(Math.floor(record.index / CELLS)) ?? ZERO32;
  return { judgement: desk.judgement, state: held.state, word };
}

/**
 * The result (section 18.4) for the bytes of an evidence file; bad input is a verdict, not an error.
 * `canonicalBytes` of it are the same for the same evidence, policy, documents and instant, for ever.
 * @param {Uint8Array} bytes @param {Question} question
 */
function verifyEvidence(bytes, question) {
  let evidence;
  try {
    evidence = readEvidence(parseCanonical(bytes, LONGEST_EVIDENCE));
  } catch (error) {
    if (error instanceof Refusal) return unusable(error.code);
    throw error;
  }
  const { policy, now } = question;
  if (!policy.evidence.includes(EVIDENCE_TYPE)) return unusable("schema.version");
  const judged = judgeBlock(evidence.checkpoint, question);
  const current = findNewer(question.desk, evidence, judged);
  const block = { ...judged, current };
  const { catalog, statement, body, anchor, showing } = evidence;
  const entry = proveEntry(catalog, statement.catalog);
  const proved = {
    body: (current?.state ?? body).name,
    entry: catalog.entry,
    statement,
    block: anchor.block,
  };
  return conclude(
    judge(evidence, question, block, entry),
    showing,
    proved,
    current?.judgement ?? block,
    now + policy.clockTolerance,
  );
}

// -------------------- formats/cbor.mjs

/** Deterministic CBOR (RFC 8949, section 4.2.1), read by type and range (SPEC 19). */

/** @typedef {any} Cbor a number, true or false, null, text, bytes, a list, or a map from numbers */

/** Greatest number that stands in the head of a CBOR item itself. */
const MAX_SHORT = 23;

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const LIST = 4;
const MAP = 5;

/**
 * Reads one CBOR item from its front to its end (section 19): each element is asked for by type and range,
 * so that nothing is built that has no place.
 */
class CborReader {
  /** @param {Uint8Array} bytes @param {string} code @param {string} respelled where a number is too long */
  constructor(bytes, code, respelled) {
    this.bytes = bytes;
    this.code = code;
    this.respelled = respelled;
    this.at = 0;
  }

  /** @param {string} want @returns {never} */
  refuse(want) {
    return refuse(this.code, `byte ${this.at} does not begin ${want}`);
  }

  /** @param {unknown} held @param {string} want */
  need(held, want) {
    if (!held) this.refuse(want);
  }

  done() {
    this.need(this.at === this.bytes.length, "nothing: bytes are left over");
  }

  /** Kind of the next element, -1 at the end. */
  kind() {
    return this.at < this.bytes.length ? this.bytes[this.at] >> 5 : -1;
  }

  /** Null, if it is next. */
  isNull() {
    const found = this.bytes[this.at] === 0xf6;
    if (found) this.at += 1;
    return found;
  }

  boolean() {
    const head = this.bytes[this.at];
    this.need(head === 0xf4 || head === 0xf5, "true or false");
    this.at += 1;
    return head === 0xf5;
  }

  /** The number that a head of `kind` carries. @param {number} kind @param {string} want */
  argument(kind, want) {
    this.need(this.kind() === kind, want);
    const low = this.bytes[this.at] & 31;
    if (low <= MAX_SHORT) {
      this.at += 1;
      return low;
    }
    const width = 2 ** (low - 24);
    const digits = this.bytes.subarray(this.at + 1, this.at + 1 + width);
    this.need(low <= 27 && digits.length === width, `${want} whose length is known`);
    const number = digits.reduce((sum, byte) => sum * 256 + byte, 0);
    if (number < (width === 1 ? MAX_SHORT + 1 : 256 ** (width / 2)))
      refuse(this.respelled, `the number at byte ${this.at} has a shorter spelling`);
    this.at += 1 + width;
    return number;
  }

  /** @param {number} least @param {number} greatest */
  integer(least = 0, greatest = Number.MAX_SAFE_INTEGER) {
    const negative = least < 0 && this.kind() === NEGATIVE;
    const number = this.argument(negative ? NEGATIVE : UNSIGNED, "an integer");
    const value = negative ? -1 - number : number;
    this.need(value >= least && value <= greatest, `an integer from ${least} to ${greatest}`);
    return value;
  }

  /** A count that what is left can hold. @param {number} kind @param {number} least @param {number} greatest */
  size(kind, least, greatest) {
    const size = this.argument(kind, "an element of another kind");
    const left = this.bytes.length - this.at;
    this.need(size >= least && size <= Math.min(greatest, left), `${least} to ${greatest} of them`);
    return size;
  }

  /** @param {number} least @param {number} greatest @returns {Uint8Array} */
  binary(least, greatest) {
    const size = this.size(BYTES, least, greatest);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  /** @param {number} longest in bytes @returns {string} */
  text(longest) {
    const size = this.size(TEXT, 0, longest);
    this.at += size;
    try {
      return STRICT_UTF8.decode(this.bytes.subarray(this.at - size, this.at));
    } catch {
      return refuse(this.code, "a text is not UTF-8");
    }
  }

  /** @param {number} least @param {number} greatest */
  list(least, greatest) {
    return this.size(LIST, least, greatest);
  }

  /** @param {number} size @param {number} least @param {number} greatest @returns {number[]} */
  integers(size, least, greatest) {
    this.list(size, size);
    return Array.from({ length: size }, () => this.integer(least, greatest));
  }

  /** @param {number} below @param {number} size @returns {Map<number, Uint8Array>} */
  byteMap(below, size) {
    const found = new Map();
    let last = -1;
    for (let left = this.size(MAP, 0, below); left > 0; left -= 1) {
      last = this.integer(last + 1, below - 1);
      found.set(last, this.binary(size, size));
    }
    return found;
  }

  /**
   * Byte strings of 1 to `longest` bytes.
   * @param {number} most @param {number} longest @param {boolean} ascending @returns {Uint8Array[]}
   */
  binaries(most, longest, ascending = false) {
    const found = [];
    for (let left = this.list(0, most); left > 0; left -= 1) {
      const value = this.binary(1, longest);
      if (ascending && found.length)
        this.need(compareBytes(found[found.length - 1], value) < 0, "bytes greater than those before");
      found.push(value);
    }
    return found;
  }

  /** Parts of a list, each read by `part`. @template T @param {number} most @param {(at: number) => T} part */
  parts(most, part) {
    const found = [];
    for (let size = this.list(0, most); found.length < size;) found.push(part(found.length));
    return found;
  }
}

/** @param {number} kind @param {number} number */
function cborHead(kind, number) {
  if (number < 24) return Uint8Array.of((kind << 5) | number);
  const size = [1, 2, 4, 8].findIndex((width) => number < 256 ** width);
  return concat(Uint8Array.of((kind << 5) | (24 + size)), uint(number, 2 ** size));
}

/** @param {Cbor} value @returns {Uint8Array} */
function cborEncode(value) {
  if (typeof value === "number") return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
  if (typeof value === "string") return concat(cborHead(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(cborHead(2, value.length), value);
  if (Array.isArray(value)) return join([cborHead(4, value.length), ...value.map(cborEncode)]);
  if (value instanceof Map) {
    const pairs = [...value].sort(([left], [right]) => left - right);
    return join([cborHead(5, pairs.length), ...pairs.flatMap((pair) => pair.map(cborEncode))]);
  }
  return Uint8Array.of(value === null ? 0xf6 : 0xf4 + Number(value));
}

// -------------------- formats/snapshot.mjs

/** Trust snapshots: reading and writing (SPEC 17). */

const SNAPSHOT_TYPE = "certledger/snapshot/1";
const UINT32 = 2 ** 32 - 1;
/** Bodies, catalogs and nodes: as many as the roll counts. */
const MAX_LISTED = UINT32;

const MAX_BATCH = 65536;
const MAX_ENTRY_BYTES = 65536;
const MAX_NAME = 128;
/** Bytes of a difference below 2^32. */
const MAX_GAP = 5;

/** @param {unknown} held @param {string} what */
function needSnapshot(held, what) {
  if (!held) refuse("snapshot.invalid", `${what} has another shape`);
}

/** @typedef {{root: Uint8Array, entries: Entry[] | null, packed: Uint8Array[] | Uint8Array}} Catalog without entries where whoever made the snapshot did not have them */

/** @typedef {{root: Uint8Array, count: number, notAfter: number, block: number, key: number, catalog: Uint8Array, countersignature: Uint8Array}} Row a batch */

/** @typedef {{state: BodyState, rows: Row[], statements: Statement[], words: Map<number, Uint8Array>}} HeldBody */

/**
 * @typedef {object} Snapshot
 * @property {Note} note
 * @property {string} checkpoint
 * @property {Uint8Array[]} accountProof
 * @property {Uint8Array[]} nodes
 * @property {Map<string, Catalog>} catalogs by root in hex, ascending
 * @property {HeldBody[]} bodies
 */

/**
 * A reader of the item of a snapshot or delta, behind its type.
 * @param {Uint8Array} unpacked @param {string} type @param {number} size
 */
function openItem(unpacked, type, size) {
  const reader = new CborReader(unpacked, "snapshot.invalid", "snapshot.invalid");
  const found = reader.list(1, MAX_LISTED);
  if (reader.text(64) !== type) refuse("snapshot.version", `not ${type}`);
  reader.need(found === size, `a list of ${size}`);
  return reader;
}

/** @param {Uint8Array} unpacked @returns {Snapshot} well-formed; `checkSnapshot` proves it */
function readSnapshot(unpacked) {
  const reader = openItem(unpacked, SNAPSHOT_TYPE, 6);
  const checkpoint = reader.text(4 * LONGEST_NOTE);
  const note = parseNote(checkpoint);
  const accountProof = reader.binaries(MOST_NODES, LONGEST_NODE);
  const nodes = reader.binaries(MAX_LISTED, LONGEST_NODE, true);
  const catalogs = unpackCatalogs(reader);
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const bodies = reader.parts(MAX_LISTED, () => unpackBody(reader, roots, identity, []));
  reader.done();
  return {
    note,
    checkpoint,
    accountProof,
    nodes,
    catalogs: new Map(catalogs.map((catalog) => [hex(catalog.root), catalog])),
    bodies,
  };
}

/** The list of catalogs, of ascending roots. @param {CborReader} reader @returns {Catalog[]} */
function unpackCatalogs(reader) {
  let last = new Uint8Array(0);
  return reader.parts(MAX_LISTED, () => {
    const catalog = unpackCatalog(reader);
    reader.need(compareBytes(last, catalog.root) < 0, "a catalog of a root greater than the one before");
    last = catalog.root;
    return catalog;
  });
}

/** @param {CborReader} reader @returns {Catalog} */
function unpackCatalog(reader) {
  if (reader.kind() === BYTES) {
    const root = reader.binary(32, 32);
    return { root, entries: null, packed: root };
  }
  const packed = reader.binaries(MOST_ENTRIES, MAX_ENTRY_BYTES);
  needSnapshot(packed.length > 0, "a catalog");
  const entries = packed.map((entry) => readEntry(parseCanonical(entry, MAX_ENTRY_BYTES)));
  if (!entries.every((entry, at) => at === 0 || compareEntries(entries[at - 1], entry) < 0)) {
    refuse("catalog.order", "entries do not ascend by category and version");
  }
  return { packed, entries, root: catalogRoot(entries.length, treeRoot(entries.map(({ leaf }) => leaf))) };
}

/**
 * @param {CborReader} reader @param {Uint8Array[]} roots of the catalogs @param {Uint8Array} identity
 * @param {Row[]} before batches in the snapshot built upon @returns {HeldBody}
 */
function unpackBody(reader, roots, identity, before) {
  reader.list(12, 12);
  const issuer = reader.text(18);
  reader.need(ISSUER.test(issuer), "behind the code of a body");
  checkRegion(issuer);
  const kind = reader.integer(1, KINDS.length);
  const nameDigest = reader.kind() === BYTES ? reader.binary(32, 32) : null;
  const name = nameDigest ? hex(nameDigest) : reader.text(4 * MAX_NAME);
  reader.need(name && characters(name) <= MAX_NAME, `behind a name of 1 to ${MAX_NAME} characters`);
  const standing = STANDINGS[reader.integer(1, STANDINGS.length) - 1];
  const since = reader.integer(0, NO_END);
  const packed = reader.binary(KEY_SIZE, MOST_KEYS * KEY_SIZE);
  const keys = chunks(packed, KEY_SIZE).map(readKey);
  const catalogVersion = reader.integer(0, UINT32);
  const catalog = reader.binary(32, 32);
  const epoch = reader.integer();
  const revision = reader.integer(0, UINT32);
  const rows = [...before, ...unpackBatches(reader, roots, keys.length)];
  const issued = rows.reduce((sum, { count }) => sum + count, 0);
  reader.need(issued <= MOST_CERTIFICATES, `behind at most ${MOST_CERTIFICATES} certificates`);
  const words = unpackStatuses(reader, issued);
  const { statements, ...counted } = anchorAll(issuer, rows, identity);
  const state = {
    ...{ issuer, kind, name, nameDigest, standing, since, keys, catalogVersion, catalog, epoch, revision },
    ...counted,
    status: statusTreeRoot(words),
  };
  return { state, rows, statements, words };
}

/**
 * Statements, counters and peaks that follow from a body's batches.
 * @param {string} issuer @param {Row[]} rows @param {Uint8Array} identity
 */
function anchorAll(issuer, rows, identity) {
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
 * @param {CborReader} reader @param {Uint8Array[]} catalogs roots @param {number} keys how many the body has
 * @returns {Row[]}
 */
function unpackBatches(reader, catalogs, keys) {
  reader.list(7, 7);
  const joined = reader.binary(0, 32 * MOST_CERTIFICATES);
  reader.need(joined.length % 32 === 0, "behind roots of 32 bytes each");
  const roots = chunks(joined, 32);
  const summed = (greatest) => {
    let sum = 0;
    return reader.integers(roots.length, -greatest, greatest).map((difference) => (sum += difference));
  };
  const count = reader.integers(roots.length, 1, MAX_BATCH);
  const notAfter = summed(GREATEST_TIME);
  const block = summed(GREATEST_BLOCK);
  const key = reader.integers(roots.length, 0, keys - 1);
  const catalog = reader.integers(roots.length, -1, catalogs.length - 1);
  const extra = reader.byteMap(roots.length, 32);
  const within = (values, greatest) => values.every((value) => value >= 0 && value <= greatest);
  reader.need(within(notAfter, GREATEST_TIME), "batches whose last instants lie between 1970 and 9999");
  reader.need(within(block, GREATEST_BLOCK), `batches anchored in blocks from 0 to ${GREATEST_BLOCK}`);
  reader.need(
    [...extra.values()].every((value) => !equal(value, ZERO32)),
    "countersignatures that are not zero",
  );
  return roots.map((root, at) => ({
    root,
    count: count[at],
    notAfter: notAfter[at],
    block: block[at],
    key: key[at],
    catalog: catalog[at] < 0 ? ZERO32 : catalogs[catalog[at]],
    countersignature: extra.get(at) ?? ZERO32,
  }));
}

/**
 * The status words that are not zero.
 * @param {CborReader} reader @param {number} certificates of the body @returns {Map<number, Uint8Array>}
 */
function unpackStatuses(reader, certificates) {
  /** @type {Map<number, Uint8Array>} */ const words = new Map();
  reader.list(STATUSES.length - 1, STATUSES.length - 1);
  for (let status = 1; status < STATUSES.length; status += 1) {
    for (const index of unpackGaps(reader.binary(0, certificates * MAX_GAP), certificates)) {
      const position = Math.floor(index / CELLS);
      const word = words.get(position) ?? new Uint8Array(32);
      needSnapshot(statusIn(word, index) === STATUSES[0], "a certificate's status");
      const cell = index % CELLS;
      word[31 - Math.floor(cell / 4)] |= status << (2 * (cell % 4));
      words.set(position, word);
    }
  }
  return words;
}

/** @param {Uint8Array} packed LEB128 differences less one @param {number} below @returns {number[]} ascending */
function unpackGaps(packed, below) {
  const indexes = [];
  let [index, gap, scale] = [-1, 0, 1];
  for (const byte of packed) {
    gap += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 128;
      needSnapshot(scale <= 2 ** 35, "a difference");
      continue;
    }
    needSnapshot(byte || scale === 1, "a difference with a second spelling");
    index += gap + 1;
    needSnapshot(index < below, "a status beyond the certificates issued");
    indexes.push(index);
    [gap, scale] = [0, 1];
  }
  needSnapshot(scale === 1, "the last difference");
  return indexes;
}

/** The deterministic CBOR of a whole snapshot. @param {Snapshot} snapshot */
function packSnapshot({ checkpoint, accountProof, nodes, catalogs, bodies }) {
  const places = new Map([...catalogs.keys()].map((root, at) => [root, at]));
  return cborEncode([
    SNAPSHOT_TYPE,
    checkpoint,
    accountProof,
    nodes,
    [...catalogs.values()].map(({ packed }) => packed),
    bodies.map(({ state: s, rows, words }) => [
      s.issuer,
      s.kind,
      s.nameDigest ?? s.name,
      STANDINGS.indexOf(s.standing) + 1,
      s.since,
      join(s.keys.map(({ packed }) => packed)),
      s.catalogVersion,
      s.catalog,
      s.epoch,
      s.revision,
      packBatches(rows, places),
      packStatuses(words),
    ]),
  ]);
}

/** @param {Row[]} rows @param {Map<string, number>} places of catalogs by root @returns {Cbor} */
function packBatches(rows, places) {
  const steps = (values) => values.map((value, at) => value - (at ? values[at - 1] : 0));
  const countersigned = [...rows.entries()].filter(([, row]) => !equal(row.countersignature, ZERO32));
  return [
    join(rows.map(({ root }) => root)),
    rows.map(({ count }) => count),
    steps(rows.map(({ notAfter }) => notAfter)),
    steps(rows.map(({ block }) => block)),
    rows.map(({ key }) => key),
    rows.map(({ catalog }) => places.get(hex(catalog)) ?? -1),
    new Map(countersigned.map(([at, row]) => [at, row.countersignature])),
  ];
}

/** @param {Map<number, Uint8Array>} words @returns {Cbor} */
function packStatuses(words) {
  /** @type {number[][]} */ const packed = STATUSES.slice(1).map(() => []);
  const last = packed.map(() => -1);
  for (const position of [...words.keys()].sort((left, right) => left - right)) {
    for (let index = position * CELLS; index < (position + 1) * CELLS; index += 1) {
      const at = STATUSES.indexOf(statusIn(words.get(position) ?? ZERO32, index)) - 1;
      if (at < 0) continue;
      let gap = index - last[at] - 1;
      for (; gap > 0x7f; gap = Math.floor(gap / 128)) packed[at].push((gap % 128) | 0x80);
      packed[at].push(gap);
      last[at] = index;
    }
  }
  return packed.map((bytes) => Uint8Array.from(bytes));
}

// -------------------- formats/snapshot_proof.mjs

/** Proof that a snapshot is what the contract holds under its checkpoint (SPEC 17). */

/** The nodes of many proofs of one trie, each once; `used` tells which were needed. */
class NodeSet {
  /** @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot */
  constructor(nodes, storageRoot) {
    this.nodes = new Map(nodes.map((node) => [hex(keccak256(node)), node]));
    this.root = storageRoot;
    /** @type {Set<Uint8Array>} */ this.used = new Set();
  }

  /** @param {Uint8Array} position @returns {Uint8Array} value of a slot */
  slot(position) {
    return slotValue(
      walk(this.root, keccak256(position), (hash) => {
        const node = this.nodes.get(hex(hash)) ?? refuse("proof.invalid", "a node is missing");
        this.used.add(node);
        return node;
      }),
    );
  }
}

/** Value of the roll once these bodies were registered (section 13). @param {HeldBody[]} bodies */
function rollOf(bodies) {
  let roll = ZERO32;
  for (const [at, { state }] of bodies.entries()) {
    roll = concat(keccak256(concat(roll, utf8(state.issuer))).subarray(0, 28), uint(at + 1, 4));
  }
  return roll;
}

/** @param {string} why @returns {never} */
const unproved = (why) => refuse("snapshot.unproved", why);

/**
 * Runs a proof whose failure means that a snapshot is not what the chain holds.
 * @template T @param {() => T} prove @returns {T}
 */
function proving(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof Refusal && error.code === "proof.invalid") return unproved(error.message);
    throw error;
  }
}

/**
 * Checks that a snapshot is what the ledger's contract holds under its checkpoint's state root.
 * @param {Snapshot} snapshot @param {Ledger} ledger @throws {Refusal} `snapshot.unproved`
 */
function checkSnapshot({ note, accountProof, nodes, catalogs, bodies }, ledger) {
  const account = proving(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account || !equal(account.codeHash, ledger.codeHash))
    return unproved("the chain holds another contract");
  const known = new NodeSet(nodes, account.storageRoot);
  proving(() => {
    if (!equal(known.slot(ROLL_POSITION), rollOf(bodies))) unproved("the list of bodies is not complete");
    for (const { state } of bodies) {
      const slot = withoutBrake(known.slot(slotPosition(state.issuer)));
      if (!equal(slot, stateDigest(state))) unproved(`the state of ${state.issuer} is another one`);
    }
  });
  if (known.used.size !== nodes.length) unproved("a node is not needed");
  if (new Set(bodies.map(({ state }) => state.issuer)).size !== bodies.length)
    unproved("a body stands twice");
  const needed = catalogsOf(bodies);
  if (needed.size !== catalogs.size || ![...needed].every((root) => catalogs.has(root))) {
    unproved("a catalog is missing or not needed");
  }
}

/** Roots (hex) of the catalogs under batches and states. @param {HeldBody[]} bodies @returns {Set<string>} */
function catalogsOf(bodies) {
  const roots = bodies.flatMap(({ state, rows }) => [state.catalog, ...rows.map(({ catalog }) => catalog)]);
  return new Set(roots.filter((root) => !equal(root, ZERO32)).map(hex));
}

// -------------------- formats/snapshot_delta.mjs

/** Deltas, which lead from one snapshot to a newer one (SPEC 17). */

/**
 * The snapshot that a delta leads to, not yet proved.
 * @param {Snapshot} old @param {Uint8Array} unpacked @param {Ledger} ledger @returns {Snapshot}
 */
function applyDelta(old, unpacked, ledger) {
  const reader = openItem(unpacked, "certledger/delta/1", 7);
  if (!equal(reader.binary(32, 32), sha256(packSnapshot(old)))) {
    refuse("snapshot.other_base", "the delta builds on another snapshot");
  }
  const checkpoint = reader.text(4 * LONGEST_NOTE);
  const note = parseNote(checkpoint);
  if (note.checkpoint.number < old.note.checkpoint.number)
    refuse("snapshot.older", "the delta would go back");
  const accountProof = reader.binaries(MOST_NODES, LONGEST_NODE);
  const nodes = reader.binaries(MAX_LISTED, LONGEST_NODE, true);
  const catalogs = mergeCatalogs(old, unpackCatalogs(reader));
  const roots = catalogs.map(({ root }) => root);
  const { identity } = note.checkpoint;
  const bodies = reader.parts(MAX_LISTED, (at) => {
    if (at < old.bodies.length && reader.kind() === UNSIGNED) return old.bodies[reader.integer(at, at)];
    reader.list(2, 2);
    reader.integer(at, at);
    return unpackBody(reader, roots, identity, old.bodies[at]?.rows ?? []);
  });
  reader.done();
  const account = proving(() => proveAccount(note.checkpoint.stateRoot, ledger.address, accountProof));
  if (!account) return unproved("the contract is absent");
  const needed = catalogsOf(bodies);
  return {
    note,
    checkpoint,
    accountProof,
    nodes: nodesInUse([...old.nodes, ...nodes], account.storageRoot, bodies),
    catalogs: new Map(
      catalogs
        .map((catalog) => /** @type {[string, Catalog]} */ ([hex(catalog.root), catalog]))
        .filter(([root]) => needed.has(root)),
    ),
    bodies,
  };
}

/**
 * The nodes that prove the roll and the slots of these bodies, ascending.
 * @param {Uint8Array[]} nodes @param {Uint8Array} storageRoot @param {HeldBody[]} bodies @returns {Uint8Array[]}
 * @throws {Refusal} `snapshot.unproved`: a node is missing
 */
function nodesInUse(nodes, storageRoot, bodies) {
  const known = new NodeSet(nodes, storageRoot);
  const positions = [ROLL_POSITION, ...bodies.map(({ state }) => slotPosition(state.issuer))];
  proving(() => positions.forEach((position) => known.slot(position)));
  return [...known.used].sort(compareBytes);
}

/**
 * The catalogs of a snapshot and of a delta to it, by ascending root.
 * @param {Snapshot} old @param {Catalog[]} added @returns {Catalog[]} @throws {Refusal} `snapshot.invalid`
 */
function mergeCatalogs(old, added) {
  // A catalog that the snapshot has by its root alone may come with its entries.
  needSnapshot(!added.some(({ root }) => old.catalogs.get(hex(root))?.entries), "a catalog twice");
  const replaced = new Set(added.map(({ root }) => hex(root)));
  const unchanged = [...old.catalogs.values()].filter(({ root }) => !replaced.has(hex(root)));
  return [...unchanged, ...added].sort((left, right) => compareBytes(left.root, right.root));
}

// -------------------- formats/zlib.mjs

/** Files packed by zlib (RFC 1950), unpacked with a bound. */

const LONGEST_SNAPSHOT = 256 * 2 ** 20;
const MAX_FREE_BYTES = 65536;
/** Bytes unpacked for each byte of a file, beside those that any file may have. */
const MAX_RATIO = 16;

/** What zlib packed, checked to be all of the file. @param {Uint8Array} file @returns {Promise<Uint8Array>} */
async function inflate(file) {
  const parts = [];
  const longest = Math.min(LONGEST_SNAPSHOT, MAX_FREE_BYTES + MAX_RATIO * file.length);
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
      if (size > longest) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    return refuse("snapshot.invalid", "not packed by zlib, or cut short");
  }
  const whole = size <= longest ? join(parts) : refuse("snapshot.invalid", "too long once unpacked");
  // Not every platform refuses bytes after the stream; the checksum must be what the file ends with.
  if (!equal(adler32(whole), file.subarray(-4))) refuse("snapshot.invalid", "bytes are left over");
  return whole;
}

/** The checksum that zlib ends with (RFC 1950). @param {Uint8Array} bytes */
function adler32(bytes) {
  let [low, high] = [1, 0];
  for (let at = 0; at < bytes.length;) {
    // So many sums stay below 2^32.
    for (const stop = Math.min(at + 3800, bytes.length); at < stop; at += 1) {
      low += bytes[at];
      high += low;
    }
    [low, high] = [low % 65521, high % 65521];
  }
  return concat(uint(high, 2), uint(low, 2));
}

// -------------------- verify/desk.mjs

/** A snapshot that is opened once and then answers for many codes (SPEC 17). */

/** @typedef {{policy: Policy, ledger: Ledger, snapshot: Snapshot, judgement: Judgement, byIssuer: Map<string, HeldBody>}} Desk */

/**
 * A desk that answers from a snapshot, once that is proved whole.
 * @param {Uint8Array} file @param {Policy} policy @returns {Promise<Desk>}
 * @throws {Refusal} `snapshot.invalid`, `snapshot.version`, `snapshot.unproved`, and others of what it holds
 */
async function openDesk(file, policy) {
  return deskOf(readSnapshot(await inflate(file)), policy);
}

/**
 * The desk that a delta leads to.
 * @param {Desk} desk @param {Uint8Array} file @returns {Promise<Desk>}
 * @throws {Refusal} as `openDesk`, and `snapshot.other_base`, `snapshot.older`
 */
async function updateDesk(desk, file) {
  return deskOf(applyDelta(desk.snapshot, await inflate(file), desk.ledger), desk.policy);
}

/** @param {Snapshot} snapshot @param {Policy} policy @returns {Desk} */
function deskOf(snapshot, policy) {
  if (!policy.evidence.includes(SNAPSHOT_TYPE)) refuse("snapshot.version", "the policy does not list it");
  const ledger =
    ledgerOf(policy, snapshot.note.checkpoint.identity) ?? unproved("the policy does not know this ledger");
  checkSnapshot(snapshot, ledger);
  return {
    policy,
    ledger,
    snapshot,
    judgement: judgeByWitnesses(snapshot.note, policy, ledger),
    byIssuer: new Map(snapshot.bodies.map((body) => [body.state.issuer, body])),
  };
}

// -------------------- formats/base45.mjs

/** Base45 (RFC 9285). */

const BASE45 = new Map(
  Array.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", (letter, value) => [letter, value]),
);

/** @param {string} text @returns {Uint8Array} @throws {Refusal} `base45.invalid` */
function fromBase45(text) {
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

// -------------------- formats/compact_evidence.mjs

/** Compact evidence, for a QR code (SPEC 16.2). */

/** How a policy names codes and snapshots of these versions. */
const COMPACT_TYPE = "certledger/compact/1";

const COMPACT_PREFIX = "CL1:";
const ACCESS_CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const LONGEST_COMPACT = 4096;
const COMPACT_PARTS = 5;
const MAX_PATH = 32;
/** Bytes of a code, salt, id or signature. */
const MAX_WORD = 64;

const FIRST_DAY = /** @type {number} */ (dayNumber(1, 1, 1));
const LAST_DAY = /** @type {number} */ (dayNumber(9999, 12, 31));
/** @typedef {{place: number, salt: string, value: Value}} Shown a disclosure without its name, which the place gives */

/** @typedef {ReturnType<typeof parseCompact>} Compact */

/** @param {string} text of a code */
function parseCompact(text) {
  if (text.length > LONGEST_COMPACT || !text.startsWith(COMPACT_PREFIX)) {
    refuse(
      "compact.invalid",
      `a code starts with ${COMPACT_PREFIX} and is not longer than ${LONGEST_COMPACT}`,
    );
  }
  const packed = fromBase45(text.slice(COMPACT_PREFIX.length));
  const reader = new CborReader(packed, "compact.invalid", "compact.not_canonical");
  const size = reader.list(1, COMPACT_PARTS + 1);
  if (reader.integer() !== 1) refuse("compact.version", "not compact evidence of version 1");
  reader.need(size >= COMPACT_PARTS, `${COMPACT_PARTS} parts`);
  const ledger = reader.binary(8, 8);
  const record = unpackRecord(reader);
  const compact = {
    ledger,
    record,
    path: unpackPath(reader),
    shown: unpackShown(reader, record.digests.length),
    presentation: size > COMPACT_PARTS ? unpackPresentation(reader) : null,
  };
  reader.done();
  if (compact.presentation && !compact.record.bound) {
    refuse("compact.invalid", "a presentation of a record that is not bound");
  }
  return compact;
}

/** The record, judged by the reader of JSON, so that both forms obey one set of rules. @param {CborReader} reader */
function unpackRecord(reader) {
  reader.list(12, 12);
  const day = () => formatDay(reader.integer(FIRST_DAY, LAST_DAY));
  /** @type {{[name: string]: Json}} */ const value = { type: "certledger/record/1" };
  value.issuer = reader.text(MAX_WORD);
  value.index = reader.integer();
  value.id = toBase64Url(reader.binary(0, MAX_WORD));
  value.edition = reader.integer();
  if (!reader.isNull()) value.replaces = reader.integer();
  value.category = reader.text(MAX_WORD);
  value.entry = reader.integer();
  value.holder = HOLDERS[reader.integer(0, HOLDERS.length - 1)];
  value.issued = day();
  if (!reader.isNull()) value.expires = day();
  value.bound = reader.boolean();
  value.digests = toBase64Url(reader.binary(0, 32 * MOST_DIGESTS));
  return readRecord(/** @type {Json} */ (value));
}

/** @param {CborReader} reader */
function unpackPath(reader) {
  const path = reader.binary(0, 32 * MAX_PATH);
  if (path.length % 32) refuse("compact.invalid", "a path is made of hashes of 32 bytes");
  return chunks(path, 32);
}

/**
 * Disclosures, whose places strictly ascend among those of the record.
 * @param {CborReader} reader @param {number} places @returns {Shown[]}
 */
function unpackShown(reader, places) {
  let place = -1;
  return reader.parts(places, () => {
    reader.list(3, 3);
    place = reader.integer(place + 1, places - 1);
    const salt = place === 0 ? reader.text(MAX_WORD) : toBase64Url(reader.binary(16, 16));
    if (place === 0 && !ACCESS_CODE.test(salt))
      refuse("compact.invalid", "the salt of the number is no access code");
    return { place, salt, value: unpackValue(reader) };
  });
}

/** @param {CborReader} reader @returns {Value} */
function unpackValue(reader) {
  if (reader.kind() === TEXT) {
    const value = reader.text(4 * LONGEST_VALUE);
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

/** @param {CborReader} reader */
function unpackPresentation(reader) {
  reader.list(4, 4);
  const [audience, nonce, time] = [reader.text(MAX_WORD), reader.text(MAX_WORD), reader.integer()];
  const signature = toBase64Url(reader.binary(0, MAX_WORD));
  return readPresentation(/** @type {Json} */ ({ audience, nonce, time, signature }));
}

/**
 * A disclosure under the name of its place.
 * @param {Shown} shown @param {Entry} entry @param {boolean} bound @returns {Disclosure}
 */
function nameShown({ place, salt, value }, entry, bound) {
  const name = nameAt(entry, place, bound);
  return { salt, name, value, digest: digestOf(formatDisclosure(salt, name, value)) };
}

/**
 * The same of a code, whose disclosures each name their place: one whose digest has another place, or whose value
 * is of another kind than the place has, is not the record's.
 * @param {CertificateRecord} record @param {Shown[]} shown @param {Entry} entry @returns {Showing}
 */
function showingAt(record, shown, entry) {
  const found = showingOf(
    record,
    shown.map((part) => nameShown(part, entry, record.bound)),
  );
  const places = found.disclosures.map(({ name, value }, at) => {
    const fits = found.places[at] === shown[at].place && (typeof value === "object") === (name === DOCUMENT);
    return fits ? found.places[at] : undefined;
  });
  return { ...found, places };
}

// -------------------- verify/compact.mjs

/** The verdict on compact evidence, from a snapshot and without a network. */

/** @typedef {{body: HeldBody, row: Row, statement: Statement, entry: Entry | null}} Backing */

/**
 * What stands behind a record, or the code of check 3 that says why nothing does.
 * @param {Desk} desk @param {CertificateRecord} record @returns {Backing | string}
 */
function findBacking(desk, record) {
  const body = desk.byIssuer.get(record.issuer);
  if (!body) return "anchor.body_absent";
  if (body.state.nameDigest) return "anchor.name_absent";
  if (record.index >= body.state.certificates) return "anchor.batch_pending";
  let [low, high] = [0, body.statements.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (body.statements[middle].first <= record.index) low = middle;
    else high = middle;
  }
  const catalog = desk.snapshot.catalogs.get(hex(body.rows[low].catalog));
  if (catalog && !catalog.entries) return "anchor.catalog_absent";
  const entry = catalog?.entries?.find((candidate) => isEntryOf(record, candidate)) ?? null;
  return { body, row: body.rows[low], statement: body.statements[low], entry };
}

/**
 * Checks 4, 5 and 8 from a trusted snapshot: its catalogs are here whole, so what is absent is absent.
 * @param {CertificateRecord} record @param {Backing} backing @param {Policy} policy @returns {Codes}
 */
function judgeBacking(record, { body, row, statement, entry }, policy) {
  const key = body.state.keys[row.key];
  const signature = key ? checkKey(key, row.block) : "signature.signer_differs";
  const word = body.words.get(Math.floor(record.index / CELLS)) ?? ZERO32;
  return {
    signature: signature === "ok" ? checkCountersigned(policy, statement) : signature,
    entitlement: entry ? checkObeys(record, entry) : "entitlement.category_absent",
    status: checkStatus(record.index, word, body.state.standing),
  };
}

/**
 * The codes of the checks that rest on the snapshot.
 * @param {Compact} compact @param {Backing | string} found @param {Judgement} judgement @param {Desk} desk
 * @param {number} now @returns {Codes}
 */
function judgeCompact({ record, path }, found, judgement, { policy }, now) {
  const trusted = judgement.code === "ok" && judgement.time !== null;
  const freshness = trusted
    ? checkFreshness(record.category, policy, judgement.time ?? 0, now)
    : "block.needed";
  const rest = (code) => ({ signature: code, entitlement: code, status: code });
  const codes = { block: judgement.code, freshness };
  if (typeof found === "string") {
    // Nothing here speaks for or against: the batch may have come since.
    const [anchor, code] = trusted ? [found, "anchor.needed"] : ["block.needed", "block.needed"];
    return { ...codes, ...rest(code), anchor, inclusion: "inclusion.path_unusable" };
  }
  const inclusion = checkInclusion(record, found.statement, path);
  return { ...codes, ...judgeBacking(record, found, policy), inclusion, anchor: "ok" };
}

/**
 * Check 6 of a desk.
 * @param {Desk} desk @param {Uint8Array} ledger first bytes of an identity @param {number} now
 * @returns {Judgement}
 */
function judgeDesk({ policy, ledger: { identity }, judgement }, ledger, now) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  return equal(ledger, identity.subarray(0, 8)) ? judgement : { code: "block.other_ledger", time: null };
}

/**
 * The result for the text of a compact code, from a desk's snapshot and policy.
 * @param {string} text @param {Omit<Question, "policy"> & {desk: Desk}} question
 */
function verifyCompact(text, { desk, ...question }) {
  let compact;
  try {
    compact = parseCompact(text);
  } catch (error) {
    if (error instanceof Refusal) return unusable(error.code);
    throw error;
  }
  const { policy, ledger } = desk;
  if (!policy.evidence.includes(COMPACT_TYPE)) return unusable("schema.version");
  const { record, shown, presentation } = compact;
  const { now, documents = [] } = question;
  const judgement = judgeDesk(desk, compact.ledger, now);
  // A snapshot that is of another ledger or not trusted speaks neither for nor against.
  const found = judgement.code === "ok" ? findBacking(desk, record) : judgement.code;
  const backing = typeof found === "string" ? null : found;
  const entry = backing?.entry ?? null;
  const showing = entry ? showingAt(record, shown, entry) : showingOf(record, []);
  const codes = {
    content: checkContent(showing, documents, entry),
    dates: checkDates(record, now),
    holder: checkHolder(showing, presentation, ledger.identity, { ...question, policy }),
    ...judgeCompact(compact, found, judgement, desk, now),
  };
  const proved =
    backing && entry
      ? { body: backing.body.state.name, entry, statement: backing.statement, block: backing.row.block }
      : null;
  return conclude(codes, showing, proved, judgement, now + policy.clockTolerance);
}

export {
  CODES,
  Refusal,
  WARNINGS,
  canonicalBytes,
  canonicalText,
  checkEd25519,
  checkFingerprint,
  findSuccessors,
  keccak256,
  openDesk,
  parseCanonical,
  parsePolicy,
  parseTime,
  policyFingerprint,
  sha256,
  sha512,
  sm3,
  updateDesk,
  verifyCompact,
  verifyEvidence,
};
