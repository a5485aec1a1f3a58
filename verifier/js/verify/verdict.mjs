/** The ten checks, and the verdict that follows from their codes (SPEC 18.1, 18.2). @module */

import { outcomeOf } from "./codes.mjs";

/** Names of checks 1 to 10, in order. */
export const CHECKS = [
  "content",
  "inclusion",
  "anchor",
  "signature",
  "entitlement",
  "block",
  "freshness",
  "status",
  "dates",
  "holder",
];

/** A certificate is genuine where checks 1 to 6 passed. */
export const GENUINE_CHECKS = 6;

/** @typedef {{[check: string]: string}} CheckCodes the code of each check, by name */

/**
 * The verdict: the first line of SPEC 18.2 that fits.
 * @param {CheckCodes} codes @param {boolean} timely whether T is not in the future @returns {string}
 */
export function decideVerdict(codes, timely) {
  /** @type {{[check: string]: string}} */
  const outcome = Object.fromEntries(CHECKS.map((check) => [check, outcomeOf(codes[check])]));
  const genuine = CHECKS.slice(0, GENUINE_CHECKS);
  // (a)
  if (outcome.content === "fail" || outcome.inclusion === "fail") return "not_genuine";
  if (outcome.block === "pass" && genuine.some((check) => outcome[check] === "fail")) return "not_genuine";
  // (b)
  if (genuine.some((check) => outcome[check] !== "pass")) return "cannot_tell";
  // (c)
  if (["status.revoked", "status.superseded", "status.body_struck"].includes(codes.status))
    return "not_in_force";
  // (d)
  if (outcome.dates === "fail" && timely) return "not_in_force";
  // (e)
  if (outcome.status === "fail" && outcome.freshness === "pass") return "not_in_force";
  // (f), (g)
  return CHECKS.every((check) => outcome[check] === "pass") ? "valid" : "cannot_tell";
}
