// Made from the modules in verifier/js by `python -m certledger.verifier.js.bundle`. Do not edit.
/**
 * The certledger verifier as one module for browsers and Node: evidence in, a verdict out, no network.
 *
 * It follows docs/SPEC.md, whose sections the comments of its modules name. It has no secret and signs nothing, so its arithmetic
 * need not run in constant time.
 * @module
 */

// errors.mjs
class CertledgerError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "CertledgerError";
    this.code = code;
  }
}
function fail(code, message) {
  throw new CertledgerError(code, message);
}
function valueOrNull(compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof CertledgerError) return null;
    throw error;
  }
}

// bytes.mjs
const UTF8_ENCODER = new TextEncoder();
const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = (text) => UTF8_ENCODER.encode(text);
function concatAll(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
const concat = (...parts) => concatAll(parts);
function equal(left, right) {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] !== right[at]) return false;
  }
  return true;
}
function compareBytes(left, right) {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}
const ZERO32 = new Uint8Array(32);
const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}
function hexToBytes(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}
function uintToBytes(value, width) {
  const bytes = new Uint8Array(width);
  putUint(bytes, width, value);
  return bytes;
}
function putUint(bytes, end, value) {
  for (let at = end - 1, rest = value; rest && at >= 0; at -= 1) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
const bytesToBigInt = (bytes) => (bytes.length ? BigInt(`0x${hex(bytes)}`) : 0n);
function chunks(bytes, size) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}

