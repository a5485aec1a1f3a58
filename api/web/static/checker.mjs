/**
 * From what somebody holds to a verdict: questions to our service, and answers where it is out of reach.
 * A fault of a network or a file is never held against a certificate: the answer is then *cannot tell*.
 * @module
 */

import {
  CODES,
  CertledgerError,
  deriveSalt,
  formatDisclosure,
  lookupDigest,
  normalAccessCode,
  normalNumber,
} from "./certledger-verifier.mjs";
import { NetworkGone, ServiceError, byId, hasWord, language, post, word } from "./page.mjs";
import { readPicture } from "./code_reader.mjs";
import { recogniseText } from "./input.mjs";
/** @import { Input } from "./input.mjs" */
/** @import { Answer } from "./verdict_view.mjs" */

/** What is neither a verdict nor a step to one: a sentence that says what to do. */
export class Trouble extends Error {}

/**
 * @typedef {{answer: Answer, found?: object, differs?: boolean, typed?: Map<number, string>, named?: Input}} Checked
 * with `found`, the paper is left to compare, of which `typed` was typed so far
 */

/** An answer of this page itself: nothing was judged. @param {string} why a sentence @param {string} advice */
export function cannotTell(why, advice = "retry") {
  return {
    result: { verdict: "cannot_tell", checks: [], certificate: {}, warnings: [] },
    words: { banner: word("banner.cannot_tell"), why, advice: word(`advice.${advice}`), checks: [] },
  };
}

/** The texts of a result that was made here. @param {object} result */
export function wordsOf(result) {
  const texts = result.checks.map(({ code }) => CODES.get(code)?.[language] ?? code);
  const first = result.checks.find(({ code }) => CODES.get(code)?.advice);
  const codes = result.verdict === "not_in_force" ? result.checks.map(({ code }) => code.replace(".", "_")) : [];
  const banner = [...codes, result.verdict].map((name) => `banner.${name}`).find(hasWord);
  return {
    banner: word(banner),
    checks: texts.map((text, at) => ({ number: at + 1, text })),
    ...(first && result.verdict !== "valid" ? { advice: word(`advice.${CODES.get(first.code).advice}`) } : {}),
    ...(result.basis ? { basis: result.basis } : {}),
    ...(result.certificate.issuer
      ? { issuer: [result.certificate.body, result.certificate.issuer].filter(Boolean).join(" · ") }
      : {}),
  };
}

/**
 * Check what was read. @param {Input} input @param {(question: string) => Promise<Answer>} ask
 * @param {typeof lookUp} find what checks a number
 * @returns {Promise<Checked>} @throws {Trouble} with what to do
 */
export async function check(input, ask, find = lookUp) {
  const documents = input.documents ?? [];
  switch (input.kind) {
    case "evidence":
      if (!isJson(input.text)) return { answer: cannotTell(CODES.get("evidence.unusable")[language], "ask_holder") };
      return { answer: await ask(questionOf("evidence", input.text, documents)) };
    case "compact":
      return { answer: await ask(questionOf("code", JSON.stringify(input.text), documents)) };
    case "link":
      return find(input, new Map(), ask);
    case "picture":
      return check(await readCodeOf(input.pictures, "reader.no_code"), ask, find);
    case "document":
      return checkDocument(input, null, ask, find);
    case "foreign":
      throw new Trouble(foreignSentence(input.name));
    default:
      throw new Trouble(word("reader.unreadable"));
  }
}

/**
 * Check a document without evidence: by the code on its picture, or as that of a certificate that is open. A scanned
 * paper is no certificate's document: of it only the code counts.
 * @param {Input} input @param {Input | null} named @param {(question: string) => Promise<Answer>} ask
 * @param {typeof lookUp} find what checks a number @returns {Promise<Checked>} @throws {Trouble}
 */
export async function checkDocument({ documents, pictures = [], isScan = false }, named, ask, find = lookUp) {
  const absent = isScan ? "reader.scan_without_code" : "reader.document_alone";
  const code = await readCodeOf(pictures, absent).catch((error) => {
    if (!named || isScan) throw error;
  });
  if (!code) return find({ ...named, documents }, new Map(), ask);
  const checked = await check(code, ask, find);
  return { ...checked, answer: { ...checked.answer, note: word("reader.code_alone") } };
}

/** Whether a text is whole JSON, not cut off. @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** @param {(Blob | ImageData)[]} pictures @param {string} absent what is told where none has a code @returns {Promise<Input>} */
async function readCodeOf(pictures, absent) {
  const texts = [];
  try {
    for (const picture of pictures) texts.push(...(await readPicture(picture)));
  } catch (error) {
    throw new Trouble(word(error instanceof NetworkGone ? "reader.server_away" : absent));
  }
  if (!texts.length) throw new Trouble(word(absent));
  const inputs = texts.map(recogniseText);
  return inputs.find(({ kind }) => ["compact", "link", "evidence"].includes(kind)) ?? inputs[0];
}

