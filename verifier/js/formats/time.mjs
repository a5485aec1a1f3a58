/** Calendar days and instants (SPEC 1). @module */

import { refuse } from "../errors.mjs";

export const DAY = 86400;
export const GREATEST_TIME = 253402300799;
/**
 * Days from 1970-01-01 to a day that the calendar has, else null.
 * @param {number} year @param {number} month @param {number} day
 */
export function dayNumber(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1 && year <= 9999 ? date.getTime() / 1000 / DAY : null;
}

/** @param {string} text YYYY-MM-DD @returns {number | null} */
export function parseDay(text) {
  const found = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return found && dayNumber(Number(found[1]), Number(found[2]), Number(found[3]));
}

/** @param {number} day @returns {string} */
export const formatDay = (day) => new Date(day * DAY * 1000).toISOString().slice(0, 10);

/** Seconds of an instant like 2026-11-24T06:00:00Z. @param {string} text @throws {Refusal} `time.invalid` */
export function parseTime(text) {
  const found = /^(.{10})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z$/.exec(text);
  const day = found && parseDay(found[1]);
  if (!found || day === null) return refuse("time.invalid", `${text} is not like 2026-11-24T06:00:00Z`);
  return day * DAY + Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4]);
}

/** @param {number} seconds @returns {string} */
export const formatTime = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** The calendar day in China at an instant. @param {number} seconds */
export const chinaDay = (seconds) => Math.floor((seconds + 8 * 3600) / DAY);

/**
 * A day some months later, clamped to the end of its month and to 9999-12-31.
 * @param {number} day @param {number} months
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
