/** Arithmetic modulo a prime, on BigInt. @module */

/**
 * Residue from 0 to `modulus` - 1, also of a negative value.
 * @param {bigint} value @param {bigint} modulus
 */
export const mod = (value, modulus) => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

/**
 * `base` to the power `exponent`, by squaring.
 * @param {bigint} base @param {bigint} exponent @param {bigint} modulus
 */
export function modPower(base, exponent, modulus) {
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
export function modInverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return mod(x, modulus);
}