/** What something else is. @param {string} name */
export function foreignSentence(name) {
  const known = {
    archive: "reader.archive", blockcerts: "reader.blockcerts", contact: "reader.contact", dcc: "reader.dcc",
    empty: "reader.empty", encrypted_zip: "reader.encrypted_zip", holder_file: "reader.holder_file",
    identity_number: "reader.identity_number", json: "reader.json", json_web_token: "reader.json_web_token",
    link: "reader.link", open_attestation: "reader.open_attestation", payment: "reader.payment",
    policy: "reader.policy", receipt: "reader.receipt", smart_health_card: "reader.smart_health_card",
    telephone: "reader.telephone", too_large: "reader.too_large",
    verifiable_credential: "reader.verifiable_credential", wifi: "reader.wifi",
  };
  return word(known[name] ?? "reader.unreadable");
}

/** @param {string} name @param {string} value JSON @param {object[]} documents */
const questionOf = (name, value, documents) =>
  `{"${name}":${value}${documents.length ? `,"documents":${JSON.stringify(documents)}` : ""}}`;

/**
 * Check a certificate by number and access code, and what was typed of its paper.
 * @param {Input} named @param {Map<number, string>} typed by place
 * @param {(question: string) => Promise<Answer>} ask @returns {Promise<Checked>}
 */
export async function lookUp({ number, code, documents = [] }, typed, ask) {
  if (number === null) throw new Trouble(word("v.number_needed"));
  const digest = hexOf(lookupDigest(number, code));
  const before = unanswered.digest === digest ? unanswered.typed : new Map();
  unanswered = { digest, typed: typed.size ? typed : before };
  const found = await describe(digest);
  if (!found) throw new Trouble(word("v.trouble_unknown"));
  const disclosures = [
    formatDisclosure(code, "certificate_number", number),
    ...found.fields
      .filter(({ place }) => typed.get(place))
      .map(({ place, name }) => formatDisclosure(deriveSalt(code, place), name, typed.get(place))),
  ];
  const answer = await ask(questionOf("lookup", JSON.stringify({ digest, disclosures }), documents));
  const content = answer.result.checks[0];
  const differs = content?.detail.includes("disclosure.foreign") ?? false;
  const isOpen = content?.code === "content.nothing_compared" && answer.result.as_of !== undefined;
  const named = { kind: "link", number, code, documents };
  if (differs || isOpen) return { answer, found, differs, named, typed: typed.size ? typed : before };
  if (content) unanswered = {};
  return { answer, named };
}

/** What was typed of a paper and not judged, so that it need not be typed again when the network is back. */
let unanswered = {};

/** Number and access code of the page's fields. @returns {Input} @throws {Trouble} with what to do */
export function readTyped() {
  let number;
  try {
    number = normalNumber(byId("number").value);
  } catch {
    throw new Trouble(word("v.trouble_number_invalid"));
  }
  try {
    return { kind: "link", number, code: normalAccessCode(byId("access_code").value) };
  } catch {
    throw new Trouble(word("v.trouble_code_invalid"));
  }
}

/** @param {string} digest @returns {Promise<object | null>} */
async function describe(digest) {
  try {
    return (await post("/v/certificate", JSON.stringify({ digest }))).certificate;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 429) throw new Trouble(word("v.trouble_guesses"));
    throw error;
  }
}

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Ask the service. @param {string} question @returns {Promise<Answer>}
 * @throws {ServiceError} where nobody is signed in, so that the page can ask for it
 */
export async function askService(question) {
  try {
    return await post("/v1/verifications", question);
  } catch (error) {
    if (error instanceof NetworkGone) return cannotTell(word("reader.network_gone"));
    if (error.status === 401 || error.status === 403) throw error;
    if (error.status === 429) throw new Trouble(word("error.too_many_what"));
    if (error.status >= 500) return cannotTell(word("reader.service_away"));
    return cannotTell(CODES.get("evidence.unusable")[language], "ask_holder");
  }
}

/** Any fault as an answer or a sentence: nothing that is thrown says anything of a certificate. @param {unknown} error */
export function troubleOf(error) {
  if (error instanceof Trouble) return { sentence: error.message };
  if (error instanceof NetworkGone) return { answer: cannotTell(word("reader.network_gone")) };
  if (error instanceof CertledgerError) return { sentence: word("reader.unreadable") };
  return { answer: cannotTell(word("reader.service_away")) };
}
