/** Ed25519 signatures (RFC 8032). @module */

import { concat, toBigInt } from "../bytes.mjs";
import { sha512 } from "./hashing.mjs";
import { invert, mod, power } from "./modular.mjs";

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
export function checkEd25519(key, message, signature) {
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
