/** ECDSA signatures on secp256k1 and P-256 (SEC 1, SEC 2, FIPS 186). @module */

import { toBigInt } from "../bytes.mjs";
import { invert, mod, power } from "./modular.mjs";

/** @typedef {{p: bigint, a: bigint, b: bigint, n: bigint, x: bigint, y: bigint}} Curve */

/** @type {Curve} */
export const SECP256K1 = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  a: 0n,
  b: 7n,
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** @type {Curve} */
export const P256 = {
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
export function decompress(c, bytes) {
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
export function checkEcdsa(c, key, digest, signature) {
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