// formats/canonical_json.mjs
const MAX_DEPTH = 8;
const MAX_READ_DEPTH = 500;
const MAX_FREE_VALUES = 4096;
const BYTES_PER_VALUE = 8;
const MAX_MEMBERS = 4096;
const MEMBER_NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]*$/;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
class JsonReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }
  document() {
    this.space();
    const value = this.value(1);
    this.space();
    if (this.at !== this.text.length) fail("json.trailing", "bytes follow the value");
    return value;
  }
  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }
  syntaxError() {
    return fail("json.syntax", `not JSON at character ${this.at}`);
  }
  expect(word) {
    if (!this.text.startsWith(word, this.at)) this.syntaxError();
    this.at += word.length;
  }
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
  escape() {
    const letter = this.text[this.at] ?? "";
    this.at += 1;
    if (letter !== "u") return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : this.syntaxError();
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.syntaxError();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
  open(depth) {
    if (depth > MAX_READ_DEPTH) fail("json.depth", "nested far too deeply");
    this.at += 1;
    this.space();
  }
  hasNext(close) {
    this.space();
    const letter = this.text[this.at];
    if (letter !== "," && letter !== close) this.syntaxError();
    this.at += 1;
    this.space();
    return letter === ",";
  }
  array(depth) {
    this.open(depth);
    const values = [];
    if (this.text[this.at] === "]") {
      this.at += 1;
      return values;
    }
    do values.push(this.value(depth + 1));
    while (this.hasNext("]"));
    return values;
  }
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
function checkSize(bytes) {
  let [count, depth, inString] = [0, 0, false];
  for (let at = 0; at < bytes.length; at += 1) {
    const letter = bytes[at];
    if (letter === 0x5c)
      at += 1;
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
function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
const canonicalBytes = (value) => utf8(canonicalText(value));
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

// crypto/hashing.mjs
function primes(count) {
  const found = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    if (found.every((prime) => candidate % prime)) found.push(candidate);
  }
  return found;
}
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
const rootBits = (prime, degree) => BigInt.asUintN(64, floorRoot(BigInt(prime) << (64n * degree), degree));
const SHA512_ROUNDS = primes(80).map((prime) => rootBits(prime, 3n));
const SHA512_START = primes(8).map((prime) => rootBits(prime, 2n));
const SHA256_ROUNDS = Int32Array.from(SHA512_ROUNDS.slice(0, 64), (bits) => Number(bits >> 32n));
const SHA256_START = Int32Array.from(SHA512_START, (bits) => Number(bits >> 32n));
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
function wordsToBytes(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, at) => view.setInt32(4 * at, word));
  return bytes;
}
const SHA256_WORDS = new Int32Array(64);
const SHA256_STATE = new Int32Array(8);
const SHA256_TAIL = new Uint8Array(128);
const SHA256_TAIL_VIEW = new DataView(SHA256_TAIL.buffer);
const SHA256_DIGEST = new Uint8Array(32);
const SHA256_DIGEST_VIEW = new DataView(SHA256_DIGEST.buffer);
function scheduleSha256(w, view, at) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
}
function sha256Block(state, view, at) {
  const w = SHA256_WORDS;
  scheduleSha256(w, view, at);
  let [a, b, c, d] = [state[0], state[1], state[2], state[3]];
  let [e, f, g, h] = [state[4], state[5], state[6], state[7]];
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
function sha256(data) {
  const whole = data.length - (data.length % 64);
  SHA256_STATE.set(SHA256_START);
  if (whole) {
    const view = new DataView(data.buffer, data.byteOffset, whole);
    for (let at = 0; at < whole; at += 64) sha256Block(SHA256_STATE, view, at);
  }
  const rest = data.length - whole;
  const size = rest < 56 ? 64 : 128;
  SHA256_TAIL.fill(0);
  SHA256_TAIL.set(whole ? data.subarray(whole) : data);
  SHA256_TAIL[rest] = 0x80;
  SHA256_TAIL_VIEW.setUint32(size - 8, Math.floor(data.length / 2 ** 29));
  SHA256_TAIL_VIEW.setUint32(size - 4, data.length << 3);
  for (let at = 0; at < size; at += 64) sha256Block(SHA256_STATE, SHA256_TAIL_VIEW, at);
  for (let i = 0; i < 8; i += 1) SHA256_DIGEST_VIEW.setInt32(4 * i, SHA256_STATE[i]);
  return SHA256_DIGEST.slice();
}
function hmacSha256(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const [inner, outer] = [0x36, 0x5c].map((pad) => block.map((byte) => byte ^ pad));
  return sha256(concat(outer, sha256(concat(inner, message))));
}
function sha512Block(state, view, at) {
  const rotateRight = (x, bits) => (x >> bits) | BigInt.asUintN(64, x << (64n - bits));
  const w = [];
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
function sha512(data) {
  const state = [...SHA512_START];
  forEachBlock(data, 128, (view, at) => sha512Block(state, view, at));
  return hexToBytes(state.map((word) => word.toString(16).padStart(16, "0")).join(""));
}
const SM3_START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];
const rotateLeft = (word, bits) => (word << (bits & 31)) | (word >>> ((32 - bits) & 31));
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
function sm3(data) {
  const state = Int32Array.from(SM3_START);
  forEachBlock(data, 64, (view, at) => sm3Block(state, view, at));
  return wordsToBytes(state);
}

// crypto/keccak.mjs
const LANES = 25;
const ROUNDS = 24;
const RATE = 136;
const ROUND_CONSTANTS = (() => {
  const [low, high] = [new Int32Array(ROUNDS), new Int32Array(ROUNDS)];
  let register = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let j = 0; j < 7; j += 1) {
      const bit = (1 << j) - 1;
      if (register & 1) (bit < 32 ? low : high)[round] ^= 1 << (bit & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
  }
  return { low, high };
})();
function columnParities(s, d) {
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
  d[0] = el ^ ((bl << 1) | (bh >>> 31));
  d[1] = eh ^ ((bh << 1) | (bl >>> 31));
  d[2] = al ^ ((cl << 1) | (ch >>> 31));
  d[3] = ah ^ ((ch << 1) | (cl >>> 31));
  d[4] = bl ^ ((dl << 1) | (dh >>> 31));
  d[5] = bh ^ ((dh << 1) | (dl >>> 31));
  d[6] = cl ^ ((el << 1) | (eh >>> 31));
  d[7] = ch ^ ((eh << 1) | (el >>> 31));
  d[8] = dl ^ ((al << 1) | (ah >>> 31));
  d[9] = dh ^ ((ah << 1) | (al >>> 31));
}
function mixFirstRow(s, d, t) {
  const al = s[0] ^ d[0];
  const ah = s[1] ^ d[1];
  const b1 = s[13] ^ d[3];
  const b2 = s[12] ^ d[2];
  const bl = (b1 << 12) | (b2 >>> 20);
  const bh = (b2 << 12) | (b1 >>> 20);
  const c1 = s[25] ^ d[5];
  const c2 = s[24] ^ d[4];
  const cl = (c1 << 11) | (c2 >>> 21);
  const ch = (c2 << 11) | (c1 >>> 21);
  const d1 = s[36] ^ d[6];
  const d2 = s[37] ^ d[7];
  const dl = (d1 << 21) | (d2 >>> 11);
  const dh = (d2 << 21) | (d1 >>> 11);
  const e1 = s[48] ^ d[8];
  const e2 = s[49] ^ d[9];
  const el = (e1 << 14) | (e2 >>> 18);
  const eh = (e2 << 14) | (e1 >>> 18);
  t[0] = al ^ (~bl & cl);
  t[1] = ah ^ (~bh & ch);
  t[2] = bl ^ (~cl & dl);
  t[3] = bh ^ (~ch & dh);
  t[4] = cl ^ (~dl & el);
  t[5] = ch ^ (~dh & eh);
  t[6] = dl ^ (~el & al);
  t[7] = dh ^ (~eh & ah);
  t[8] = el ^ (~al & bl);
  t[9] = eh ^ (~ah & bh);
}
function mixSecondRow(s, d, t) {
  const a1 = s[6] ^ d[6];
  const a2 = s[7] ^ d[7];
  const al = (a1 << 28) | (a2 >>> 4);
  const ah = (a2 << 28) | (a1 >>> 4);
  const b1 = s[18] ^ d[8];
  const b2 = s[19] ^ d[9];
  const bl = (b1 << 20) | (b2 >>> 12);
  const bh = (b2 << 20) | (b1 >>> 12);
  const c1 = s[20] ^ d[0];
  const c2 = s[21] ^ d[1];
  const cl = (c1 << 3) | (c2 >>> 29);
  const ch = (c2 << 3) | (c1 >>> 29);
  const d1 = s[33] ^ d[3];
  const d2 = s[32] ^ d[2];
  const dl = (d1 << 13) | (d2 >>> 19);
  const dh = (d2 << 13) | (d1 >>> 19);
  const e1 = s[45] ^ d[5];
  const e2 = s[44] ^ d[4];
  const el = (e1 << 29) | (e2 >>> 3);
  const eh = (e2 << 29) | (e1 >>> 3);
  t[10] = al ^ (~bl & cl);
  t[11] = ah ^ (~bh & ch);
  t[12] = bl ^ (~cl & dl);
  t[13] = bh ^ (~ch & dh);
  t[14] = cl ^ (~dl & el);
  t[15] = ch ^ (~dh & eh);
  t[16] = dl ^ (~el & al);
  t[17] = dh ^ (~eh & ah);
  t[18] = el ^ (~al & bl);
  t[19] = eh ^ (~ah & bh);
}
function mixThirdRow(s, d, t) {
  const a1 = s[2] ^ d[2];
  const a2 = s[3] ^ d[3];
  const al = (a1 << 1) | (a2 >>> 31);
  const ah = (a2 << 1) | (a1 >>> 31);
  const b1 = s[14] ^ d[4];
  const b2 = s[15] ^ d[5];
  const bl = (b1 << 6) | (b2 >>> 26);
  const bh = (b2 << 6) | (b1 >>> 26);
  const c1 = s[26] ^ d[6];
  const c2 = s[27] ^ d[7];
  const cl = (c1 << 25) | (c2 >>> 7);
  const ch = (c2 << 25) | (c1 >>> 7);
  const d1 = s[38] ^ d[8];
  const d2 = s[39] ^ d[9];
  const dl = (d1 << 8) | (d2 >>> 24);
  const dh = (d2 << 8) | (d1 >>> 24);
  const e1 = s[40] ^ d[0];
  const e2 = s[41] ^ d[1];
  const el = (e1 << 18) | (e2 >>> 14);
  const eh = (e2 << 18) | (e1 >>> 14);
  t[20] = al ^ (~bl & cl);
  t[21] = ah ^ (~bh & ch);
  t[22] = bl ^ (~cl & dl);
  t[23] = bh ^ (~ch & dh);
  t[24] = cl ^ (~dl & el);
  t[25] = ch ^ (~dh & eh);
  t[26] = dl ^ (~el & al);
  t[27] = dh ^ (~eh & ah);
  t[28] = el ^ (~al & bl);
  t[29] = eh ^ (~ah & bh);
}
function mixFourthRow(s, d, t) {
  const a1 = s[8] ^ d[8];
  const a2 = s[9] ^ d[9];
  const al = (a1 << 27) | (a2 >>> 5);
  const ah = (a2 << 27) | (a1 >>> 5);
  const b1 = s[11] ^ d[1];
  const b2 = s[10] ^ d[0];
  const bl = (b1 << 4) | (b2 >>> 28);
  const bh = (b2 << 4) | (b1 >>> 28);
  const c1 = s[22] ^ d[2];
  const c2 = s[23] ^ d[3];
  const cl = (c1 << 10) | (c2 >>> 22);
  const ch = (c2 << 10) | (c1 >>> 22);
  const d1 = s[34] ^ d[4];
  const d2 = s[35] ^ d[5];
  const dl = (d1 << 15) | (d2 >>> 17);
  const dh = (d2 << 15) | (d1 >>> 17);
  const e1 = s[47] ^ d[7];
  const e2 = s[46] ^ d[6];
  const el = (e1 << 24) | (e2 >>> 8);
  const eh = (e2 << 24) | (e1 >>> 8);
  t[30] = al ^ (~bl & cl);
  t[31] = ah ^ (~bh & ch);
  t[32] = bl ^ (~cl & dl);
  t[33] = bh ^ (~ch & dh);
  t[34] = cl ^ (~dl & el);
  t[35] = ch ^ (~dh & eh);
  t[36] = dl ^ (~el & al);
  t[37] = dh ^ (~eh & ah);
  t[38] = el ^ (~al & bl);
  t[39] = eh ^ (~ah & bh);
}
function mixFifthRow(s, d, t) {
  const a1 = s[5] ^ d[5];
  const a2 = s[4] ^ d[4];
  const al = (a1 << 30) | (a2 >>> 2);
  const ah = (a2 << 30) | (a1 >>> 2);
  const b1 = s[17] ^ d[7];
  const b2 = s[16] ^ d[6];
  const bl = (b1 << 23) | (b2 >>> 9);
  const bh = (b2 << 23) | (b1 >>> 9);
  const c1 = s[29] ^ d[9];
  const c2 = s[28] ^ d[8];
  const cl = (c1 << 7) | (c2 >>> 25);
  const ch = (c2 << 7) | (c1 >>> 25);
  const d1 = s[31] ^ d[1];
  const d2 = s[30] ^ d[0];
  const dl = (d1 << 9) | (d2 >>> 23);
  const dh = (d2 << 9) | (d1 >>> 23);
  const e1 = s[42] ^ d[2];
  const e2 = s[43] ^ d[3];
  const el = (e1 << 2) | (e2 >>> 30);
  const eh = (e2 << 2) | (e1 >>> 30);
  t[40] = al ^ (~bl & cl);
  t[41] = ah ^ (~bh & ch);
  t[42] = bl ^ (~cl & dl);
  t[43] = bh ^ (~ch & dh);
  t[44] = cl ^ (~dl & el);
  t[45] = ch ^ (~dh & eh);
  t[46] = dl ^ (~el & al);
  t[47] = dh ^ (~eh & ah);
  t[48] = el ^ (~al & bl);
  t[49] = eh ^ (~ah & bh);
}
const PARITIES = new Int32Array(10);
function mixRound(s, t, round) {
  columnParities(s, PARITIES);
  mixFirstRow(s, PARITIES, t);
  mixSecondRow(s, PARITIES, t);
  mixThirdRow(s, PARITIES, t);
  mixFourthRow(s, PARITIES, t);
  mixFifthRow(s, PARITIES, t);
  t[0] ^= ROUND_CONSTANTS.low[round];
  t[1] ^= ROUND_CONSTANTS.high[round];
}
const STATE = new Int32Array(2 * LANES);
const OTHER_STATE = new Int32Array(2 * LANES);
const LAST_BLOCK = new Uint8Array(RATE);
const LAST_VIEW = new DataView(LAST_BLOCK.buffer);
const DIGEST = new Uint8Array(32);
const DIGEST_VIEW = new DataView(DIGEST.buffer);
function absorb(view, at) {
  for (let i = 0; i < RATE / 4; i += 1) STATE[i] ^= view.getInt32(at + 4 * i, true);
  for (let round = 0; round < ROUNDS; round += 2) {
    mixRound(STATE, OTHER_STATE, round);
    mixRound(OTHER_STATE, STATE, round + 1);
  }
}
function keccak256(data) {
  const whole = data.length - (data.length % RATE);
  STATE.fill(0);
  if (whole) {
    const view = new DataView(data.buffer, data.byteOffset, whole);
    for (let at = 0; at < whole; at += RATE) absorb(view, at);
  }
  LAST_BLOCK.fill(0);
  LAST_BLOCK.set(whole ? data.subarray(whole) : data);
  LAST_BLOCK[data.length - whole] = 0x01;
  LAST_BLOCK[RATE - 1] |= 0x80;
  absorb(LAST_VIEW, 0);
  for (let i = 0; i < 8; i += 1) DIGEST_VIEW.setInt32(4 * i, STATE[i], true);
  return DIGEST.slice();
}

// crypto/modular.mjs
const mod = (value, modulus) => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};
function modPower(base, exponent, modulus) {
  let result = 1n;
  for (let square = base, rest = exponent; rest; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
function modInverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return mod(x, modulus);
}

// crypto/ed25519.mjs
const ED25519_P = (1n << 255n) - 19n;
const ED25519_N = (1n << 252n) + 27742317777372353535851937790883648493n;
const ED25519_D = mod(-121665n * modInverse(121666n, ED25519_P), ED25519_P);
const ED25519_SQRT_MINUS_ONE = modPower(2n, (ED25519_P - 1n) / 4n, ED25519_P);
function addEdwardsPoints([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2), ED25519_P);
  const b = ((y1 + x1) * (y2 + x2)) % ED25519_P;
  const c = (((2n * t1 * t2) % ED25519_P) * ED25519_D) % ED25519_P;
  const d = (2n * z1 * z2) % ED25519_P;
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f, ED25519_P), mod(g * h, ED25519_P), mod(f * g, ED25519_P), mod(e * h, ED25519_P)];
}
const littleEndianToBigInt = (bytes) => bytesToBigInt(Uint8Array.from(bytes).reverse());
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
const ED25519_BASE = (
  decodeEdwardsPoint(Uint8Array.from({ length: 32 }, (_, at) => (at ? 0x66 : 0x58)))
);
function verifyEd25519(key, message, signature) {
  const point = decodeEdwardsPoint(key);
  const s = littleEndianToBigInt(signature.subarray(32));
  if (!point || s >= ED25519_N) return false;
  const h = littleEndianToBigInt(sha512(concat(signature.subarray(0, 32), key, message))) % ED25519_N;
  const minus = [
    mod(-point[0], ED25519_P),
    point[1],
    1n,
    mod(-point[3], ED25519_P),
  ];
  const both = addEdwardsPoints(ED25519_BASE, minus);
  let sum = [0n, 1n, 1n, 0n];
  for (let bit = 252n; bit >= 0n; bit -= 1n) {
    sum = addEdwardsPoints(sum, sum);
    const pick = Number((s >> bit) & 1n) + 2 * Number((h >> bit) & 1n);
    if (pick) sum = addEdwardsPoints(sum, [ED25519_BASE, minus, both][pick - 1]);
  }
  const inverse = modInverse(sum[2], ED25519_P);
  const encoded = ((sum[1] * inverse) % ED25519_P) | ((((sum[0] * inverse) % ED25519_P) & 1n) << 255n);
  return encoded === littleEndianToBigInt(signature.subarray(0, 32));
}

