/** The ten checks by name, and the verdict that follows from their codes (SPEC 18.1, 18.2). @module */

import { outcomeOf } from "./codes.mjs";

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

/** How many of the checks, from the first, make a certificate genuine. */
export const GENUINE = 6;

/** @typedef {{[check: string]: string}} Codes the code of each check */

/** @param {Codes} codes @param {boolean} timely whether T is not in the future @returns {string} */
export function decide(codes, timely) {
  const ended = Object.fromEntries(CHECKS.map((check) => [check, outcomeOf(codes[check])]));
  const genuine = CHECKS.slice(0, GENUINE);
  if (ended.content === "fail" || ended.inclusion === "fail") return "not_genuine";
  if (ended.block === "pass" && genuine.some((check) => ended[check] === "fail")) return "not_genuine";
  if (genuine.some((check) => ended[check] !== "pass")) return "cannot_tell";
  if (["status.revoked", "status.superseded", "status.body_struck"].includes(codes.status))
    return "not_in_force";
  if (ended.dates === "fail" && timely) return "not_in_force";
  if (ended.status === "fail" && ended.freshness === "pass") return "not_in_force";
  return CHECKS.every((check) => ended[check] === "pass") ? "valid" : "cannot_tell";
}
