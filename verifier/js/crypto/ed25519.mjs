/** Verification of Ed25519 signatures (RFC 8032). @module */

import { bytesToBigInt, concat } from "../bytes.mjs";
import { sha512 } from "./hashing.mjs";
import { mod, modInverse, modPower } from "./modular.mjs";

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
export function verifyEd25519(key, message, signature) {
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
