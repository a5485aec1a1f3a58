/** The counter desk: one box that takes whatever comes, one verdict, and the list of materials. @module */

import { normalAccessCode, normalNumber, parseCompactEvidence } from "./certledger-verifier.mjs";
import { Trouble, askService, check, lookUp, troubleOf } from "./checker.mjs";
import { Camera } from "./code_reader.mjs";
import { recogniseFile, recogniseText } from "./input.mjs";
import { ServiceError, byId, element, get, language, newNonce, plain, post, renewCsrf, requireSession, word } from "./page.mjs";
import { compareCard, loadLabels, mark, verdictCard } from "./verdict_view.mjs";

/** Time after which a scanner sends nothing more. */
const SCANNER_PAUSE_MILLISECONDS = 400;
const MAX_BUFFER_CHARACTERS = 16_384;
const box = byId("box");

/** What belongs to the applicant at the desk. */
const applicant = { questions: [], nonce: "", item: null, named: null, reference: null };
let pieces = "";
let timer = 0;

// What comes in -----------------------------------------------------------------------------------

/** Whether a code has come whole: scanners send long ones in pieces. @param {string} text */
function isWhole(text) {
  const input = recogniseText(text);
  if (input.kind !== "compact") return true;
  try {
    parseCompactEvidence(input.text);
    return true;
  } catch {
    return false;
  }
}

/** Take what is in the box, if it is whole. @param {boolean} isLast whether nothing more will come */
function takeBox(isLast) {
  const text = pieces + box.value.replace(/[\r\n]+/g, "");
  if (!text.trim()) return;
  if (!isLast && !isWhole(text)) {
    pieces = text.slice(0, MAX_BUFFER_CHARACTERS);
    box.value = "";
    setState("desk.waiting");
    schedule();
    return;
  }
  pieces = "";
  box.value = "";
  clearTimeout(timer);
  take(recogniseText(text));
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const input = recogniseText(pieces + box.value);
    // Without Enter only a code is taken by itself: a person may still be typing.
    if (pieces || (input.kind === "compact" && isWhole(pieces + box.value))) takeBox(true);
  }, SCANNER_PAUSE_MILLISECONDS);
}

/** @param {string} name */
function setState(name) {
  byId("ready").textContent = word(name);
  byId("ready").className = `state ${name.slice(5)}`;
}

/** @param {string} sentence */
function tell(sentence) {
  byId("notice").textContent = sentence;
  byId("notice").hidden = !sentence;
}

/** @param {object} input */
function take(input) {
  const documents = input.documents ?? [];
  if (input.kind === "document" && applicant.named) {
    return run(() => lookUp({ ...applicant.named, documents }, new Map(), ask));
  }
  applicant.named = input.kind === "link" ? input : null;
  if (input.kind === "link" && input.number === null) {
    byId("access_code").value = input.code;
    byId("number").closest("details").open = true;
    tell(word("v.number_needed"));
    return byId("number").focus();
  }
  return run(() => check(input, ask));
}

// Questions ---------------------------------------------------------------------------------------

let question = "";

/** Ask the service in the name of this counter; an ended session is begun again, and nothing is lost. */
async function ask(text) {
  question = text.replace(/\}$/, `,"nonce":"${applicant.nonce}"}`);
  return signedIn(() => askService(question));
}

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
async function signedIn(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status !== 401) throw error;
    await signInAgain();
    return signedIn(work);
  }
}

/** Ask for the key in a dialog until it is right. */
async function signInAgain() {
  const dialog = byId("sign-in");
  for (;;) {
    dialog.showModal();
    await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    const form = new URLSearchParams({ csrf: await freshToken(), key: byId("key").value, next: "" });
    if (!byId("key").value) return; // Signed in meanwhile in another tab; if not, the work asks again.
    byId("key").value = "";
    try {
      await post("/sign-in", form, "application/x-www-form-urlencoded");
      await freshToken();
      byId("sign-in-trouble").hidden = true;
      box.focus();
      return;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      byId("sign-in-trouble").hidden = false;
    }
  }
}

