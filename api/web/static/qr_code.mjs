/**
 * QR codes (ISO/IEC 18004) of alphanumeric text: level L, the smallest version that fits, mask by the penalty
 * rules.  Compact evidence has only characters of the alphanumeric mode.
 * @module
 */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/** Error correction of level L by version: codewords in each block, and number of blocks. */
const CORRECTION = [
  0, 7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30,
  30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
];
const BLOCKS = [
  0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19,
  19, 20, 21, 22, 24, 25,
];
const MAX_VERSION = 40;
const LEVEL_L = 1;

/** Modules of a version that carry data and correction. @param {number} version */
function dataModules(version) {
  const size = 17 + 4 * version;
  const finders = 3 * 64;
  const timing = 2 * (size - 16);
  const format = 31;
  const count = version > 1 ? Math.floor(version / 7) + 2 : 0;
  // Alignment patterns of 25 modules; those on the timing lines share five of them.
  const alignment = count ? (count * count - 3) * 25 - (count - 2) * 2 * 5 : 0;
  return size * size - finders - timing - format - alignment - (version >= 7 ? 36 : 0);
}

/** Bytes of data that a version holds. @param {number} version */
const capacity = (version) => Math.floor(dataModules(version) / 8) - CORRECTION[version] * BLOCKS[version];

/** @param {number} version */
const countBits = (version) => (version < 10 ? 9 : version < 27 ? 11 : 13);

/** The modules of the code of a text, row by row; true is dark. @param {string} text @returns {boolean[][]} */
export function qrCode(text) {
  const length = 11 * Math.floor(text.length / 2) + 6 * (text.length % 2);
  let version = 1;
  while (version <= MAX_VERSION && 4 + countBits(version) + length > 8 * capacity(version)) version += 1;
  if (version > MAX_VERSION) throw new RangeError("too long for a code");
  const code = new Code(version);
  code.drawPatterns();
  code.drawData(interleave(encode(text, version), version));
  return code.masked();
}

/** Data codewords of a text. @param {string} text @param {number} version */
function encode(text, version) {
  const bits = [];
  const push = (value, width) => {
    for (let at = width - 1; at >= 0; at -= 1) bits.push((value >> at) & 1);
  };
  push(2, 4);
  push(text.length, countBits(version));
  for (let at = 0; at < text.length; at += 2) {
    const values = Array.from(text.slice(at, at + 2), (letter) => ALPHABET.indexOf(letter));
    if (values.includes(-1)) throw new RangeError("not alphanumeric");
    if (values.length > 1) push(45 * values[0] + values[1], 11);
    else push(values[0], 6);
  }
  const total = 8 * capacity(version);
  push(0, Math.min(4, total - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < total; pad ^= 0xec ^ 0x11) push(pad, 8);
  return Uint8Array.from({ length: total / 8 }, (_, at) =>
    bits.slice(8 * at, 8 * at + 8).reduce((sum, bit) => 2 * sum + bit, 0),
  );
}

/** Product in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1. @param {number} left @param {number} right */
function multiply(left, right) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((right >> bit) & 1) * left;
  }
  return product;
}

/** Remainder of Reed and Solomon. @param {Uint8Array} data @param {number} degree */
function remainder(data, degree) {
  // The generator (x - 1)(x - 2)(x - 4)..., without its leading 1.
  const generator = new Uint8Array(degree);
  generator[degree - 1] = 1;
  for (let at = 0, root = 1; at < degree; at += 1, root = multiply(root, 2)) {
    for (let place = 0; place < degree; place += 1) {
      generator[place] = multiply(generator[place], root) ^ (generator[place + 1] ?? 0);
    }
  }
  const rest = new Uint8Array(degree);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest.copyWithin(0, 1);
    rest[degree - 1] = 0;
    for (let at = 0; at < degree; at += 1) rest[at] ^= multiply(generator[at], factor);
  }
  return rest;
}

