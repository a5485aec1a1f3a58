/** How a verdict looks: word, shape and colour, what to say and do, and the ten checks folded. @module */

import { age, chinaTime, element, language, plain, word } from "./page.mjs";

const SVG = "http://www.w3.org/2000/svg";
const SAY = {
  valid: "verdict.say_valid",
  not_in_force: "verdict.say_not_in_force",
  not_genuine: "verdict.say_not_genuine",
  cannot_tell: "verdict.say_cannot_tell",
};

/**
 * What is shown of a verification: its result (SPEC 18.4), the texts of the result, and its reference.
 * @typedef {{result: object, words: object, reference?: string, wanted?: boolean, note?: string}} Answer
 */

/** The mark of a verdict, which the page has as a symbol. @param {string} verdict */
export function mark(verdict) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "mark");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#mark-${verdict}`);
  picture.append(use);
  return picture;
}

/** The sentence of the first check that did not pass. @param {Answer} answer */
export function reasonOf({ result, words }) {
  const first = (result.checks ?? []).find(({ outcome }) => outcome !== "pass");
  return first ? words.checks[first.number - 1].text : (words.why ?? "");
}

/** Labels of fields by name, in the language of the page. */
let labels = {};

/** Load the labels of fields, which lie beside this module. */
export async function loadLabels() {
  const inside = document.getElementById("field-labels");
  if (inside) {
    labels = JSON.parse(inside.textContent);
    return;
  }
  try {
    labels = await (await fetch(new URL(`field-labels-${language}.json`, import.meta.url))).json();
  } catch {
    labels = {}; // Fields then have their own names.
  }
}

/** The label of a field. @param {string} name */
export function labelOf(name) {
  if (name === "document") return word("verdict.document");
  return Object.hasOwn(labels, name) ? labels[name] : name;
}

const fact = (name, value) =>
  value === undefined || value === null
    ? []
    : [element("dt", {}, name), element("dd", {}, element("bdi", {}, plain(value)))];

/** @param {Answer} answer */
function facts({ result, words }) {
  const { certificate, verdict } = result;
  // Of what is not genuine nothing is shown but the reason.
  if (verdict === "not_genuine") return null;
  const rows = [
    ...fact(word("verdict.certificate"), language === "zh" ? certificate.name_zh : certificate.name_en),
    ...fact(word("verdict.issuer"), words.issuer),
    ...fact(word("verdict.issued"), certificate.issued),
    ...fact(word("verdict.expires"), certificate.expires),
  ];
  return rows.length ? element("dl", { class: "facts" }, ...rows) : null;
}

/** The fields to compare with the person and the paper. @param {Answer} answer */
function shownFields({ result: { certificate } }) {
  if (!certificate.shown?.length) return null;
  const rows = certificate.shown.flatMap(({ name, value }) =>
    fact(labelOf(name), typeof value === "string" ? value : value.sha256),
  );
  const withheld = (certificate.withheld ?? []).filter((name) => name !== "document").map(labelOf);
  return element(
    "div",
    { class: "compare" },
    element("h2", {}, word("verdict.shown")),
    element("dl", { class: "facts shown" }, ...rows),
    withheld.length > 0 &&
      element("p", { class: "quiet" }, word("verdict.withheld", { names: withheld.join(language === "zh" ? "、" : ", ") })),
  );
}

const OUTCOMES = { pass: "verdict.passed", fail: "verdict.failed", unknown: "verdict.unknown" };

/** @param {Answer} answer */
function checkList({ result, words }) {
  if (!result.checks?.length) return null;
  const lines = result.checks.map(({ name, number, outcome, code }) =>
    element(
      "li",
      { class: outcome },
      element("strong", {}, word(`checks.${name}`)),
      ` ${word(OUTCOMES[outcome])}`,
      ...(code === "ok" ? [] : [`: ${words.checks[number - 1].text} `, element("code", {}, code)]),
    ),
  );
  return element(
    "details",
    { class: "checks" },
    element("summary", {}, word("verdict.checks")),
    element("ol", { role: "log" }, ...lines),
    words.basis && element("p", {}, `${word("verdict.basis")}: ${words.basis}`),
  );
}