// formats/time.mjs
const SECONDS_PER_DAY = 86400;
const MAX_TIME = 253402300799;
function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1 && year <= 9999 ? date.getTime() / 1000 / SECONDS_PER_DAY : null;
}
function parseDay(text) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return found && dayNumber(Number(found[1]), Number(found[2]), Number(found[3]));
}
const formatDay = (day) => new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
function parseTime(text) {
  const found = /^(.{10})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/.exec(text);
  const day = found && parseDay(found[1]);
  if (!found || day === null) return fail("time.invalid", `${text} is not like 2026-11-24T06:00:00Z`);
  return day * SECONDS_PER_DAY + Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4]);
}
const formatTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
const chinaDay = (seconds) => Math.floor((seconds + 8 * 3600) / SECONDS_PER_DAY);
function addMonths(day, months) {
  const [year, month, date] = formatDay(day).split("-").map(Number);
  const all = year * 12 + month - 1 + months;
  const [toYear, toMonth] = [Math.floor(all / 12), (all % 12) + 1];
  if (toYear > 9999) return (dayNumber(9999, 12, 31));
  for (let last = date; ; last -= 1) {
    const found = dayNumber(toYear, toMonth, last);
    if (found !== null) return found;
  }
}

// formats/encoding.mjs
const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_DIGITS = new Map(Array.from(URL_ALPHABET, (letter, value) => [letter, value]));
function tryDecodeBase64Url(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
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
  return (bits & ((1 << count) - 1)) === 0 ? bytes : null;
}
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
function decodeBase64Url(text) {
  const bytes = tryDecodeBase64Url(text);
  if (bytes) return bytes;
  const known = /^[A-Za-z0-9+/_-]+={0,2}$|^$/.test(text) && text.replaceAll("=", "").length % 4 !== 1;
  return known
    ? fail("base64.not_canonical", "base64url with padding, another alphabet or unused bits set")
    : fail("base64.invalid", "text that is not base64url");
}
function decodeHex(text, size) {
  if (text.length !== 2 * size || !/^[0-9a-f]*$/.test(text))
    fail("hex.invalid", `text that is not ${size} bytes in lower-case hexadecimal`);
  return hexToBytes(text);
}

// formats/object_reader.mjs
const countCharacters = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};
class ObjectReader {
  constructor(value, path) {
    if (typeof value !== "object" || Array.isArray(value)) fail("schema.invalid", `${path} is not an object`);
    this.unread = new Map(Object.entries(value));
    this.path = path;
  }
  fail(name, expected) {
    return fail("schema.invalid", `${this.path}.${name} is not ${expected}`);
  }
  has(name) {
    return this.unread.has(name);
  }
  require(name) {
    const value = this.unread.get(name);
    if (value === undefined) return fail("schema.invalid", `${this.path}.${name} is missing`);
    this.unread.delete(name);
    return value;
  }
  constant(name, expected) {
    if (this.require(name) !== expected) fail("schema.version", `${this.path}.${name} is not ${expected}`);
  }
  string(name) {
    const value = this.require(name);
    return typeof value === "string" ? value : this.fail(name, "text");
  }
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
  oneOf(name, words) {
    const value = this.require(name);
    return typeof value === "string" && words.includes(value) ? value : this.fail(name, `one of ${words}`);
  }
  integer(name, min = 0, max = Number.MAX_SAFE_INTEGER) {
    const value = this.require(name);
    if (typeof value !== "number" || value < min || value > max) {
      return this.fail(name, `an integer from ${min} to ${max}`);
    }
    return value;
  }
  boolean(name) {
    const value = this.require(name);
    return typeof value === "boolean" ? value : this.fail(name, "true or false");
  }
  binary(name, size = null) {
    const value = this.require(name);
    const bytes = typeof value === "string" ? decodeBase64Url(value) : this.fail(name, "base64url");
    return size === null || bytes.length === size ? bytes : this.fail(name, `${size} bytes`);
  }
  hashes(name, max = 32) {
    const bytes = this.binary(name);
    if (bytes.length % 32 || bytes.length > 32 * max) this.fail(name, `at most ${max} hashes`);
    return chunks(bytes, 32);
  }
  array(name, min, max) {
    const value = this.require(name);
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return this.fail(name, `a list of ${min} to ${max}`);
    }
    return value;
  }
  texts(name, min, max) {
    const values = this.array(name, min, max);
    for (const value of values) if (typeof value !== "string") this.fail(name, "a list of texts");
    return (values);
  }
  object(name) {
    return new ObjectReader(this.require(name), `${this.path}.${name}`);
  }
  objects(name, min, max, readItem) {
    return this.array(name, min, max).map((value, at) => {
      const reader = new ObjectReader(value, `${name}[${at}]`);
      const item = readItem(reader);
      reader.finish();
      return item;
    });
  }
  day(name) {
    const value = this.require(name);
    const number = typeof value === "string" ? parseDay(value) : null;
    return number === null ? this.fail(name, "a day like 2026-11-24") : number;
  }
  finish() {
    if (this.unread.size)
      fail("schema.invalid", `${this.path} has unknown members: ${[...this.unread.keys()].slice(0, 3)}`);
  }
}
function checkAscending(path, values) {
  if (values.some((value, at) => at > 0 && value <= values[at - 1])) {
    fail("schema.invalid", `${path} do not strictly ascend`);
  }
}
function checkDistinct(what, values) {
  if (new Set(values).size !== values.length) fail("schema.invalid", `two ${what} are the same`);
}

// formats/merkle.mjs
const LEAF = new Uint8Array(128);
function leafHash(data) {
  if (data.length >= LEAF.length) return sha256(concat(Uint8Array.of(0), data));
  LEAF.set(data, 1);
  return sha256(LEAF.subarray(0, data.length + 1));
}
const NODE = concat(Uint8Array.of(1), new Uint8Array(64));
function nodeHash(left, right) {
  NODE.set(left, 1);
  NODE.set(right, 33);
  return sha256(NODE);
}
const isOdd = (position) => position % 2 === 1;
const half = (value) => Math.floor(value / 2);
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
function peakSizes(size) {
  const sizes = [];
  for (let bit = 2 ** 52; bit >= 1; bit /= 2) {
    if (Math.floor(size / bit) % 2) sizes.push(bit);
  }
  return sizes;
}
function locatePeak(position, size) {
  if (position >= size) fail("proof.invalid", `leaf ${position} is outside a tree of ${size} leaves`);
  let rest = position;
  for (const [peak, width] of peakSizes(size).entries()) {
    if (rest < width) return { peak, within: rest, width };
    rest -= width;
  }
  throw new RangeError("unreachable: the peaks cover every leaf");
}
function peaksOf(leaves) {
  const stack = [];
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
function treeRoot(leaves) {
  const peaks = peaksOf(leaves);
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}

// formats/record.mjs
const ISSUER_PATTERN = /^[0-9A-Z]{18}$/;
const CATEGORY_PATTERN = /^[A-Z0-9-]{2,24}$/;
const HOLDER_KINDS = ["natural", "legal", "object"];
const MAX_CERTIFICATES = 2 ** 32;
const MAX_DIGESTS = 96;
const MAX_VALUE_CHARACTERS = 512;
const MAX_DISCLOSURE_BYTES = 4096;
const MAX_FIELD_NAME_CHARACTERS = 64;
const NUMBER_FIELD = "certificate_number";
const HOLDER_KEY_FIELD = "holder_key";
const DOCUMENT_FIELD = "document";
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
function checkIssuerCode(issuer) {
  if (!/^[0-9]{2}$/.test(issuer.slice(2, 4)))
    fail("issuer.invalid", `${issuer} is not the code of an issuer`);
}
const formatDisclosure = (salt, name, value) => encodeBase64Url(canonicalBytes([salt, name, value]));
const disclosureDigest = (text) => sha256(utf8(text));
function deriveSalt(code, place) {
  return encodeBase64Url(
    hmacSha256(utf8(code), concat(utf8("certledger/1/salt"), uintToBytes(place, 2))).subarray(0, 16),
  );
}
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
  return { salt, name, value: (value), digest: disclosureDigest(text) };
}
function checkFieldValue(value) {
  if (typeof value !== "string" || !value || countCharacters(value) > MAX_VALUE_CHARACTERS) {
    fail("schema.invalid", "a field is not text of 1 to 512 characters");
  }
}
function checkDocument(value) {
  const read = new ObjectReader(value, "document");
  read.text("sha256", /^[0-9a-f]{64}$/);
  if (read.has("sm3")) read.text("sm3", /^[0-9a-f]{64}$/);
  read.integer("size");
  read.finish();
}