async function freshToken() {
  const { csrf } = await get("/sign-in/token");
  renewCsrf(csrf);
  return csrf;
}

/** @param {() => Promise<object>} work */
async function run(work) {
  tell("");
  setState("reader.checking");
  let checked;
  try {
    checked = await work();
  } catch (error) {
    const { answer, sentence } = troubleOf(error);
    if (sentence !== undefined) {
      byId("answer").replaceChildren();
      tell(sentence);
      return finish();
    }
    checked = { answer };
  }
  const { answer, found, differs } = checked;
  if (found) {
    const { named } = applicant;
    const card = compareCard(found, answer, differs, (typed) => run(() => lookUp(named, typed, ask)));
    byId("answer").replaceChildren(card);
    setState("desk.ready");
    return card.querySelector("input")?.focus();
  }
  byId("answer").replaceChildren(verdictCard(answer));
  byId("answer").scrollIntoView({ block: "nearest" });
  if (answer.reference) record(answer);
  finish();
  await updateMaterials();
}

function finish() {
  setState("desk.ready");
  box.focus();
}

// The applicant -----------------------------------------------------------------------------------

/** Add a certificate to those of this applicant. @param {object} answer */
function record(answer) {
  const { result, words, reference } = answer;
  // The presentation of a bound certificate is accepted once: the reference says that it was by this question.
  applicant.questions.push(question.replace(/\}$/, `,"earlier":"${reference}"}`));
  const name = language === "zh" ? result.certificate.name_zh : result.certificate.name_en;
  byId("certificates").append(
    element(
      "li",
      { class: `verdict-line ${result.verdict}` },
      mark(result.verdict),
      element("span", {}, element("strong", {}, words.banner), ` ${plain(name ?? result.certificate.category ?? "")} `, element("code", {}, reference)),
    ),
  );
  byId("case").hidden = false;
  applicant.reference = reference;
  const code = byId("receipt-code");
  code.src = `/receipt/${reference}/code.svg`;
  code.hidden = false;
  byId("receipt-text").textContent = word("desk.receipt_text", { reference });
}

function beginApplicant() {
  const nonce = newNonce();
  Object.assign(applicant, { questions: [], nonce, named: null, reference: null });
  byId("nonce").textContent = nonce;
  byId("certificates").replaceChildren();
  byId("case").hidden = true;
  byId("answer").replaceChildren(element("p", { class: "empty" }, word("desk.empty")));
  tell("");
  updateMaterials();
  finish();
}

const OUTCOMES = { met: "desk.met", not_met: "desk.not_met", cannot_tell: "desk.open_line" };
/** What has not been shown yet is no failure. */
const MISSING = "material.missing";
const isMissing = ({ outcome, code }) => outcome === "not_met" && code === MISSING;
const EXEMPTIONS = { exempt_city: "desk.exempt", exempt_electronic: "desk.electronic" };
const WHOLE = { met: "desk.all_met", not_met: "desk.some_not_met", cannot_tell: "desk.some_open" };
const MARKS = { met: "valid", not_met: "not_genuine", cannot_tell: "cannot_tell" };

/** Tick the materials off by what was shown so far. */
async function updateMaterials() {
  const { item, questions } = applicant;
  byId("materials").hidden = !item;
  if (!item) return;
  try {
    const lines = questions.length ? await applied(item, questions) : await listed(item);
    byId("lines").replaceChildren(...lines.map(materialLine));
  } catch (error) {
    tell(troubleOf(error).sentence ?? word("reader.service_away"));
  }
}

async function applied(item, questions) {
  const named = item.kind === "bundle" ? `"bundle":"${item.code}"` : `"items":["${item.code}"]`;
  const kind = byId("applicant").value;
  const body = `{${named},"applicant":"${kind}","evidence":[${questions.join(",")}]}`;
  const { application } = await signedIn(() => post("/v1/applications", body));
  const failed = application.lines.filter(({ outcome, required }) => required && outcome === "not_met");
  const isOpen = application.outcome === "not_met" && failed.every(isMissing);
  byId("outcome").textContent = word(isOpen ? "desk.some_missing" : WHOLE[application.outcome]);
  return application.lines;
}

