/** The result of a verification (SPEC 18.4). @module */

import { hex } from "../bytes.mjs";
import { fieldNameAt } from "../formats/catalog.mjs";
import { SECONDS_PER_DAY, chinaDay, formatDay, formatTime } from "../formats/time.mjs";
import { CODES, outcomeOf } from "./codes.mjs";
import { CHECKS, GENUINE_CHECKS, decideVerdict } from "./verdict.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { DisclosedRecord } from "../formats/evidence.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */
/** @import { BlockTrust } from "./block_trust.mjs" */
/** @import { CheckCodes } from "./verdict.mjs" */

/**
 * The result of one check.
 * @param {string} code @param {number} at index of the check @param {string} rule broken by unreadable input
 */
function checkResult(code, at, rule = "") {
  const detail = (CODES.get(code)?.en ?? "") + (rule && `: ${rule}`);
  return { code, detail, name: CHECKS[at], number: at + 1, outcome: outcomeOf(code) };
}

/**
 * The result for input that cannot be read (SPEC 18.3).
 * @param {string} rule code of the rule that is broken
 */
export function unusableResult(rule) {
  return {
    certificate: {},
    checks: CHECKS.map((_, at) => checkResult("evidence.unusable", at, rule)),
    verdict: "cannot_tell",
    warnings: [],
  };
}

/**
 * What is proved of a certificate once checks 1 to 6 passed: its issuer's name, and the block of anchoring.
 * @typedef {{issuerName: string, entry: Entry, statement: Statement, block: number}} ProvedCertificate
 */

/** What the record alone says. @param {DisclosedRecord} disclosed */
function describeRecord({ record }) {
  return {
    leaf: hex(record.leaf),
    issuer: record.issuer,
    index: record.index,
    category: record.category,
    edition: record.edition,
    issued: formatDay(record.issued),
    ...(record.expires === null ? {} : { expires: formatDay(record.expires) }),
  };
}

/**
 * What the result has of a genuine certificate alone.
 * @param {DisclosedRecord} disclosed @param {ProvedCertificate} proved
 */
function describeProved({ record, disclosures, places }, { issuerName, entry, statement, block }) {
  return {
    body: issuerName,
    name_zh: entry.nameZh,
    name_en: entry.nameEn,
    anchored: { block, not_after: formatTime(statement.notAfter) },
    shown: disclosures.map(({ name, value }) => ({ name, value })),
    withheld: [...record.digests.keys()]
      .filter((place) => !places.includes(place))
      .map((place) => fieldNameAt(entry, place, record.bound)),
  };
}

/** A statement's `notAfter` is at most so long after the block that carries it (SPEC 7). */
const MAX_STATEMENT_LIFE_SECONDS = 7 * SECONDS_PER_DAY;

/**
 * Warnings, which change no verdict (SPEC 18.3).
 * @param {DisclosedRecord} disclosed @param {ProvedCertificate} proved
 * @param {boolean} isRetired whether the ledger has ended
 */
function findWarnings({ record }, { entry, statement }, isRetired) {
  const earliestDay = chinaDay(Math.max(statement.notAfter - MAX_STATEMENT_LIFE_SECONDS, 0));
  const isLate = earliestDay - record.issued > entry.lagDays;
  return [...(isLate ? ["anchoring.late"] : []), ...(isRetired ? ["ledger.retired"] : [])];
}

/**
 * The result of a verification, whose canonical JSON is the same for the same input (SPEC 18.4).
 * @param {CheckCodes} codes @param {DisclosedRecord} disclosed @param {ProvedCertificate | null} proved
 * @param {BlockTrust} trust of the block that T and the basis come from
 * @param {number} horizon latest instant that is not in the future, in seconds
 */
export function makeResult(codes, disclosed, proved, { time, basis, end }, horizon) {
  const genuine = CHECKS.slice(0, GENUINE_CHECKS).every((check) => codes[check] === "ok");
  const certificate = genuine ? proved : null;
  return {
    ...(codes.block === "ok" && time !== null ? { as_of: formatTime(time), basis } : {}),
    certificate: {
      ...describeRecord(disclosed),
      ...(certificate ? describeProved(disclosed, certificate) : {}),
    },
    checks: CHECKS.map((check, at) => checkResult(codes[check], at)),
    verdict: decideVerdict(codes, time !== null && time <= horizon),
    warnings: certificate ? findWarnings(disclosed, certificate, end !== undefined) : [],
  };
}
