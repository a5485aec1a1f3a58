/** The result of a verification (SPEC 18.4). @module */

import { hex } from "../bytes.mjs";
import { nameAt } from "../formats/catalog.mjs";
import { DAY, chinaDay, formatDay, formatTime } from "../formats/time.mjs";
import { CODES, outcomeOf } from "./codes.mjs";
import { CHECKS, GENUINE, decide } from "./verdict.mjs";
/** @import { Entry } from "../formats/catalog.mjs" */
/** @import { Showing } from "../formats/evidence.mjs" */
/** @import { Statement } from "../formats/statements.mjs" */
/** @import { Judgement } from "./block_trust.mjs" */
/** @import { Codes } from "./verdict.mjs" */

/** @param {string} code @param {number} at place of the check @param {string} rule broken, for what cannot be read */
function finding(code, at, rule = "") {
  const detail = (CODES.get(code)?.en ?? "") + (rule && `: ${rule}`);
  return { code, detail, name: CHECKS[at], number: at + 1, outcome: outcomeOf(code) };
}

/** The result for what cannot be read. @param {string} rule */
export function unusable(rule) {
  return {
    certificate: {},
    checks: CHECKS.map((_, at) => finding("evidence.unusable", at, rule)),
    verdict: "cannot_tell",
    warnings: [],
  };
}

/**
 * What stands behind a certificate once checks 1 to 6 passed.
 * @typedef {{body: string, entry: Entry, statement: Statement, block: number}} Proved
 */

/** @param {Showing} showing */
function describe({ record }) {
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

/** @param {Showing} showing @param {Proved} proved */
function describeProved({ record, disclosures, places }, { body, entry, statement, block }) {
  return {
    body,
    name_zh: entry.nameZh,
    name_en: entry.nameEn,
    anchored: { block, not_after: formatTime(statement.notAfter) },
    shown: disclosures.map(({ name, value }) => ({ name, value })),
    withheld: [...record.digests.keys()]
      .filter((place) => !places.includes(place))
      .map((place) => nameAt(entry, place, record.bound)),
  };
}

const LONGEST_LIFE = 7 * DAY;
/** Warnings, which change no verdict. @param {Showing} showing @param {Proved} proved */
function warningsOf({ record }, { entry, statement }) {
  const earliest = chinaDay(Math.max(statement.notAfter - LONGEST_LIFE, 0));
  return earliest - record.issued > entry.lagDays ? ["anchoring.late"] : [];
}

/**
 * @param {Codes} codes @param {Showing} showing @param {Proved | null} proved @param {Judgement} judgement
 * @param {number} horizon latest instant that is not in the future
 */
export function conclude(codes, showing, proved, { time, basis }, horizon) {
  const genuine = CHECKS.slice(0, GENUINE).every((check) => codes[check] === "ok");
  const told = genuine ? proved : null;
  return {
    ...(codes.block === "ok" && time !== null ? { as_of: formatTime(time), basis } : {}),
    certificate: { ...describe(showing), ...(told ? describeProved(showing, told) : {}) },
    checks: CHECKS.map((check, at) => finding(codes[check], at)),
    verdict: decide(codes, time !== null && time <= horizon),
    warnings: told ? warningsOf(showing, told) : [],
  };
}
