/**
 * What a PDF carries for us: attached evidence, and links of annotations. It is not a reader of PDF: it looks
 * into each stream, within bounds, and never draws a page.
 * @module
 */

const MAX_STREAMS = 400;
const MAX_STREAM_BYTES = 2 ** 20;
const MAX_INFLATED_BYTES = 16 * 2 ** 20;
const LATIN = new TextDecoder("latin1");
const STREAM = /stream\r?\n/g;

/** Texts in a PDF that may be evidence, a code or a link. @param {Uint8Array} bytes @returns {Promise<string[]>} */
export async function scanPdf(bytes) {
  const plain = LATIN.decode(bytes);
  const found = textsIn(plain);
  let [left, streams] = [MAX_INFLATED_BYTES, 0];
  for (const begin of plain.matchAll(STREAM)) {
    if (found.length || left <= 0 || (streams += 1) > MAX_STREAMS) break;
    const from = begin.index + begin[0].length;
    const to = plain.indexOf("endstream", from);
    if (to < 0 || to - from > MAX_STREAM_BYTES) continue;
    const inflated = await inflate(bytes.subarray(from, to), Math.min(left, MAX_STREAM_BYTES));
    left -= inflated.length;
    found.push(...textsIn(new TextDecoder().decode(inflated)));
  }
  return found;
}

/** @param {string} text */
function textsIn(text) {
  const links = Array.from(text.matchAll(/\/URI\s*\(([^()\\]{1,2048})\)/g), ([, link]) => link);
  const begin = text.search(/^\s*\{[^]{0,200000}"certledger\/evidence\//);
  const codes = /^CL1:[0-9A-Z $%*+\-./:]+\s*$/.test(text) ? [text] : [];
  return [...links.filter((link) => link.includes("/v#")), ...(begin < 0 ? [] : [text.trim()]), ...codes];
}

/** Inflate a stream as far as it goes, at most so many bytes. @param {Uint8Array} data @param {number} most */
async function inflate(data, most) {
  const parts = [];
  let size = 0;
  try {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      if (size > most) {
        await reader.cancel();
        break;
      }
    }
  } catch {
    // Not deflated, or bytes follow: what came is used.
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
