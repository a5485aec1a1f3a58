/** Calendar days, as days since 1970-01-01, and instants, as seconds since 1970 (SPEC 1.4). @module */

import { fail } from "../errors.mjs";

export const SECONDS_PER_DAY = 86400;
/** 9999-12-31T23:59:59Z, the latest instant of any format (SPEC 16.1). */
export const MAX_TIME = 253402300799;

/**
 * Days from 1970-01-01 to a date, null if the calendar does not have it.
 * @param {number} year @param {number} month @param {number} day @returns {number | null}
 */
export function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1 && year <= 9999 ? date.getTime() / 1000 / SECONDS_PER_DAY : null;
}

/**
 * A day, null if the text is none.
 * @param {string} text YYYY-MM-DD @returns {number | null} days since 1970
 */
export function parseDay(text) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return found && dayNumber(Number(found[1]), Number(found[2]), Number(found[3]));
}

/** YYYY-MM-DD. @param {number} day days since 1970 @returns {string} */
export const formatDay = (day) => new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);

/**
 * Seconds since 1970 of an instant like 2026-11-24T06:00:00Z (RFC 3339 with `Z` and whole seconds).
 * @param {string} text @returns {number} @throws {CertledgerError} `time.invalid`
 */
export function parseTime(text) {
  const found = /^(.{10})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/.exec(text);
  const day = found && parseDay(found[1]);
  if (!found || day === null) return fail("time.invalid", `${text} is not like 2026-11-24T06:00:00Z`);
  return day * SECONDS_PER_DAY + Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4]);
}

/** An instant as in `parseTime`. @param {number} seconds @returns {string} */
export const formatTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/**
 * The day in China Standard Time (UTC+8) at an instant.
 * @param {number} seconds @returns {number} days since 1970
 */
export const chinaDay = (seconds) => Math.floor((seconds + 8 * 3600) / SECONDS_PER_DAY);

/**
 * A day some months later, clamped to the end of its month and to 9999-12-31 (SPEC 6).
 * @param {number} day days since 1970 @param {number} months @returns {number}
 */
export function addMonths(day, months) {
  const [year, month, date] = formatDay(day).split("-").map(Number);
  const all = year * 12 + month - 1 + months;
  const [toYear, toMonth] = [Math.floor(all / 12), (all % 12) + 1];
  if (toYear > 9999) return /** @type {number} */ (dayNumber(9999, 12, 31));
  for (let last = date; ; last -= 1) {
    const found = dayNumber(toYear, toMonth, last);
    if (found !== null) return found;
  }
}
