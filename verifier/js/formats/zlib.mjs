/** Files packed by zlib (RFC 1950), unpacked with a bound. @module */

import { concat, equal, join, uint } from "../bytes.mjs";
import { refuse } from "../errors.mjs";

const LONGEST_SNAPSHOT = 256 * 2 ** 20;
const MAX_FREE_BYTES = 65536;
/** Bytes unpacked for each byte of a file, beside those that any file may have. */
const MAX_RATIO = 16;

/** What zlib packed, checked to be all of the file. @param {Uint8Array} file @returns {Promise<Uint8Array>} */
export async function inflate(file) {
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
