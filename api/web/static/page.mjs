/** What all pages share: words, elements, requests to our own service. @module */

const texts = JSON.parse(document.getElementById("words").textContent);

export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

/**
 * A text of the page's language.
 * @param {string} name section and name, as `v.title` @param {{[slot: string]: unknown}} values to fill in
 */
export function word(name, values = {}) {
  const [section, key] = name.split(".");
  const text = texts[section]?.[key];
  if (text === undefined) throw new Error(`no word ${name}`);
  return text.replace(/\{(\w+)\}/g, (_, slot) => String(values[slot]));
}

/** Whether there is a text. @param {string} name as of `word` */
export function hasWord(name) {
  const [section, key] = name.split(".");
  return texts[section]?.[key] !== undefined;
}

/** Scroll so that a card can be read from its first words, unless it can already. @param {Element} card */
export function bringIntoSight(card) {
  const { top } = card.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) card.scrollIntoView({ block: "start" });
}

/** Characters that would hide, reorder or imitate text, made visible. @param {unknown} text */
export function plain(text) {
  return String(text).replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (letter) => `⟨U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/**
 * An element; children are elements or text, which is never read as HTML.
 * @param {string} tag @param {{[name: string]: unknown}} attributes; `on…` are listeners
 * @param {...(Node | string | null | undefined | false)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true && !name.startsWith("aria-")) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The element of the page with an id. @param {string} id */
export const byId = (id) => document.getElementById(id);

/** A refusal of the service: its stable code and status. */
export class ServiceError extends Error {
  /** @param {string} code @param {number} status @param {string} detail */
  constructor(code, status, detail) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

/** The service could not be reached, or did not answer in time. */
export class NetworkGone extends Error {}

let session = {};

/** From now on requests are refused, rather than answered as the public's, where the session has ended. */
export function requireSession() {
  session = { "x-session": "required" };
}

const MAX_WAIT_MILLISECONDS = 20_000;

/**
 * POST to our own service, and return its JSON.
 * @param {string} path @param {BodyInit} body @param {string} type
 * @throws {ServiceError | NetworkGone}
 */
export async function post(path, body, type = "application/json") {
  const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
  const headers = {
    "accept-language": language,
    accept: "application/json",
    "content-type": type,
    "x-csrf-token": csrf,
    ...session,
  };
  const signal = AbortSignal.timeout(MAX_WAIT_MILLISECONDS);
  if (location.protocol === "file:") throw new NetworkGone("a file has no service");
  try {
    return await readAnswer(await fetch(path, { method: "POST", headers, body, signal }));
  } catch (error) {
    throw error instanceof ServiceError ? error : new NetworkGone(String(error));
  }
}

/** GET JSON of our own service. @param {string} path */
export async function get(path) {
  const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";
  const headers = { "accept-language": language, accept: "application/json", "x-csrf-token": csrf, ...session };
  try {
    return await readAnswer(await fetch(path, { headers, signal: AbortSignal.timeout(MAX_WAIT_MILLISECONDS) }));
  } catch (error) {
    throw error instanceof ServiceError ? error : new NetworkGone(String(error));
  }
}

/** @param {Response} response */
async function readAnswer(response) {
  const value = await response.json();
  if (response.ok) return value;
  throw new ServiceError(value.code ?? "unknown", response.status, value.detail ?? "");
}

/** Take the new token after a session began. @param {string} token */
export function renewCsrf(token) {
  document.querySelector('meta[name="csrf"]').content = token;
  for (const field of document.querySelectorAll('input[name="csrf"]')) field.value = token;
}

/** Say something in the page's message box. @param {string} text @param {"good" | "bad" | ""} tone */
export function say(text, tone = "") {
  const box = byId("message");
  box.className = `notice ${tone}`;
  box.textContent = text;
  box.hidden = false;
  box.focus();
}

/** A number that nobody can guess, for one holder to sign. */
export function newNonce() {
  const random = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An instant as local time of China, to the minute. @param {string} instant RFC 3339 */
export function chinaTime(instant) {
  const shifted = new Date(Date.parse(instant) + 8 * 3_600_000);
  return shifted.toISOString().slice(0, 16).replace("T", " ");
}

/** How long ago an instant was, in words. @param {string} instant RFC 3339 */
export function age(instant) {
  const seconds = Math.max((Date.now() - Date.parse(instant)) / 1000, 0);
  if (seconds >= 172_800) return word("age.days", { n: Math.floor(seconds / 86_400) });
  if (seconds >= 7_200) return word("age.hours", { n: Math.floor(seconds / 3_600) });
  if (seconds >= 60) return word("age.minutes", { n: Math.floor(seconds / 60) });
  return word("age.now");
}