/**
 * The card of a verdict.
 * @param {Answer} answer @param {...(Node | null)} more at its end
 */
export function verdictCard(answer, ...more) {
  const { result, words, reference } = answer;
  const { verdict } = result;
  return element(
    "section",
    { class: `verdict ${verdict}`, id: "verdict", tabindex: -1 },
    element(
      "div",
      { class: "banner", role: "status", "aria-atomic": "true" },
      mark(verdict),
      element(
        "div",
        {},
        element("p", { class: "words" }, words.banner),
        result.as_of &&
          element("p", { class: "quiet" }, word("verdict.as_of", { time: chinaTime(result.as_of), age: age(result.as_of) })),
      ),
    ),
    element(
      "div",
      { class: "inside" },
      element("p", { class: "next" }, word(SAY[verdict], { why: reasonOf(answer) })),
      words.reason && element("p", {}, words.reason),
      words.advice && element("p", {}, `${word("verdict.next")}: ${words.advice}`),
      // The advice to try again says so itself.
      verdict === "cannot_tell" &&
        words.advice !== word("advice.retry") &&
        element("p", {}, word("verdict.not_refuse")),
      answer.note && element("p", { class: "notice" }, answer.note),
      facts(answer),
      shownFields(answer),
      reference &&
        element(
          "p",
          {},
          `${word("verdict.reference")}: `,
          element("code", { class: "reference" }, reference),
          element("span", { class: "quiet" }, ` (${word("verdict.reference_what")})`),
        ),
      checkList(answer),
      ...more,
    ),
  );
}

/**
 * The card that asks for what the paper says.
 * @param {object} found what the ledger has of the certificate @param {Answer} answer to its number alone
 * @param {{differs: boolean, typed: Map<number, string>, compare: (typed: Map<number, string>) => void}} paper whether
 *   what was typed does not fit, what it was, and what judges it
 */
export function compareCard(found, answer, { differs, typed, compare }) {
  const inputs = found.fields.map(({ place, label }, at) => ({
    place,
    label: element("label", { for: `field-${place}` }, word("verdict.compare_field", { label })),
    input: element("input", {
      type: "text", id: `field-${place}`, maxlength: 512, required: true, autocomplete: "off", autofocus: at === 0,
      "aria-invalid": differs, value: typed.get(place),
    }),
  }));
  const failed = answer.result.checks.filter(({ outcome }) => outcome === "fail");
  const submit = (event) => {
    event.preventDefault();
    compare(new Map(inputs.map(({ place, input }) => [place, input.value.trim()])));
  };
  return element(
    "section",
    { class: "verdict compare", id: "verdict", tabindex: -1 },
    element(
      "div",
      { class: "banner", role: "status", "aria-atomic": "true" },
      mark("cannot_tell"),
      element("p", { class: "words" }, word(differs ? "verdict.differs" : "verdict.compare")),
    ),
    element(
      "div",
      { class: "inside" },
      element("p", {}, word(differs ? "verdict.differs_what" : "verdict.compare_what")),
      element(
        "dl",
        { class: "facts" },
        ...fact(word("verdict.certificate"), found.name),
        ...fact(word("verdict.issuer"), found.issuer),
        ...fact(word("verdict.issued"), found.issued),
      ),
      ...failed.map(({ number }) =>
        element("p", { class: "notice" }, word("verdict.not_in_force_already", { why: answer.words.checks[number - 1].text })),
      ),
      element(
        "form",
        { class: "form", onsubmit: submit },
        ...inputs.flatMap(({ label, input }) => [label, input]),
        element("button", {}, word("verdict.compare_submit")),
      ),
      element("p", { class: "quiet" }, word("verdict.compare_document")),
    ),
  );
}
