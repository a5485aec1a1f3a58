/**
 * What a text or a file is: a code, a link, evidence, a picture, a document, or something else.
 * Nothing is sent anywhere here.
 * @module
 */

import { normalAccessCode, normalNumber, parseShortLink, sha256, sm3 } from "./certledger-verifier.mjs";
import { picturesOf, scanPdf } from "./pdf_scan.mjs";

export const MAX_FILE_BYTES = 50 * 2 ** 20;
/** Above this SM3, which no browser has natively, would take too long. */
const MAX_SM3_BYTES = 8 * 2 ** 20;
const MAX_TEXT_CHARACTERS = 200_000;

/**
 * @typedef {object} Input
 * @property {"compact" | "link" | "evidence" | "picture" | "document" | "foreign" | "unreadable"} kind
 * @property {string} [text] of a code or of evidence @property {string | null} [number] @property {string} [code]
 * @property {(Blob | ImageData)[]} [pictures] @property {object[]} [documents] digests
 * @property {boolean} [isScan] whether a document has pictures and no letters
 * @property {string} [name] of what is foreign
 */

/** Texts of other systems, by what they begin with. */
const FOREIGN = [
  [/^HC1:/i, "dcc"],
  [/^shc:\//i, "smart_health_card"],
  [/^(wxp|weixin|alipays?|bitcoin|upi):\/\/|^bitcoin:/i, "payment"],
  [/^https?:\/\/(qr\.alipay\.com|payapp\.weixin\.qq\.com|wx\.tenpay\.com|qr\.95516\.com)/i, "payment"],
  // A merchant's code of EMVCo, and what a customer's telephone shows to the till.
  [/^0002010102/, "payment"],
  [/^(1[0-5][0-9]{16}|(2[5-9]|30)[0-9]{14,22})$/, "payment"],
  [/^(BEGIN:VCARD|MECARD:|BIZCARD:)|^https?:\/\/(u\.wechat\.com|weixin\.qq\.com\/r)\//i, "contact"],
  [/^WIFI:/i, "wifi"],
  [/^(tel|mailto|sms|smsto|geo|otpauth):/i, "telephone"],
  [/^(openid-credential-offer|openid4vp|haip|openid):\/\//i, "verifiable_credential"],
  [/^https?:\/\/[^ ]*blockcert|^https?:\/\/[^ ]*\/certificates\/[0-9a-f-]{36}/i, "blockcerts"],
  [/^https?:\/\/[^ ]*(openattestation|opencerts|tradetrust)/i, "open_attestation"],
  [/^eyJ[\w-]+\.[\w-]+\./, "json_web_token"],
  [/^https?:\/\//i, "link"],
];
/** An identity number of China, which some payment codes would be by their digits: a birthday stands in it. */
const IDENTITY_NUMBER = /^[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]$/i;
/** A link of ours or a code in a message around it. */
const INSIDE = /https?:\/\/[^\s/]+\/v#[\x21-\x7e]*[0-9A-Z]|CL[0-9]+:[0-9A-Z $%*+\-./:]+/i;
const FOREIGN_JSON = [
  ['"certledger/holding/', "holder_file"],
  ['"certledger/policy/', "policy"],
  ['"certledger/verification-receipt/', "receipt"],
  ["blockcerts", "blockcerts"],
  ["openattestation", "open_attestation"],
  ["w3.org/2018/credentials", "verifiable_credential"],
  ["w3.org/ns/credentials", "verifiable_credential"],
];

/**
 * Layouts of keyboards on which a scanner that is set to the American one types other characters: how a code or link
 * then begins, and what each character was meant to be. A Chinese input method has other punctuation; German keys
 * wait with a grave accent for the next letter.
 */
const LAYOUTS = [
  { begins: /^CL[0-9]+:.*[。、¥]|^https?:(、|\/\/[^/#]*。)/i, from: "。、¥", to: "./$" },
  { begins: /^(CL1|https?)Ö/i, from: "Öö-ß(`YZyz§°?", to: "::/-*+ZYzy#~_", waits: /([A-Z])\u0300/gi },
  { begins: /^(CL&M|https?M!!)/i, from: "Mà&é\"'(-è_ç345 8)!:°QAWZqawz?,m", to: ":0123456789#$% *-/._AQZWaqzwMm;" },
  { begins: /^https?:\/\/[^ #]*\/v£/i, from: "£¬", to: "#~" },
];

/** Undo a wrong keyboard layout. @param {string} text */
function undoLayout(text) {
  const layout = LAYOUTS.find(({ begins }) => begins.test(text));
  if (!layout) return text;
  const letters = layout.waits ? text.normalize("NFD").replace(layout.waits, "`$1").normalize("NFC") : text;
  return Array.from(letters, (letter) => {
    const at = layout.from.indexOf(letter);
    return at < 0 ? letter : layout.to[at];
  }).join("");
}

/** What scanners, mail and input methods add. @param {string} text */
function clean(text) {
  const visible = text.replace(/[\p{Cc}\p{Cf}]/gu, "").trim();
  const isWide = /^[\uff01-\uff5e]|^(CL[0-9]+|https?)：/i.test(visible);
  return undoLayout((isWide ? visible.normalize("NFKC") : visible).replace(/^\][A-Za-z][0-9A-Za-z]/, ""));
}

/** What a text is. @param {string} raw @returns {Input} */
export function recogniseText(raw) {
  if (raw.length > MAX_TEXT_CHARACTERS) return { kind: "unreadable" };
  const text = clean(raw);
  if (/^CL[0-9]+:/i.test(text)) return { kind: "compact", text: text.toUpperCase() };
  if (/^\{/.test(text)) return recogniseJson(text);
  const named = namedCertificate(text);
  if (named) return named;
  const inside = INSIDE.exec(text);
  if (inside?.index) return recogniseText(inside[0]);
  if (IDENTITY_NUMBER.test(text)) return { kind: "foreign", name: "identity_number" };
  const foreign = FOREIGN.find(([begins]) => begins.test(text));
  return foreign ? { kind: "foreign", name: foreign[1] } : { kind: "unreadable" };
}

/** A link, or number and access code in one line. @param {string} text @returns {Input | null} */
function namedCertificate(text) {
  try {
    return { kind: "link", ...parseShortLink(text) };
  } catch {
    // Not a link of ours.
  }
  const parts = /^(.+?)[\s,;]+((?:[0-9A-Z]{4}[-\s]?){3}[0-9A-Z]{4})$/iu.exec(text.normalize("NFKC"));
  if (!parts) return null;
  try {
    return { kind: "link", number: normalNumber(parts[1]), code: normalAccessCode(parts[2]) };
  } catch {
    return null;
  }
}

/** @param {string} text @returns {Input} */
function recogniseJson(text) {
  // Canonical evidence begins so, also where the rest was cut off on its way.
  if (text.startsWith('{"anchor":{"block":') || text.includes('"certledger/evidence/')) return { kind: "evidence", text };
  const lower = text.toLowerCase();
  return { kind: "foreign", name: FOREIGN_JSON.find(([sign]) => lower.includes(sign))?.[1] ?? "json" };
}

const PICTURES = [[0x89, 0x50, 0x4e, 0x47], [0xff, 0xd8, 0xff], [0x47, 0x49, 0x46, 0x38], [0x42, 0x4d]];

/** What a file is; a document is hashed. @param {File} file @returns {Promise<Input>} */
export async function recogniseFile(file) {
  if (file.size > MAX_FILE_BYTES) return { kind: "foreign", name: "too_large" };
  if (!file.size) return { kind: "foreign", name: "empty" };
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return { kind: "unreadable" }; // It is gone, or may not be read.
  }
  const begins = (list) => list.every((byte, at) => bytes[at] === byte);
  const isWebp = begins([0x52, 0x49, 0x46, 0x46]) && bytes[8] === 0x57;
  if (isWebp || PICTURES.some(begins)) return { kind: "picture", pictures: [file] };
  if (begins([0x25, 0x50, 0x44, 0x46])) return recognisePdf(bytes);
  if (begins([0x50, 0x4b, 3, 4])) {
    const encrypted = bytes.length > 6 && bytes[6] & 1; // The first of a ZIP archive's flags.
    return { kind: "foreign", name: encrypted ? "encrypted_zip" : "archive" };
  }
  if (bytes.length > MAX_TEXT_CHARACTERS) return { kind: "document", documents: [await fingerprint(bytes)] };
  const found = recogniseText(decodeText(bytes));
  return found.kind === "unreadable" ? { kind: "document", documents: [await fingerprint(bytes)] } : found;
}

/** @param {Uint8Array} bytes */
function decodeText(bytes) {
  const wide = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }[bytes[0] * 256 + bytes[1]];
  return new TextDecoder(wide ?? "utf-8").decode(bytes);
}

/** What a PDF contains: evidence or a link; it is itself the document. @param {Uint8Array} bytes @returns {Promise<Input>} */
async function recognisePdf(bytes) {
  const documents = [await fingerprint(bytes)];
  const { texts, isPrinted } = await scanPdf(bytes);
  const found = texts.map(recogniseText).find(({ kind }) => ["evidence", "compact", "link"].includes(kind));
  if (found) return { ...found, documents };
  const pictures = await picturesOf(bytes);
  return { kind: "document", documents, pictures, isScan: pictures.length > 0 && !isPrinted };
}

/** The digests of a document, as a question has them. @param {Uint8Array} bytes */
async function fingerprint(bytes) {
  const hex = (digest) => Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const digest = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    : sha256(bytes);
  const small = bytes.length <= MAX_SM3_BYTES;
  return { sha256: hex(digest), size: bytes.length, ...(small ? { sm3: hex(sm3(bytes)) } : {}) };
}
