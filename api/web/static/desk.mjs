/** The counter desk: one box that takes whatever comes, one verdict, and the list of materials. @module */

import { askService, check, checkDocument, lookUp, readTyped, troubleOf } from "./checker.mjs";
import { Camera } from "./code_reader.mjs";
import { recogniseFile, recogniseText } from "./input.mjs";
import { ServiceError, bringIntoSight, byId, element, get, language, newNonce, plain, post, renewCsrf, requireSession, word } from "./page.mjs";
import { ScannerBox } from "./scanner.mjs";
import { compareCard, loadLabels, mark, verdictCard } from "./verdict_view.mjs";

/** What belongs to the applicant at the desk. */
const applicant = { questions: [], nonce: "", item: null, named: null };
const scanner = new ScannerBox(byId("box"), takeTyped, () => setState("desk.waiting"));

// What comes in -----------------------------------------------------------------------------------

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

/** @param {object} input @param {string} text as it came */
async function takeTyped(input, text) {
  const isJudged = await take(input);
  // A number or link is kept where nothing came of it; a code is scanned again.
  if (!isJudged && input.kind === "link") scanner.restore(text);
}

/** @param {object} input @returns {Promise<boolean>} whether the service has answered */
async function take(input) {
  const { named } = applicant;
  if (input.kind === "document") return run((ask) => checkDocument(input, named, ask));
  if (input.kind === "link" && input.number === null) {
    byId("access_code").value = input.code;
    byId("number").closest("details").open = true;
    tell(word("v.number_needed"));
    byId("number").focus();
    return true;
  }
  return run((ask) => check(input, ask));
}

// Questions ---------------------------------------------------------------------------------------

/** @template T @param {() => Promise<T>} work @returns {Promise<T>} done again where the session had ended */
async function signedIn(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status !== 401) throw error;
    await signInAgain();
    return signedIn(work);
  }
}

let signingIn = null;

/** Ask for the key, once however many questions wait for it. */
function signInAgain() {
  signingIn ??= askForKey().finally(() => (signingIn = null));
  return signingIn;
}

/** Ask for the key in a dialog until it is right. */
async function askForKey() {
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
      return scanner.takeFocus();
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

/** The work that is under way: one question is answered after the other. */
let queue = Promise.resolve();

/**
 * Check something of this applicant. @param {(ask: (text: string) => Promise<object>) => Promise<object>} work
 * @returns {Promise<boolean>} whether the service has answered
 */
function run(work) {
  const { nonce } = applicant;
  const left = document.activeElement;
  const done = queue.then(() => answerOne(work, nonce, left));
  queue = done.catch(() => {});
  return done;
}

/** @param {string} nonce of the applicant whose it is @param {Element | null} left which had the focus */
async function answerOne(work, nonce, left) {
  if (nonce !== applicant.nonce) return true;
  tell("");
  setState("reader.checking");
  let question = "";
  const ask = (text) => askService((question = text.replace(/\}$/, `,"nonce":"${nonce}"}`)));
  let checked;
  try {
    checked = await signedIn(() => work(ask));
  } catch (error) {
    checked = troubleOf(error);
  }
  if (nonce !== applicant.nonce) return true;
  setState("desk.ready");
  const { answer, sentence, found, named = null } = checked;
  applicant.named = named;
  if (found) return showComparison(checked, left);
  byId("answer").replaceChildren(...(answer ? [verdictCard(answer)] : []));
  bringIntoSight(byId("answer"));
  tell(sentence ?? "");
  scanner.takeFocus(left);
  if (answer?.reference) {
    record(answer, question);
    await updateMaterials();
  }
  return Boolean(answer?.reference);
}

/** Ask for what the paper says. @param {object} checked @param {Element | null} left */
function showComparison({ answer, found, differs, typed, named }, left) {
  const compare = (fields) => run((ask) => lookUp(named, fields, ask));
  const card = compareCard(found, answer, { differs, typed, compare });
  byId("answer").replaceChildren(card);
  if (scanner.isReceiving) return true;
  scanner.takeFocus(left);
  if (document.activeElement === scanner.box) card.querySelector("input")?.focus();
  return true;
}

// The applicant -----------------------------------------------------------------------------------

/** Add a certificate to those of this applicant. @param {object} answer @param {string} question that was asked */
function record(answer, question) {
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
  const code = byId("receipt-code");
  code.src = `/receipt/${reference}/code.svg`;
  code.hidden = false;
  byId("receipt-text").textContent = word("desk.receipt_text", { reference });
}

function beginApplicant() {
  const nonce = newNonce();
  Object.assign(applicant, { questions: [], nonce, named: null });
  byId("nonce").textContent = nonce;
  byId("certificates").replaceChildren();
  byId("case").hidden = true;
  byId("answer").replaceChildren(element("p", { class: "empty" }, word("desk.empty")));
  for (const id of ["number", "access_code"]) byId(id).value = "";
  tell("");
  setState("desk.ready");
  updateMaterials();
  scanner.box.focus();
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
  const { item, questions, nonce } = applicant;
  byId("materials").hidden = !item;
  if (!item) return;
  try {
    const lines = questions.length ? await applied(item, questions) : await listed(item);
    if (nonce !== applicant.nonce) return;
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

function prepareNumber() {
  const begin = () => run(async (ask) => lookUp(readTyped(), new Map(), ask));
  byId("by-number").addEventListener("click", begin);
  for (const id of ["number", "access_code"]) {
    byId(id).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      begin();
    });
  }
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
  const offer = (one) => {
    const text = `${language === "zh" ? one.name_zh : one.name_en} (${one.code})`;
    items.set(text, one);
    return element("option", { value: text });
  };
  byId("item").addEventListener("input", async ({ target }) => {
    const chosen = items.get(target.value);
    if (!target.value || chosen) {
      applicant.item = chosen ?? null;
      return updateMaterials();
    }
    const asked = target.value;
    try {
      const { found } = await signedIn(() => get(`/desk/items?q=${encodeURIComponent(asked)}`));
      if (asked === target.value) byId("items").replaceChildren(...found.map(offer));
    } catch (error) {
      tell(troubleOf(error).sentence ?? word("reader.service_away"));
    }
  });
  byId("applicant").addEventListener("change", updateMaterials);
  byId("next").addEventListener("click", beginApplicant);
  byId("print").addEventListener("click", () => globalThis.print());
}

requireSession();
await loadLabels();
prepareNumber();
prepareFiles();
prepareItems();
beginApplicant();
document.documentElement.dataset.ready = "yes";