// formats/certificate_number.mjs
const MAX_NUMBER_CHARACTERS = 64;
const INVISIBLE = /[\u00ad\u061c\u180e\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u206f]/g;
const DASHES = /[\u2010-\u2015\u2043\u2212\ufe58]/g;
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const ACCESS_CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const dropWhiteSpace = (text) =>
  Array.from(text)
    .filter((letter) => !WHITE_SPACE.test(letter))
    .join("");
function trimWhiteSpace(text) {
  let [begin, end] = [0, text.length];
  while (begin < end && WHITE_SPACE.test(text[begin])) begin += 1;
  while (end > begin && WHITE_SPACE.test(text[end - 1])) end -= 1;
  return text.slice(begin, end);
}
function normalNumber(typed) {
  const plain = typed.normalize("NFKC").replace(INVISIBLE, "").replace(DASHES, "-");
  const brackets = plain.replace(/[[【]/g, "〔").replace(/[\]】]/g, "〕");
  const number = dropWhiteSpace(brackets.toUpperCase())
    .normalize("NFKC")
    .replace(/\(([0-9]{4})\)/g, "〔$1〕");
  const size = countCharacters(number);
  if (!size || size > MAX_NUMBER_CHARACTERS)
    fail("number.invalid", `a number has 1 to ${MAX_NUMBER_CHARACTERS} characters`);
  return number;
}
function normalAccessCode(typed) {
  const plain = dropWhiteSpace(typed.normalize("NFKC").replace(INVISIBLE, "").replace(DASHES, "-"));
  const code = plain.toUpperCase().replaceAll("-", "").replaceAll("O", "0").replace(/[IL]/g, "1");
  if (/[^\0-\x7f]/.test(plain) || !ACCESS_CODE.test(code))
    fail("access_code.invalid", "an access code has 16 characters of 0-9 and A-Z");
  return code;
}
const lookupDigest = (number, code) =>
  disclosureDigest(formatDisclosure(normalAccessCode(code), NUMBER_FIELD, normalNumber(number)));

// formats/base45.mjs
const BASE45_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE45_DIGITS = new Map(Array.from(BASE45_ALPHABET, (letter, value) => [letter, value]));
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

// formats/catalog.mjs
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
const MAX_ENTRIES = 4096;
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
function readFieldNames(read, name) {
  const names = read.texts(name, 1, 64);
  if (!names.every((field) => /^[a-z][a-z0-9_]{0,63}$/.test(field))) read.fail(name, "a list of names");
  return names;
}
function fieldNameAt(entry, place, bound) {
  if (place < entry.fields.length) return entry.fields[place];
  return bound && place === entry.fields.length ? HOLDER_KEY_FIELD : DOCUMENT_FIELD;
}
const catalogRoot = (count, root) =>
  sha256(concat(utf8("certledger/catalog/1"), uintToBytes(count, 4), root));
function compareEntries(left, right) {
  if (left.category !== right.category) return left.category < right.category ? -1 : 1;
  return left.version - right.version;
}

