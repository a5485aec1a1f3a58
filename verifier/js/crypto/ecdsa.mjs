/**
 * Verification of ECDSA signatures on secp256k1 and P-256 (SEC 1 section 4.1.4, SEC 2, FIPS 186-5).
 * @module
 */

import { bytesToBigInt } from "../bytes.mjs";
import { mod, modInverse, modPower } from "./modular.mjs";

/**
 * A curve y² = x³ + ax + b over the integers modulo p, with a base point (x, y) of prime order n.
 * @typedef {{p: bigint, a: bigint, b: bigint, n: bigint, x: bigint, y: bigint}} Curve
 */

/** secp256k1 (SEC 2 section 2.4.1), for issuers' keys. @type {Curve} */
export const SECP256K1 = {
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
  a: 0n,
  b: 7n,
  n: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/** P-256 (SEC 2 section 2.4.2), for holders' keys. @type {Curve} */
export const P256 = {
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
export function decompressPoint(c, bytes) {
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
export function verifyEcdsa(c, key, digest, signature) {
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
