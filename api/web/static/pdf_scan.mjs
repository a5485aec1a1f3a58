/**
 * What a PDF carries for us: attached evidence, links of annotations, and pictures, as of a scanned paper. It is not a
 * reader of PDF: it looks into each stream, within bounds, and never draws a page.
 * @module
 */

const MAX_STREAMS = 400;
const MAX_STREAM_BYTES = 2 ** 20;
const MAX_INFLATED_BYTES = 16 * 2 ** 20;
const MAX_PICTURES = 8;
const MAX_PICTURE_BYTES = 32 * 2 ** 20;
const MAX_PIXELS = 36_000_000;
/** Characters before a stream in which its dictionary is looked for. */
const MAX_DICTIONARY = 1_024;
const LATIN = new TextDecoder("latin1");
const FONT = /\/Font\b/;
const UNSEEN = /\b3\s+Tr\b/;
const STREAM = /(?<!end)stream\r?\n/g;

/** Each stream with its dictionary. @param {Uint8Array} bytes @param {string} plain the same as text */
function* streamsOf(bytes, plain) {
  for (const begin of plain.matchAll(STREAM)) {
    const dictionary = plain.slice(Math.max(begin.index - MAX_DICTIONARY, 0), begin.index).split(/\bobj\b/).at(-1);
    const from = begin.index + begin[0].length;
    const to = plain.indexOf("endstream", from);
    if (to < 0) return;
    const length = Number(/\/Length\s+(\d{1,9})\b(?!\s+\d+\s+R)/.exec(dictionary)?.[1] ?? to - from);
    // A stream that is inflated must end where it does: what has come is lost to a byte that follows.
    yield { dictionary, data: bytes.subarray(from, Math.min(from + length, to)) };
  }
}

/**
 * Texts in a PDF that may be evidence, a code or a link, and whether it prints letters: a scan has pictures
 * alone, or letters under them that a scanner has recognised and nobody sees (ISO 32000-1, 9.3.6: mode 3).
 * @param {Uint8Array} bytes @returns {Promise<{ texts: string[], isPrinted: boolean }>}
 */
export async function scanPdf(bytes) {
  const plain = LATIN.decode(bytes);
  const found = textsIn(plain);
  const all = [plain];
  let [left, streams] = [MAX_INFLATED_BYTES, 0];
  for (const { data } of streamsOf(bytes, plain)) {
    if (found.length || left <= 0 || (streams += 1) > MAX_STREAMS) break;
    if (data.length > MAX_STREAM_BYTES) continue;
    const inflated = await inflate(data, Math.min(left, MAX_STREAM_BYTES));
    left -= inflated.length;
    all.push(new TextDecoder().decode(inflated));
    found.push(...textsIn(all.at(-1)));
  }
  const has = (sign) => all.some((text) => sign.test(text));
  return { texts: found, isPrinted: has(FONT) && !has(UNSEEN) };
}

/**
 * Pictures in a PDF that a scanner or a printer driver made: JPEG, and grey or coloured pixels.
 * @param {Uint8Array} bytes @returns {Promise<(Blob | ImageData)[]>}
 */
export async function picturesOf(bytes) {
  const found = [];
  let left = MAX_PICTURE_BYTES;
  for (const { dictionary, data } of streamsOf(bytes, LATIN.decode(bytes))) {
    if (found.length >= MAX_PICTURES || left <= 0) break;
    if (!/\/Subtype\s*\/Image/.test(dictionary)) continue;
    if (data[0] === 0xff && data[1] === 0xd8) {
      found.push(new Blob([data], { type: "image/jpeg" }));
    } else if (/\/FlateDecode/.test(dictionary) && !/\/Predictor/.test(dictionary)) {
      const pixels = await inflate(data, left);
      left -= pixels.length;
      found.push(...bitmapOf(dictionary, pixels));
    }
  }
  return found;
}

/** A picture of whole bytes a colour, or of bits. @param {string} dictionary @param {Uint8Array} pixels @returns {ImageData[]} */
function bitmapOf(dictionary, pixels) {
  const number = (name) => Number(new RegExp(`/${name}\\s+(\\d{1,5})\\b(?!\\s+\\d+\\s+R)`).exec(dictionary)?.[1] ?? 0);
  const [width, height, bits] = ["Width", "Height", "BitsPerComponent"].map(number);
  const row = bits === 1 ? Math.ceil(width / 8) : width;
  const colours = Math.floor(pixels.length / (row * height));
  if (!width || !height || width * height > MAX_PIXELS || !(bits === 1 ? colours === 1 : bits === 8 && (colours === 1 || colours === 3))) return [];
  const picture = new ImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const place = bits === 1 ? y * row + (x >> 3) : at * colours;
    for (let colour = 0; colour < 3; colour += 1) {
      const byte = pixels[place + (colours === 3 ? colour : 0)];
      picture.data[4 * at + colour] = bits === 1 ? ((byte >> (7 - (x & 7))) & 1) * 255 : byte;
    }
    picture.data[4 * at + 3] = 255;
  }
  return [picture];
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