// formats/cbor.mjs
const MAX_HEAD_NUMBER = 23;
const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const LIST = 4;
const MAP = 5;
class CborReader {
  constructor(bytes, code, canonicalCode) {
    this.bytes = bytes;
    this.code = code;
    this.canonicalCode = canonicalCode;
    this.at = 0;
  }
  fail(expected) {
    return fail(this.code, `at byte ${this.at}: expected ${expected}`);
  }
  expect(condition, expected) {
    if (!condition) this.fail(expected);
  }
  finish() {
    this.expect(this.at === this.bytes.length, "the end");
  }
  majorType() {
    return this.at < this.bytes.length ? this.bytes[this.at] >> 5 : -1;
  }
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
  argument(type, expected) {
    this.expect(this.majorType() === type, expected);
    const low = this.bytes[this.at] & 31;
    if (low <= MAX_HEAD_NUMBER) {
      this.at += 1;
      return low;
    }
    const width = 2 ** (low - 24);
    const end = this.at + 1 + width;
    if (low > 27 || end > this.bytes.length) this.fail(`${expected} of definite length`);
    let number = 0;
    for (let at = this.at + 1; at < end; at += 1) number = number * 256 + this.bytes[at];
    if (number < (width === 1 ? MAX_HEAD_NUMBER + 1 : 256 ** (width / 2)))
      fail(this.canonicalCode, `the number at byte ${this.at} is not in its shortest form`);
    this.at = end;
    return number;
  }
  integer(min = 0, max = Number.MAX_SAFE_INTEGER) {
    const negative = min < 0 && this.majorType() === NEGATIVE;
    const number = this.argument(negative ? NEGATIVE : UNSIGNED, "an integer");
    const value = negative ? -1 - number : number;
    if (value < min || value > max) this.fail(`an integer from ${min} to ${max}`);
    return value;
  }
  size(type, expected, min, max) {
    const size = this.argument(type, expected);
    const left = this.bytes.length - this.at;
    this.expect(size >= min && size <= Math.min(max, left), `${expected} of size ${min} to ${max}`);
    return size;
  }
  binary(min, max) {
    const size = this.size(BYTES, "a byte string", min, max);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  text(max) {
    const size = this.size(TEXT, "a text", 0, max);
    this.at += size;
    try {
      return UTF8_DECODER.decode(this.bytes.subarray(this.at - size, this.at));
    } catch {
      return fail(this.code, "a text is not UTF-8");
    }
  }
  list(min, max) {
    return this.size(LIST, "a list", min, max);
  }
  integers(size, min, max) {
    this.list(size, size);
    const found = [];
    for (let left = size; left > 0; left -= 1) found.push(this.integer(min, max));
    return found;
  }
  byteMap(below, size) {
    const found = new Map();
    let last = -1;
    for (let left = this.size(MAP, "a map", 0, below); left > 0; left -= 1) {
      last = this.integer(last + 1, below - 1);
      found.set(last, this.binary(size, size));
    }
    return found;
  }
  binaries(max, maxBytes, ascending = false) {
    const found = [];
    for (let left = this.list(0, max); left > 0; left -= 1) {
      const value = this.binary(1, maxBytes);
      if (ascending && found.length)
        this.expect(compareBytes(found[found.length - 1], value) < 0, "bytes greater than those before");
      found.push(value);
    }
    return found;
  }
  items(max, readItem) {
    const found = [];
    for (let size = this.list(0, max); found.length < size;) found.push(readItem(found.length));
    return found;
  }
}
function encodeCborHead(type, number) {
  if (number <= MAX_HEAD_NUMBER) return Uint8Array.of((type << 5) | number);
  const size = [1, 2, 4, 8].findIndex((width) => number < 256 ** width);
  return concat(Uint8Array.of((type << 5) | (24 + size)), uintToBytes(number, 2 ** size));
}
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

// limits.mjs
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_BLOCK = 2 ** 40 - 1;

// formats/issuer_state.mjs
const ISSUER_KINDS = [
  "department",
  "institution",
  "association",
  "appraisal",
  "consulting",
  "operator",
];
const ISSUER_STANDINGS = ["active", "suspended", "closed", "struck"];
const KEY_BYTES = 31;
const MAX_KEYS = 16;
const MAX_ISSUER_NAME_CHARACTERS = 128;
const PURPOSE_BATCHES = 1;
function decodeKey(packed) {
  const block = (at) => Number(bytesToBigInt(packed.subarray(at, at + 5)));
  const purposes = packed[20];
  if (purposes < 1 || purposes > 15) fail("state.key", `a key has purposes ${purposes}, not 1 to 15`);
  return { packed, address: packed.subarray(0, 20), purposes, from: block(21), end: block(26) };
}
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
    nameDigest: null,
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
function clearBrake(slot) {
  const cleared = Uint8Array.from(slot);
  cleared[31] &= 0xfe;
  return cleared;
}
function stateDigest(s) {
  return clearBrake(
    keccak256(
      concat(
        utf8(s.issuer),
        uintToBytes(Number(s.issuer.slice(2, 4)), 2),
        Uint8Array.of(s.kind, ISSUER_STANDINGS.indexOf(s.standing) + 1),
        uintToBytes(s.since, 5),
        uintToBytes(s.catalogVersion, 4),
        Uint8Array.of(0),
        uintToBytes(s.batches, 8),
        uintToBytes(s.certificates, 8),
        uintToBytes(s.epoch, 8),
        uintToBytes(s.revision, 4),
        new Uint8Array(4),
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
const BATCH_LEAF = new Uint8Array(70);
function batchLeaf(digest, catalog, key, block) {
  BATCH_LEAF.set(digest);
  BATCH_LEAF.set(catalog, 32);
  BATCH_LEAF.fill(0, 64);
  BATCH_LEAF[64] = key;
  putUint(BATCH_LEAF, 70, block);
  return leafHash(BATCH_LEAF);
}

// formats/presentation.mjs
const TOKEN_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
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

// formats/state_proof.mjs
function readRlpLength(data, at, width) {
  const digits = data.subarray(at, at + width);
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  if (digits.length !== width || digits[0] === 0 || length < 56)
    fail("proof.invalid", `an RLP length at byte ${at} is not in its shortest form`);
  return length;
}
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
function decodeRlp(data) {
  const item = readRlpItem(data, 0);
  if (item.size !== data.length) fail("proof.invalid", "bytes follow an RLP item");
  return item;
}
const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);
function decodeHexPrefix(bytes) {
  const [kind, pad, ...rest] = nibbles(bytes);
  if (kind === undefined || kind > 3 || (!(kind & 1) && pad))
    return fail("proof.invalid", "a hex prefix of unknown kind, or with padding that is not zero");
  return { path: kind & 1 ? [pad, ...rest] : rest, leaf: kind > 1 };
}
const KEY_NIBBLES = 64;
function childReference(item) {
  if ("bytes" in item && !item.bytes.length) return undefined;
  if ("bytes" in item ? item.bytes.length !== 32 : item.size >= 32) {
    fail("proof.invalid", "a child is neither a hash nor a node shorter than one");
  }
  return item;
}
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
function findInTrie(root, hashedKey, getNode) {
  const key = nibbles(hashedKey);
  let reference = { bytes: root, size: 33 };
  for (let at = 0; ;) {
    const node = "bytes" in reference ? decodeRlp(getNode(reference.bytes)) : reference;
    const found = followNode(node, key, at);
    if (found.value) return requireRlpString(found.value);
    if (!found.next) return null;
    [reference, at] = [found.next, found.at];
  }
}
const requireRlpString = (item) =>
  "bytes" in item ? item.bytes : fail("proof.invalid", "an RLP list in place of a string");
const EMPTY_TRIE_ROOT = keccak256(Uint8Array.of(0x80));
const MAX_PROOF_NODES = 64;
const MAX_NODE_BYTES = 1024;
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
function requireRlpInteger(bytes, width) {
  if (bytes.length > width || bytes[0] === 0)
    fail("proof.invalid", `an RLP integer with a leading zero, or of more than ${width} bytes`);
  return bytes;
}
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
function decodeSlotValue(found) {
  if (!found) return ZERO32;
  const value = requireRlpInteger(requireRlpString(decodeRlp(found)), 32);
  if (!value.length) fail("proof.invalid", "a slot of value zero in the trie");
  return concat(new Uint8Array(32 - value.length), value);
}
const issuerSlotPosition = (issuer) => keccak256(concat(utf8(issuer), new Uint8Array(14), ZERO32));
const ROLL_POSITION = uintToBytes(1, 32);

// formats/statements.mjs
const BATCH_TYPE_HASH = keccak256(
  utf8(
    "Batch(bytes18 issuer,uint64 sequence,bytes32 previous,bytes32 root,uint64 first,uint32 count," +
      "bytes32 catalog,bytes32 countersignature,uint64 notAfter)",
  ),
);
const BATCH_WORDS = concat(BATCH_TYPE_HASH, new Uint8Array(9 * 32));
const SIGNED_BATCH = concat(Uint8Array.of(0x19, 0x01), new Uint8Array(2 * 32));
const MAX_BATCH_CERTIFICATES = 65536;
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
function batchDigest(s, identity) {
  const words = BATCH_WORDS;
  words.fill(0, 32);
  for (let at = 0; at < s.issuer.length; at += 1) words[32 + at] = s.issuer.charCodeAt(at);
  putUint(words, 3 * 32, s.sequence);
  words.set(s.previous, 3 * 32);
  words.set(s.root, 4 * 32);
  putUint(words, 6 * 32, s.first);
  putUint(words, 7 * 32, s.count);
  words.set(s.catalog, 7 * 32);
  words.set(s.countersignature, 8 * 32);
  putUint(words, 10 * 32, s.notAfter);
  SIGNED_BATCH.set(identity, 2);
  SIGNED_BATCH.set(keccak256(words), 34);
  return keccak256(SIGNED_BATCH);
}

// formats/status_tree.mjs
const STATUS_DEPTH = 25;
const CERTIFICATES_PER_WORD = 128;
const STATUSES = ["valid", "revoked", "suspended", "superseded"];
const EMPTY_SUBTREES = (() => {
  const found = [ZERO32];
  for (let level = 0; level < STATUS_DEPTH; level += 1) {
    found.push(keccak256(concat(found[level], found[level])));
  }
  return found;
})();
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
const PAIR = new Uint8Array(64);
function hashPair(left, right) {
  PAIR.set(left);
  PAIR.set(right, 32);
  return keccak256(PAIR);
}
function statusTreeRoot(words) {
  const waiting = [];
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
  let last = null;
  for (const [at, word] of words) {
    if (last) {
      const level = 31 - Math.clz32(last[0] ^ at);
      waiting.push({ level, at: last[0] >> level, node: climb(...last, level) });
    }
    last = [at, word];
  }
  return last ? climb(...last, STATUS_DEPTH) : EMPTY_SUBTREES[STATUS_DEPTH];
}
const statusWordPosition = (index) => Math.floor(index / CERTIFICATES_PER_WORD);
function statusAt(word, index) {
  const cell = index % CERTIFICATES_PER_WORD;
  return STATUSES[(word[31 - Math.floor(cell / 4)] >> (2 * (cell % 4))) & 3];
}

// formats/evidence.mjs
const MAX_EVIDENCE_BYTES = 65536;
const EVIDENCE_TYPE = "certledger/evidence/1";
function locateDisclosures(record, disclosures) {
  const places = new Map(record.digests.map((digest, place) => [hex(digest), place]));
  return { record, disclosures, places: disclosures.map(({ digest }) => places.get(hex(digest))) };
}
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
function readAnchor(read) {
  const anchor = {
    block: read.integer("block", 0, MAX_BLOCK),
    key: read.integer("key", 0, MAX_KEYS - 1),
    path: read.hashes("path"),
  };
  read.finish();
  return anchor;
}
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
function readProof(read) {
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

// formats/compact_evidence.mjs
const COMPACT_TYPE = "certledger/compact/1";
const COMPACT_PREFIX = "CL1:";
const COMPACT_VERSION = 1;
const ACCESS_CODE_PATTERN = /^[0-9A-HJKMNP-TV-Z]{16}$/;
const MAX_COMPACT_CHARACTERS = 4096;
const COMPACT_ELEMENTS = 5;
const MAX_PATH_HASHES = 32;
const MAX_SHORT_BYTES = 64;
const FIRST_DAY = (dayNumber(1, 1, 1));
const LAST_DAY = (dayNumber(9999, 12, 31));
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
    ledger,
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
function decodeRecord(reader) {
  reader.list(12, 12);
  const day = () => formatDay(reader.integer(FIRST_DAY, LAST_DAY));
  const value = { type: "certledger/record/1" };
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
  return readRecord((value));
}
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
function encodeValue(value) {
  if (typeof value === "string") return value;
  const digests = [value.sha256, value.sm3].filter((digest) => digest !== undefined).map(hexToBytes);
  return [digests[0], value.size, ...digests.slice(1)];
}
function decodePath(reader) {
  const path = reader.binary(0, 32 * MAX_PATH_HASHES);
  if (path.length % 32) fail("compact.invalid", `a path of ${path.length} bytes is not a list of hashes`);
  return chunks(path, 32);
}
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
function decodePresentation(reader) {
  reader.list(4, 4);
  const [audience, nonce, time] = [
    reader.text(MAX_SHORT_BYTES),
    reader.text(MAX_SHORT_BYTES),
    reader.integer(),
  ];
  const signature = encodeBase64Url(reader.binary(0, MAX_SHORT_BYTES));
  return readPresentation(({ audience, nonce, time, signature }));
}
function nameDisclosure({ place, salt, value }, entry, bound) {
  const name = fieldNameAt(entry, place, bound);
  return { salt, name, value, digest: disclosureDigest(formatDisclosure(salt, name, value)) };
}
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

// formats/short_link.mjs
const MAX_LINK_CHARACTERS = 120;
const MAX_PASTED_CHARACTERS = 2048;
const ADDRESS = /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const LINK = /^(?:https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\/v)?#/i;
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
const escapeNumber = (number) =>
  number.replace(
    /[^0-9A-Z./_-]/g,
    (unit) => `~${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
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
function undoTilde(text) {
  const plain = text.replace(/~([0-9A-Fa-f]{4})?/g, (_, unit) =>
    unit === undefined
      ? fail("link.invalid", "a ~ in a link is not followed by four hexadecimal digits")
      : String.fromCharCode(Number.parseInt(unit, 16)),
  );
  checkCharacters(plain);
  return plain;
}
function checkCharacters(text) {
  if (/\p{Surrogate}/u.test(text)) fail("link.invalid", "a link has a part of a character");
}

// formats/checkpoint.mjs
const MAX_NOTE_BYTES = 4096;
const MAX_SIGNATURE_LINES = 16;
const WITNESS_NAME_PATTERN = /^[!-*,-~]{1,128}$/;
const failNote = (problem) => fail("checkpoint.unusable", problem);
function parseNoteNumber(digits, max) {
  return BigInt(digits) <= BigInt(max) ? Number(digits) : failNote(`${digits} in a note is over ${max}`);
}
const decodeNoteBytes = (text) =>
  tryDecodeBase64(text) ?? failNote("bytes of a note are not canonical base64");
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
const witnessKeyId = (name, key) =>
  sha256(concat(utf8(name), Uint8Array.of(0x0a, 0x04), key)).subarray(0, 4);
const verifyCosignature = (checkpoint, line, key) =>
  verifyEd25519(key, utf8(`cosignature/v1\ntime ${line.time}\n${checkpoint.text}`), line.signature);

// formats/policy.mjs
const TRUST_WAYS = ["node", "rpc", "witnesses"];
const MAX_NAME_CHARACTERS = 128;
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
const readHex = (read, name, size) => decodeHex(read.text(name), size);
function readPrefixedHex(read, name, size) {
  const text = read.text(name);
  return text.startsWith("0x") ? decodeHex(text.slice(2), size) : read.fail(name, "0x and lower-case hex");
}
function readInstant(read, name) {
  const seconds = parseTime(read.text(name));
  return seconds >= 0 ? seconds : read.fail(name, "a time since 1970");
}
function readRoots(read) {
  const keys = read.texts("keys", 1, 64);
  keys.forEach((key) => decodeHex(key, 32));
  checkAscending("policy.roots.keys", keys);
  const roots = { keys, threshold: read.integer("threshold", 1, keys.length) };
  read.finish();
  return roots;
}
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
function readRetired(read, identity) {
  const text = read.text("retired");
  const note = valueOrNull(() => parseNote(text));
  if (note && !note.cosignatures.length && equal(note.checkpoint.identity, identity)) return note.checkpoint;
  return read.fail("retired", "a checkpoint of this ledger without cosignatures");
}
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
function readAges(read) {
  const pairs = read.objects(
    "categories",
    0,
    1024,
    (inner) =>
      ([
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
function readVersions(read) {
  const versions = read.texts("evidence", 1, 16);
  if (!versions.every((text) => /^certledger\/[a-z]+\/[1-9][0-9]{0,3}$/.test(text))) {
    read.fail("evidence", "a list of versions like certledger/evidence/1");
  }
  checkAscending("policy.evidence", versions);
  return versions;
}
const findLedger = (policy, identity) =>
  policy.ledgers.find((ledger) => equal(ledger.identity, identity));

// formats/signed_policy.mjs
const MAX_POLICY_BYTES = 65536;
const MAX_SIGNATURES = 128;
const POLICY_PREFIX = "certledger/policy/1\n";
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
function checkThreshold(policy, roots) {
  const count = roots.keys.filter((key) => policy.signers.has(key)).length;
  if (count < roots.threshold)
    fail(
      "policy.unsigned",
      `${count} of the root keys have signed, which is less than the threshold ${roots.threshold}`,
    );
}
function checkSuccession(current, next) {
  if (next.version < current.version)
    fail("policy.older", `version ${next.version} would replace ${current.version}`);
  if (next.version > current.version) checkThreshold(next, current.roots);
  else if (next.text !== current.text) fail("policy.older", `another policy has version ${current.version}`);
}
function findSuccessors(current, chain) {
  chain.slice(1).forEach((next, at) => checkSuccession(chain[at], next));
  const version = current?.version ?? 0;
  if (current && chain.length)
    checkSuccession(current, chain.find((policy) => policy.version >= version) ?? chain[chain.length - 1]);
  const newer = chain.filter((policy) => policy.version > version);
  return newer.filter((policy, at) => at === 0 || policy.version > newer[at - 1].version);
}

// formats/fingerprint.mjs
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const WORD_SHAPE = [
  [12, CONSONANTS],
  [10, VOWELS],
  [6, CONSONANTS],
  [4, VOWELS],
  [0, CONSONANTS],
];
const FINGERPRINT_WORDS = 8;
const MAX_FINGERPRINT_CHARACTERS = 200;
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
function checkFingerprint(policy, text) {
  const word = WORD_SHAPE.map(([, choice]) => `[${choice}]`).join("");
  const form = new RegExp(`^(?:[0-9a-f]{64}|(?:${word}){${FINGERPRINT_WORDS}})$`);
  const letters = text.replace(/[ \t\r\n:-]+/g, "").toLowerCase();
  const ascii = /^[\0-\x7f]*$/.test(text);
  if (!ascii || text.length > MAX_FINGERPRINT_CHARACTERS || !form.test(letters))
    fail("fingerprint.invalid", "neither 64 hex digits nor eight words");
  const found = policyFingerprint(policy);
  if (letters !== found.hex && letters !== found.words.replaceAll(" ", ""))
    fail("policy.fingerprint", `version ${policy.version} has the fingerprint ${found.words}`);
}

// present/holding.mjs
const MAX_HOLDING_BYTES = 262144;
function openHolding(evidenceFile, holderFile) {
  const json = (parseCanonical(evidenceFile, MAX_EVIDENCE_BYTES));
  const evidence = readEvidence(json);
  const { record } = evidence.disclosed;
  const texts = holderFile
    ? readHolderFile(holderFile, record.leaf)
    : (json.disclosures);
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
function showFields(holding, places, isSigned) {
  const fields = holding.fields.filter(
    ({ place, disclosure }) => places.has(place) || (isSigned && disclosure.name === HOLDER_KEY_FIELD),
  );
  const { presentation: _, ...json } = holding.json;
  return { ...holding, fields, json: { ...json, disclosures: fields.map(({ text }) => text) } };
}
function messageToSign({ evidence, identity, fields }, request) {
  for (const text of [request.audience, request.nonce]) {
    if (!TOKEN_PATTERN.test(text)) fail("holder.word", `${text} cannot be an audience or a nonce`);
  }
  const disclosures = fields.map(({ disclosure }) => disclosure);
  return presentationMessage(request, identity, evidence.disclosed.record.leaf, disclosures);
}
function fileOf({ json }, presentation) {
  if (!presentation) return canonicalBytes(json);
  const signature = encodeBase64Url(presentation.signature);
  return canonicalBytes({ ...json, presentation: { ...presentation, signature } });
}
function codeOf({ evidence, identity, fields }, presentation) {
  const disclosed = {
    record: evidence.disclosed.record,
    disclosures: fields.map(({ disclosure }) => disclosure),
    places: fields.map(({ place }) => place),
  };
  return formatCompactEvidence(identity, disclosed, evidence.path, presentation);
}

// verify/codes.mjs
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
const outcomeOf = (code) => CODES.get(code)?.outcome ?? "unknown";

// verify/block_trust.mjs
const FINAL_CHECKPOINT = "the trust policy: the ledger's final checkpoint";
const withoutTrust = (code) => ({ code, time: null });
function trustByWitnesses({ checkpoint, cosignatures }, policy, ledger) {
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
    return { code: "ok", time: checkpoint.time, basis: FINAL_CHECKPOINT, ...end };
  }
  if (!policy.trust.ways.includes("witnesses")) return withoutTrust("block.untrusted");
  if (retired && checkpoint.number > retired.number) return withoutTrust("block.untrusted");
  if (retired?.number === checkpoint.number && retired.text !== checkpoint.text) {
    return withoutTrust("block.differs");
  }
  const isInService = (witness) => {
    if (witness.ledger && !equal(witness.ledger, checkpoint.identity)) return witness.until === null;
    return witness.from <= checkpoint.number && checkpoint.number <= (witness.until ?? checkpoint.number);
  };
  const times = new Map();
  for (const { line, witness } of known.filter((one) => isInService(one.witness))) {
    times.set(witness.operator, Math.max(line.time, times.get(witness.operator) ?? 0));
  }
  const { threshold } = policy.trust;
  if (times.size < threshold) return withoutTrust("block.witnesses_too_few");
  const time = [...times.values()].sort((left, right) => right - left)[threshold - 1];
  if (Math.abs(time - checkpoint.time) > policy.blockLag) return withoutTrust("block.clock");
  const operators = new Set(policy.witnesses.filter(isInService).map(({ operator }) => operator));
  const names = [...times.keys()].sort((left, right) => compareBytes(utf8(left), utf8(right))).join(", ");
  return { code: "ok", time, basis: `${times.size} of ${operators.size} witnesses: ${names}`, ...end };
}
function checkBlock(text, { policy, now }) {
  if (now > policy.ends) return withoutTrust("policy.ended");
  const note = valueOrNull(() => parseNote(text));
  if (!note) return withoutTrust("checkpoint.unusable");
  const { checkpoint } = note;
  const ledger = findLedger(policy, checkpoint.identity);
  if (!ledger) return withoutTrust("block.other_ledger");
  return { ...trustByWitnesses(note, policy, ledger), checkpoint, ledger };
}

// verify/checks.mjs
function checkInclusion(record, statement, path) {
  const place = record.index - statement.first;
  if (place < 0 || place >= statement.count) return "inclusion.index_outside";
  const root = valueOrNull(() => impliedRoot(record.leaf, place, statement.count, path));
  return root && equal(root, statement.root) ? "ok" : "inclusion.path_differs";
}
function checkKey(key, block) {
  if (block >= key.end) return "signature.key_ended";
  return key.purposes & PURPOSE_BATCHES && key.from <= block ? "ok" : "signature.purpose";
}
const checkCountersigned = (policy, statement) =>
  policy.countersignature && equal(statement.countersignature, ZERO32)
    ? "signature.countersignature_missing"
    : "ok";
const isEntryOf = (record, entry) =>
  entry.category === record.category && entry.version === record.entry;
function checkEntryObeyed(record, entry) {
  if (record.holder !== entry.holder) return "entitlement.holder_kind";
  if (record.digests.length < entry.fields.length + Number(record.bound)) return "entitlement.fields_missing";
  if (entry.months === null) return "ok";
  const latest = addMonths(record.issued, entry.months);
  return record.expires === null || record.expires > latest ? "entitlement.validity_too_long" : "ok";
}
function checkFreshness(category, policy, time, now, end = now) {
  if (time > now + policy.clockTolerance) return "freshness.future";
  return Math.min(now, end) - time <= (policy.ages.get(category) ?? policy.defaultAge) ? "ok" : "freshness.stale";
}
function checkStatus(index, word, standing) {
  const status = statusAt(word, index);
  if (standing === "struck") return "status.body_struck";
  if (status === "revoked" || status === "superseded") return `status.${status}`;
  if (standing === "suspended") return "status.body_suspended";
  return status === "valid" ? "ok" : `status.${status}`;
}
function checkDates(record, now) {
  const today = chinaDay(now);
  if (today < record.issued) return "dates.not_yet";
  return record.expires !== null && today > record.expires ? "dates.expired" : "ok";
}
const unmadeChecks = (code) => ({ signature: code, entitlement: code, status: code });

// verify/content_check.mjs
const hashDocument = (bytes) => ({
  sha256: hex(sha256(bytes)),
  size: bytes.length,
  sm3: hex(sm3(bytes)),
});
const WORST_FIRST = ["content.document_differs", "content.sm3_unavailable", "content.nothing_compared"];
const BEST_FIRST = ["ok", "content.sm3_unavailable", "content.document_differs"];
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
function compareDocument({ record, disclosures }, document, entry) {
  const digests = document instanceof Uint8Array ? hashDocument(document) : document;
  const described = disclosures.map(({ value }) => value).filter((value) => typeof value === "object");
  const codes = described
    .filter((value) => value.sha256 === digests.sha256 && value.size === digests.size)
    .map((value) => compareSm3(value, digests));
  const best = BEST_FIRST.find((code) => codes.includes(code));
  if (best) return best;
  const places = entry ? record.digests.length - entry.fields.length - Number(record.bound) : Infinity;
  if (described.length >= places) return "content.document_differs";
  const number = disclosures.find(({ name }) => name === NUMBER_FIELD);
  if (!number?.salt) return "content.nothing_compared";
  if (isWithheldDocument(record.digests, number.salt, digests)) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}
function compareSm3(recorded, digests) {
  if (recorded.sm3 === undefined || recorded.sm3 === digests.sm3) return "ok";
  return digests.sm3 === undefined ? "content.sm3_unavailable" : "content.document_differs";
}
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

// crypto/ecdsa.mjs
const SECP256K1 = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  a: 0n,
  b: 7n,
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};
const P256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};
function doublePoint(c, [x, y, z]) {
  if (!y || !z) return [1n, 1n, 0n];
  const yy = (y * y) % c.p;
  const s = (4n * x * yy) % c.p;
  const zz = (z * z) % c.p;
  const m = (3n * x * x + c.a * zz * zz) % c.p;
  const nx = mod(m * m - 2n * s, c.p);
  return [nx, mod(m * (s - nx) - 8n * yy * yy, c.p), (2n * y * z) % c.p];
}
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
const isOnCurve = (c, x, y) => x < c.p && y < c.p && mod(y * y - (x * x + c.a) * x - c.b, c.p) === 0n;
function decompressPoint(c, bytes) {
  const x = bytesToBigInt(bytes.subarray(1));
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3) || x >= c.p) return null;
  const root = modPower(mod((x * x + c.a) * x + c.b, c.p), (c.p + 1n) / 4n, c.p);
  if (!isOnCurve(c, x, root)) return null;
  return [x, (root & 1n) === BigInt(bytes[0] & 1) ? root : c.p - root];
}
function verifyEcdsa(c, key, digest, signature) {
  const r = bytesToBigInt(signature.subarray(0, 32));
  const s = bytesToBigInt(signature.subarray(32));
  if (!isOnCurve(c, ...key) || !r || r >= c.n || !s || s >= c.n) return false;
  const inverse = modInverse(s, c.n);
  const u = (bytesToBigInt(digest) * inverse) % c.n;
  const v = (r * inverse) % c.n;
  const base = [c.x, c.y, 1n];
  const other = [...key, 1n];
  const both = addPoints(c, base, other);
  let sum = [1n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit -= 1n) {
    sum = doublePoint(c, sum);
    const pick = Number((u >> bit) & 1n) + 2 * Number((v >> bit) & 1n);
    if (pick) sum = addPoints(c, sum, [base, other, both][pick - 1]);
  }
  if (!sum[2]) return false;
  const inverseZ = modInverse(sum[2], c.p);
  return mod(sum[0] * inverseZ * inverseZ, c.p) % c.n === r;
}

// verify/holder_check.mjs
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
  return isUsed?.(presentation.signature.subarray(0, 32)) ? "holder.replayed" : "ok";
}
function verifyHolderSignature(text, message, signature) {
  const [, kind, encoded] = /^(p256|ed25519):(.*)$/s.exec(text) ?? [];
  const key = encoded === undefined ? null : tryDecodeBase64Url(encoded);
  if (!key) return false;
  if (kind === "ed25519") return key.length === 32 && verifyEd25519(key, message, signature);
  const point = decompressPoint(P256, key);
  return point !== null && verifyEcdsa(P256, point, sha256(message), signature);
}

// verify/proofs.mjs
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
function checkSignature({ anchor, signer, signature, statement }, ledger, policy, state) {
  const key = state.keys[anchor.key];
  if (!key || !equal(keccak256(signer).subarray(12), key.address)) return "signature.signer_differs";
  const code = checkKey(key, anchor.block);
  if (code !== "ok") return code;
  const isLow = bytesToBigInt(signature.subarray(32)) <= SECP256K1.n / 2n;
  const point = [
    bytesToBigInt(signer.subarray(0, 32)),
    bytesToBigInt(signer.subarray(32)),
  ];
  if (!isLow || !verifyEcdsa(SECP256K1, point, batchDigest(statement, ledger.identity), signature)) {
    return "signature.damaged";
  }
  return checkCountersigned(policy, statement);
}
function proveEntry({ entry, place, count, path }, catalog) {
  const root = valueOrNull(() => impliedRoot(entry.leaf, place, count, path));
  return root && equal(catalogRoot(count, root), catalog) ? entry : null;
}
function checkProvedStatus({ state, wordProof, disclosed: { record } }) {
  const root = valueOrNull(() => impliedStatusRoot(wordProof, statusWordPosition(record.index)));
  if (!root || !equal(root, state.status)) return "status.unproved";
  return checkStatus(record.index, wordProof.word, state.standing);
}

// verify/verdict.mjs
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
const GENUINE_CHECKS = 6;
function decideVerdict(codes, timely) {
  const outcome = Object.fromEntries(CHECKS.map((check) => [check, outcomeOf(codes[check])]));
  const genuine = CHECKS.slice(0, GENUINE_CHECKS);
  if (outcome.content === "fail" || outcome.inclusion === "fail") return "not_genuine";
  if (outcome.block === "pass" && genuine.some((check) => outcome[check] === "fail")) return "not_genuine";
  if (genuine.some((check) => outcome[check] !== "pass")) return "cannot_tell";
  if (["status.revoked", "status.superseded", "status.body_struck"].includes(codes.status))
    return "not_in_force";
  if (outcome.dates === "fail" && timely) return "not_in_force";
  if (outcome.status === "fail" && outcome.freshness === "pass") return "not_in_force";
  return CHECKS.every((check) => outcome[check] === "pass") ? "valid" : "cannot_tell";
}

// verify/result.mjs
function checkResult(code, at, rule = "") {
  const detail = (CODES.get(code)?.en ?? "") + (rule && `: ${rule}`);
  return { code, detail, name: CHECKS[at], number: at + 1, outcome: outcomeOf(code) };
}
function unusableResult(rule) {
  return {
    certificate: {},
    checks: CHECKS.map((_, at) => checkResult("evidence.unusable", at, rule)),
    verdict: "cannot_tell",
    warnings: [],
  };
}
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
const MAX_STATEMENT_LIFE_SECONDS = 7 * SECONDS_PER_DAY;
function findWarnings({ record }, { entry, statement }, isRetired) {
  const earliestDay = chinaDay(Math.max(statement.notAfter - MAX_STATEMENT_LIFE_SECONDS, 0));
  const isLate = earliestDay - record.issued > entry.lagDays;
  return [...(isLate ? ["anchoring.late"] : []), ...(isRetired ? ["ledger.retired"] : [])];
}
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

// verify/full.mjs
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
function checkEntitlement({ disclosed: { record } }, entry, ownEntry) {
  if (!entry) return "entitlement.entry_unproved";
  return ownEntry ? checkEntryObeyed(record, ownEntry) : "entitlement.entry_differs";
}
function findNewerState(proven, { disclosed: { record } }, block) {
  if (!proven || block.code !== "ok" || !block.checkpoint || proven.trust.code !== "ok") return null;
  const head = proven.snapshot.note.checkpoint;
  if (!equal(head.identity, block.checkpoint.identity) || head.number <= block.checkpoint.number) return null;
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer || record.index >= issuer.state.certificates) return { trust: block };
  const word = issuer.statuses.word(statusWordPosition(record.index));
  return { trust: proven.trust, state: issuer.state, word };
}
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

// formats/snapshot_statuses.mjs
const MAX_LEB128_BYTES = 5;
class ListedStatuses {
  constructor(lists) {
    this.lists = lists;
  }
  word(position) {
    const word = new Uint8Array(32);
    const places = this.lists.map((list) => firstFrom(list, position * CERTIFICATES_PER_WORD));
    this.fill(word, position, places);
    return word;
  }
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
function firstFrom(list, limit) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
function decodeStatuses(reader, certificates) {
  reader.list(STATUSES.length - 1, STATUSES.length - 1);
  const lists = STATUSES.slice(1).map(() =>
    decodeGaps(reader.binary(0, certificates * MAX_LEB128_BYTES), certificates),
  );
  lists.forEach((list, at) => lists.slice(at + 1).forEach((other) => requireApart(list, other)));
  return new ListedStatuses(lists);
}
function requireApart(left, right) {
  for (let at = 0, other = 0; at < left.length && other < right.length;) {
    if (left[at] === right[other]) fail("snapshot.invalid", `certificate ${left[at]} has two statuses`);
    if (left[at] < right[other]) at += 1;
    else other += 1;
  }
}
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
const encodeStatuses = ({ lists }) => lists.map(encodeGaps);
function encodeGaps(indexes) {
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

// formats/snapshot.mjs
const SNAPSHOT_TYPE = "certledger/snapshot/1";
const MAX_TYPE_BYTES = 64;
const MAX_LIST_ITEMS = MAX_UINT32;
const MAX_ENTRY_BYTES = 65536;
function requireShape(condition, problem) {
  if (!condition) fail("snapshot.invalid", problem);
}
function openSnapshotItem(unpacked, type, size) {
  const reader = new CborReader(unpacked, "snapshot.invalid", "snapshot.invalid");
  const found = reader.list(1, MAX_LIST_ITEMS);
  if (reader.text(MAX_TYPE_BYTES) !== type) fail("snapshot.version", `not ${type}`);
  reader.expect(found === size, `a list of ${size}`);
  return reader;
}
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
const catalogsByRoot = (catalogs) => new Map(catalogs.map((catalog) => [hex(catalog.root), catalog]));
function decodeCatalogs(reader) {
  let last = new Uint8Array(0);
  return reader.items(MAX_LIST_ITEMS, () => {
    const catalog = decodeCatalog(reader);
    reader.expect(compareBytes(last, catalog.root) < 0, "a catalog of a root greater than the one before");
    last = catalog.root;
    return catalog;
  });
}
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
  let root = null;
  const state = {
    ...{ issuer, kind, name, nameDigest, standing, since, keys, catalogVersion, catalog, epoch, revision },
    ...counters,
    get status() {
      return (root ??= statusTreeRoot(statuses.words()));
    },
  };
  return { state, rows, statements, statuses };
}
function chainBatches(issuer, rows, identity) {
  const statements = [];
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
function decodeBatches(reader, catalogs, keys) {
  reader.list(7, 7);
  const joined = reader.binary(0, 32 * MAX_CERTIFICATES);
  reader.expect(joined.length % 32 === 0, "roots of 32 bytes each before it");
  const roots = chunks(joined, 32);
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
function encodeBatches(rows, places) {
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

// formats/snapshot_proof.mjs
class TrieNodes {
  constructor(nodes, storageRoot) {
    this.nodes = new Map(nodes.map((node) => [hex(keccak256(node)), node]));
    this.root = storageRoot;
    this.used = new Set();
  }
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
function computeRoll(issuers) {
  let roll = ZERO32;
  for (const [at, { state }] of issuers.entries()) {
    roll = concat(keccak256(concat(roll, utf8(state.issuer))).subarray(0, 28), uintToBytes(at + 1, 4));
  }
  return roll;
}
const failUnproved = (problem) => fail("snapshot.unproved", problem);
function requireProof(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof CertledgerError && error.code === "proof.invalid")
      return failUnproved(error.message);
    throw error;
  }
}
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
function catalogRootsOf(issuers) {
  const roots = issuers.flatMap(({ state, rows }) => [state.catalog, ...rows.map(({ catalog }) => catalog)]);
  return new Set([...new Set(roots)].filter((root) => !equal(root, ZERO32)).map(hex));
}

// formats/snapshot_delta.mjs
const DELTA_TYPE = "certledger/delta/1";
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
function nodesInUse(nodes, storageRoot, issuers) {
  const known = new TrieNodes(nodes, storageRoot);
  const positions = [ROLL_POSITION, ...issuers.map(({ state }) => issuerSlotPosition(state.issuer))];
  requireProof(() => positions.forEach((position) => known.slot(position)));
  return [...known.used].sort(compareBytes);
}
function mergeCatalogs(old, added) {
  requireShape(!added.some(({ root }) => old.catalogs.get(hex(root))?.entries), "a catalog is added twice");
  const replaced = new Set(added.map(({ root }) => hex(root)));
  const unchanged = [...old.catalogs.values()].filter(({ root }) => !replaced.has(hex(root)));
  return [...unchanged, ...added].sort((left, right) => compareBytes(left.root, right.root));
}

// formats/zlib.mjs
const MAX_SNAPSHOT_BYTES = 256 * 2 ** 20;
const MAX_FREE_BYTES = 65536;
const MAX_RATIO = 16;
async function inflate(file) {
  const parts = [];
  const limit = Math.min(MAX_SNAPSHOT_BYTES, MAX_FREE_BYTES + MAX_RATIO * file.length);
  let size = 0;
  try {
    const stream = new Blob([(file)])
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
  if (!equal(adler32(whole), file.subarray(-4))) fail("snapshot.invalid", "bytes follow the zlib stream");
  return whole;
}
function adler32(bytes) {
  let [low, high] = [1, 0];
  for (let at = 0; at < bytes.length;) {
    for (const stop = Math.min(at + 3800, bytes.length); at < stop; at += 1) {
      low += bytes[at];
      high += low;
    }
    [low, high] = [low % 65521, high % 65521];
  }
  return concat(uintToBytes(high, 2), uintToBytes(low, 2));
}

// verify/proven_snapshot.mjs
async function openSnapshot(file, policy) {
  return proveSnapshot(decodeSnapshot(await inflate(file)), policy);
}
async function updateSnapshot(proven, file) {
  return proveSnapshot(applyDelta(proven.snapshot, await inflate(file), proven.ledger), proven.policy);
}
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

// verify/compact.mjs
function findBatch(proven, record) {
  const issuer = proven.byIssuer.get(record.issuer);
  if (!issuer) return "anchor.body_absent";
  if (issuer.state.nameDigest) return "anchor.name_absent";
  if (record.index >= issuer.state.certificates) return "anchor.batch_pending";
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
function checkBySnapshot({ record, path }, found, trust, policy, now) {
  const trusted = trust.code === "ok" && trust.time !== null;
  const freshness = trusted
    ? checkFreshness(record.category, policy, trust.time ?? 0, now, trust.end)
    : "block.needed";
  const codes = { block: trust.code, freshness };
  if (typeof found === "string") {
    const [anchor, code] = trusted ? [found, "anchor.needed"] : ["block.needed", "block.needed"];
    return { ...codes, ...unmadeChecks(code), anchor, inclusion: "inclusion.path_unusable" };
  }
  const inclusion = checkInclusion(record, found.statement, path);
  return { ...codes, ...checkBatch(record, found, policy), inclusion, anchor: "ok" };
}
function checkSnapshotBlock({ policy, ledger, trust }, identity, now) {
  if (now > policy.ends) return { code: "policy.ended", time: null };
  if (!equal(identity, ledger.identity.subarray(0, 8))) return { code: "block.other_ledger", time: null };
  return trust;
}
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
