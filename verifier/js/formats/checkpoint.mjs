/**
 * Checkpoints and their cosignatures (SPEC 14, C2SP signed-note and tlog-cosignature).
 *
 * What is wrong with a note is `checkpoint.unusable`.
 * @module
 */

import { bytesToBigInt, concat, hex, hexToBytes, utf8 } from "../bytes.mjs";
import { verifyEd25519 } from "../crypto/ed25519.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { fail } from "../errors.mjs";
import { MAX_BLOCK } from "../limits.mjs";
import { tryDecodeBase64 } from "./encoding.mjs";
import { MAX_TIME } from "./time.mjs";

export const MAX_NOTE_BYTES = 4096;
/** Lines of one note, known or not: each known one costs the verification of a signature. */
export const MAX_SIGNATURE_LINES = 16;
export const WITNESS_NAME_PATTERN = /^[!-*,-~]{1,128}$/;

/**
 * @typedef {object} Checkpoint
 * @property {string} text the five lines, which witnesses sign
 * @property {Uint8Array} identity of the ledger
 * @property {number} number of the block
 * @property {Uint8Array} stateRoot
 * @property {Uint8Array} blockHash
 * @property {number} time of the block, in seconds
 */

/** @typedef {{name: string, keyId: Uint8Array, time: number, signature: Uint8Array}} Cosignature */

/** @typedef {{checkpoint: Checkpoint, cosignatures: Cosignature[]}} Note */

/** @param {string} problem @returns {never} */
const failNote = (problem) => fail("checkpoint.unusable", problem);

/** @param {string | bigint} digits @param {number} max */
function parseNoteNumber(digits, max) {
  return BigInt(digits) <= BigInt(max) ? Number(digits) : failNote(`${digits} in a note is over ${max}`);
}

/** @param {string} text padded base64 */
const decodeNoteBytes = (text) =>
  tryDecodeBase64(text) ?? failNote("bytes of a note are not canonical base64");

/** Parse a note. @param {string} text @returns {Note} @throws {CertledgerError} `checkpoint.unusable` */
export function parseNote(text) {
  if (utf8(text).length > MAX_NOTE_BYTES) failNote(`a note is longer than ${MAX_NOTE_BYTES} bytes`);
  const found = new RegExp(
    "^(certledger/1/([0-9a-f]{64})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n" +
      "block ([0-9a-f]{64})\ntime (0|[1-9][0-9]{0,18})\n)\n",
  ).exec(text);
  if (!found) return failNote("a note does not start with the five lines of a checkpoint and an empty one");
  const checkpoint = {
    text: found[1],
    identity: hexToBytes(found[2]),
    number: parseNoteNumber(found[3], MAX_BLOCK),
    stateRoot: decodeNoteBytes(found[4]),
    blockHash: hexToBytes(found[5]),
    time: parseNoteNumber(found[6], MAX_TIME),
  };
  const rest = text.slice(found[0].length);
  if (rest && !rest.endsWith("\n")) failNote("a note ends within a line");
  const lines = rest.split("\n").slice(0, -1);
  if (lines.length > MAX_SIGNATURE_LINES)
    failNote(`a note has ${lines.length} signature lines, more than ${MAX_SIGNATURE_LINES}`);
  const cosignatures = lines.map(parseCosignature);
  const order = cosignatures.map(({ name, keyId }) => `${name} ${hex(keyId)}`);
  if (!order.every((line, at) => at === 0 || line > order[at - 1])) {
    failNote("the signature lines of a note do not strictly ascend by name and key id");
  }
  return { checkpoint, cosignatures };
}

/**
 * Parse a signature line: payload is `key id 4 ‖ u64(time) ‖ signature 64`.
 * @param {string} line @returns {Cosignature}
 */
function parseCosignature(line) {
  const found = /^\u2014 ([!-*,-~]{1,128}) ([A-Za-z0-9+/]{102}==)$/.exec(line);
  if (!found) return failNote("a signature line of a note is not of the form of a cosignature");
  const payload = decodeNoteBytes(found[2]);
  return {
    name: found[1],
    keyId: payload.subarray(0, 4),
    time: parseNoteNumber(bytesToBigInt(payload.subarray(4, 12)), MAX_TIME),
    signature: payload.subarray(12),
  };
}

/**
 * Key id of a witness's key under its name (C2SP tlog-cosignature v1).
 * @param {string} name @param {Uint8Array} key
 */
export const witnessKeyId = (name, key) =>
  sha256(concat(utf8(name), Uint8Array.of(0x0a, 0x04), key)).subarray(0, 4);

/**
 * Whether a line is a cosignature of a checkpoint by a key (C2SP tlog-cosignature v1).
 * @param {Checkpoint} checkpoint @param {Cosignature} line @param {Uint8Array} key
 */
export const verifyCosignature = (checkpoint, line, key) =>
  verifyEd25519(key, utf8(`cosignature/v1\ntime ${line.time}\n${checkpoint.text}`), line.signature);
