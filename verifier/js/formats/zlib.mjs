/** Decompression of snapshot files (zlib, RFC 1950) with a bound (SPEC 17, 19). @module */

import { concat, concatAll, equal, uintToBytes } from "../bytes.mjs";
import { fail } from "../errors.mjs";

/** Bytes of any decompressed snapshot. */
const MAX_SNAPSHOT_BYTES = 256 * 2 ** 20;
/** Decompressed bytes that any file may have, and those that it may have for each byte of its own besides. */
const MAX_FREE_BYTES = 65536;
const MAX_RATIO = 16;

/**
 * Decompress a file that is one zlib stream and nothing else.
 * @param {Uint8Array} file @returns {Promise<Uint8Array>} @throws {CertledgerError} `snapshot.invalid`
 */
export async function inflate(file) {
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