async function listed(item) {
  byId("outcome").textContent = "";
  const kind = byId("applicant").value;
  return (await signedIn(() => get(`/v1/items/${item.code}/exemptions?applicant=${kind}`))).lines;
}

/** @param {object} line of an application or of a list of exemptions */
function materialLine(line) {
  const outcome = isMissing(line) ? "cannot_tell" : (line.outcome ?? "cannot_tell");
  const [name, reason, why] = ["name", "words", "why"].map((key) => line[`${key}_${language}`]);
  return element(
    "li",
    { class: `verdict-line ${MARKS[outcome]}` },
    mark(MARKS[outcome]),
    element(
      "span",
      {},
      element("strong", {}, plain(name)),
      ` ${word(OUTCOMES[outcome])}`,
      line.exemption in EXEMPTIONS && ` · ${word(EXEMPTIONS[line.exemption])}`,
      !line.required && ` · ${word("desk.optional")}`,
      element("br"),
      element("span", { class: "quiet" }, why && line.code !== "ok" ? why : reason),
    ),
  );
}

// Wiring ------------------------------------------------------------------------------------------

/** Whatever a scanner types goes into the box, wherever the focus is; text fields keep theirs. */
function keepFocus(event) {
  const { target, key } = event;
  const isField = target.matches?.("input:not([type=file]), textarea, select") || byId("sign-in").open;
  const isText = key.length === 1 && key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isField && isText) box.focus();
}

function prepareBox() {
  byId("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    takeBox(false);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    takeBox(false);
  });
  box.addEventListener("input", (event) => {
    if (!event.isComposing) schedule();
  });
  document.addEventListener("keydown", keepFocus, true);
  byId("by-number").addEventListener("click", () =>
    run(async () => {
      const { value } = byId("access_code");
      try {
        applicant.named = { kind: "link", number: normalNumber(byId("number").value), code: normalAccessCode(value) };
      } catch {
        throw new Trouble(word("v.trouble_unknown"));
      }
      return lookUp(applicant.named, new Map(), ask);
    }),
  );
}

function prepareFiles() {
  const takeFile = async (file) => take(await recogniseFile(file));
  byId("file").addEventListener("change", async ({ target }) => {
    for (const file of [...target.files]) await takeFile(file);
    target.value = "";
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    for (const file of [...event.dataTransfer.files]) await takeFile(file);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) takeFile(file);
  });
  const hide = () => (byId("viewer").hidden = true);
  const camera = new Camera(byId("video"), (text) => (hide(), take(recogniseText(text))), tell);
  byId("camera").addEventListener("click", async () => {
    byId("viewer").hidden = false;
    if (!(await camera.start())) hide();
  });
  byId("camera-stop").addEventListener("click", () => (camera.stop(), hide()));
}

function prepareItems() {
  const items = new Map();
  byId("item").addEventListener("input", async ({ target }) => {
    const chosen = items.get(target.value);
    if (!target.value || chosen) {
      applicant.item = chosen ?? null;
      return updateMaterials();
    }
    const { found } = await signedIn(() => get(`/desk/items?q=${encodeURIComponent(target.value)}`));
    const options = found.map((one) => {
      const text = `${language === "zh" ? one.name_zh : one.name_en} (${one.code})`;
      items.set(text, one);
      return element("option", { value: text });
    });
    byId("items").replaceChildren(...options);
  });
  byId("applicant").addEventListener("change", updateMaterials);
  byId("next").addEventListener("click", beginApplicant);
  byId("print").addEventListener("click", () => globalThis.print());
}

requireSession();
await loadLabels();
prepareBox();
prepareFiles();
prepareItems();
beginApplicant();
document.documentElement.dataset.ready = "yes";