/** Codewords of all blocks, taken in turns. @param {Uint8Array} data @param {number} version */
function interleave(data, version) {
  const [blocks, degree] = [BLOCKS[version], CORRECTION[version]];
  const short = Math.floor(data.length / blocks);
  const longer = data.length % blocks;
  const parts = [];
  for (let block = 0, at = 0; block < blocks; block += 1) {
    const size = short + (block >= blocks - longer ? 1 : 0);
    const part = data.subarray(at, at + size);
    parts.push({ part, check: remainder(part, degree) });
    at += size;
  }
  const whole = [];
  for (let at = 0; at <= short; at += 1) {
    for (const { part } of parts) if (at < part.length) whole.push(part[at]);
  }
  for (let at = 0; at < degree; at += 1) for (const { check } of parts) whole.push(check[at]);
  return whole;
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** A code that is being drawn: modules, and which of them are patterns. */
class Code {
  /** @param {number} version */
  constructor(version) {
    this.version = version;
    this.size = 17 + 4 * version;
    this.dark = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    this.fixed = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
  }

  set(x, y, isDark) {
    this.dark[y][x] = isDark;
    this.fixed[y][x] = true;
  }

  drawPatterns() {
    const { size, version } = this;
    for (let at = 0; at < size; at += 1) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) this.drawFinder(x, y);
    const places = this.alignmentPlaces();
    // Three corners have finders instead.
    const isFinder = (x, y) => (x === 6 && y === 6) || (x === 6 && y === size - 7) || (x === size - 7 && y === 6);
    for (const x of places) for (const y of places) if (!isFinder(x, y)) this.drawAlignment(x, y);
    this.drawFormat(0);
    if (version >= 7) this.drawVersion();
  }

  drawFinder(centreX, centreY) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const [x, y] = [centreX + dx, centreY + dy];
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        if (x >= 0 && y >= 0 && x < this.size && y < this.size) this.set(x, y, ring !== 2 && ring !== 4);
      }
    }
  }

  alignmentPlaces() {
    if (this.version === 1) return [];
    const count = Math.floor(this.version / 7) + 2;
    const last = this.size - 7;
    const step = this.version === 32 ? 26 : Math.ceil((last - 6) / (count - 1) / 2) * 2;
    return [6, ...Array.from({ length: count - 1 }, (_, at) => last - step * (count - 2 - at))];
  }

  drawAlignment(centreX, centreY) {
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) this.set(centreX + dx, centreY + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }

  /** Format bits twice, BCH (15, 5). @param {number} mask */
  drawFormat(mask) {
    const data = (LEVEL_L << 3) | mask;
    let rest = data;
    for (let at = 0; at < 10; at += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
    const bits = ((data << 10) | rest) ^ 0x5412;
    const bit = (at) => ((bits >> at) & 1) === 1;
    const { size } = this;
    for (let at = 0; at <= 5; at += 1) this.set(8, at, bit(at));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let at = 9; at < 15; at += 1) this.set(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at += 1) this.set(size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at += 1) this.set(8, size - 15 + at, bit(at));
    this.set(8, size - 8, true);
  }

  /** Version bits twice, BCH (18, 6). */
  drawVersion() {
    let rest = this.version;
    for (let at = 0; at < 12; at += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
    const bits = (this.version << 12) | rest;
    for (let at = 0; at < 18; at += 1) {
      const [near, far] = [Math.floor(at / 3), this.size - 11 + (at % 3)];
      const isDark = ((bits >> at) & 1) === 1;
      this.set(far, near, isDark);
      this.set(near, far, isDark);
    }
  }

  /** Codewords in the zigzag of column pairs, from the lower right. @param {number[]} codewords */
  drawData(codewords) {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step += 1) {
        for (const x of [right, right - 1]) {
          const y = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
          if (this.fixed[y][x] || at >= 8 * codewords.length) continue;
          this.dark[y][x] = ((codewords[at >> 3] >> (7 - (at & 7))) & 1) === 1;
          at += 1;
        }
      }
    }
  }

  /** The modules under the mask with the least penalty. */
  masked() {
    let best = null;
    for (let mask = 0; mask < MASKS.length; mask += 1) {
      this.drawFormat(mask);
      const modules = this.dark.map((row, y) => row.map((isDark, x) => (this.fixed[y][x] ? isDark : isDark !== MASKS[mask](x, y))));
      const found = { modules, points: penalty(modules) };
      if (!best || found.points < best.points) best = found;
    }
    return best.modules;
  }
}

/** Penalty points: runs of one colour, squares of one colour, and an uneven share of dark. @param {boolean[][]} modules */
function penalty(modules) {
  const size = modules.length;
  let [points, dark] = [0, 0];
  for (let line = 0; line < size; line += 1) {
    for (const at of [(place) => modules[line][place], (place) => modules[place][line]]) {
      for (let place = 1, run = 1; place <= size; place += 1) {
        if (place < size && at(place) === at(place - 1)) run += 1;
        else {
          if (run >= 5) points += run - 2;
          run = 1;
        }
      }
    }
  }
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if (modules[y][x]) dark += 1;
      if (x && y && [modules[y - 1][x], modules[y][x - 1], modules[y - 1][x - 1]].every((one) => one === modules[y][x]))
        points += 3;
    }
  }
  return points + 10 * Math.floor(Math.abs((20 * dark) / (size * size) - 10));
}
