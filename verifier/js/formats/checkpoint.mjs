/** Checkpoints and their cosignatures (SPEC 14, C2SP tlog-checkpoint and tlog-cosignature). @module */

import { concat, hex, toBigInt, unhex, utf8 } from "../bytes.mjs";
import { checkEd25519 } from "../crypto/ed25519.mjs";
import { sha256 } from "../crypto/hashing.mjs";
import { refuse } from "../errors.mjs";
import { fromBase64 } from "./encoding.mjs";
import { GREATEST_TIME } from "./time.mjs";

export const LONGEST_NOTE = 4096;
/** Lines of one note, known or not: each known one costs a check of a signature (C2SP). */
export const MAX_SIGNATURE_LINES = 16;

export const GREATEST_BLOCK = 2 ** 40 - 1;
export const WITNESS_NAME = /^[!-*,-~]{1,128}$/;
/** @typedef {{body: string, identity: Uint8Array, number: number, stateRoot: Uint8Array, blockHash: Uint8Array, time: number}} Checkpoint */

/** @typedef {{name: string, keyId: Uint8Array, time: number, signature: Uint8Array}} Cosignature */

/** @typedef {{checkpoint: Checkpoint, cosignatures: Cosignature[]}} Note */

/** @param {string} why @returns {never} */
const unusableNote = (why) => refuse("checkpoint.unusable", why);

/** @param {string | bigint} digits @param {number} greatest */
function noteNumber(digits, greatest) {
  return BigInt(digits) <= BigInt(greatest)
    ? Number(digits)
    : unusableNote("a number of a note is too great");
}

/** @param {string} text */
const noteBytes = (text) => fromBase64(text) ?? unusableNote("bytes of a note have a second spelling");

/** @param {string} text @returns {Note} @throws {Refusal} `checkpoint.unusable` */
export function parseNote(text) {
  if (utf8(text).length > LONGEST_NOTE) unusableNote("a note is too long");
  const found = new RegExp(
    "^(certledger/1/([0-9a-f]{64})\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n" +
      "block ([0-9a-f]{64})\ntime (0|[1-9][0-9]{0,18})\n)\n",
  ).exec(text);
  if (!found) return unusableNote("a note does not start with five lines and an empty one");
  const checkpoint = {
    body: found[1],
    identity: unhex(found[2]),
    number: noteNumber(found[3], GREATEST_BLOCK),
    stateRoot: noteBytes(found[4]),
    blockHash: unhex(found[5]),
    time: noteNumber(found[6], GREATEST_TIME),
  };
  const rest = text.slice(found[0].length);
  if (rest && !rest.endsWith("\n")) unusableNote("a note ends within a line");
  const lines = rest.split("\n").slice(0, -1);
  if (lines.length > MAX_SIGNATURE_LINES) unusableNote("a note has too many signatures");
  const cosignatures = lines.map(parseCosignature);
  const order = cosignatures.map(({ name, keyId }) => `${name} ${hex(keyId)}`);
  if (!order.every((line, at) => at === 0 || line > order[at - 1])) {
    unusableNote("the lines of a note do not strictly ascend by name and key id");
  }
  return { checkpoint, cosignatures };
}

/** @param {string} line @returns {Cosignature} */
function parseCosignature(line) {
  const found = /^\u2014 ([!-*,-~]{1,128}) ([A-Za-z0-9+/]{102}==)$/.exec(line);
  if (!found) return unusableNote("a line of a note is no cosignature");
  const payload = noteBytes(found[2]);
  return {
    name: found[1],
    keyId: payload.subarray(0, 4),
    time: noteNumber(toBigInt(payload.subarray(4, 12)), GREATEST_TIME),
    signature: payload.subarray(12),
  };
}

/** The id of a witness's key under its name (C2SP tlog-cosignature v1). @param {string} name @param {Uint8Array} key */
export const witnessKeyId = (name, key) =>
  sha256(concat(utf8(name), Uint8Array.of(0x0a, 0x04), key)).subarray(0, 4);

/**
 * Whether a line is a cosignature of a checkpoint by the key that it names.
 * @param {Checkpoint} checkpoint @param {Cosignature} line @param {Uint8Array} key
 */
export const checkCosignature = (checkpoint, line, key) =>
  checkEd25519(key, utf8(`cosignature/v1\ntime ${line.time}\n${checkpoint.body}`), line.signature);
