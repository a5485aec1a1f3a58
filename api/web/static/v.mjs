/** The public page: a link, number and access code, a file, a picture or the camera. @module */

import { askService, check, checkDocument, lookUp, readTyped, troubleOf } from "./checker.mjs";
import { Camera } from "./code_reader.mjs";
import { recogniseFile, recogniseText } from "./input.mjs";
import { byId, element, word } from "./page.mjs";
import { compareCard, loadLabels, verdictCard } from "./verdict_view.mjs";

const notice = byId("notice");
/** The certificate that a document may be compared with. */
let named = null;
let latest = 0;

/** @param {string} sentence */
function tell(sentence) {
  notice.textContent = sentence;
  notice.hidden = !sentence;
  if (sentence) notice.scrollIntoView({ block: "nearest" });
}

/** @param {Node} card */
function show(card) {
  byId("answer").replaceChildren(card);
  byId("title").textContent = word("v.again");
  (card.querySelector("input") ?? card).focus();
  card.scrollIntoView({ block: "start" });
}

/** Check, and show what comes of it; a later question replaces an earlier one. @param {() => Promise<object>} work */
async function run(work) {
  const turn = (latest += 1);
  tell("");
  byId("answer").replaceChildren(element("p", { class: "notice", role: "status" }, word("reader.checking")));
  let checked;
  try {
    checked = await work();
  } catch (error) {
    checked = troubleOf(error);
  }
  if (turn !== latest) return;
  const { answer, sentence, found, differs, typed } = checked;
  const mine = (named = checked.named ?? null);
  byId("answer").replaceChildren();
  const compare = (fields) => run(() => lookUp(mine, fields, askService));
  if (sentence !== undefined) tell(sentence);
  else if (found) show(compareCard(found, answer, { differs, typed, compare }));
  else show(verdictCard(answer, answer.reference && printButton()));
}

const printButton = () =>
  element("button", { type: "button", class: "second no-print", onclick: () => globalThis.print() }, word("v.print"));

/** @param {object} input */
function take(input) {
  // A document that is opened while its certificate is being compared is what the paper is compared with.
  const open = named;
  if (input.kind === "document") return run(() => checkDocument(input, open, askService));
  if (input.kind === "link") {
    byId("access_code").value = input.code.replace(/(.{4})(?=.)/g, "$1-");
    if (input.number === null) {
      tell(word("v.number_needed"));
      return byId("number").focus();
    }
    byId("number").value = input.number;
  }
  return run(() => check(input, askService));
}

/** @param {File} file */
const takeFile = async (file) => take(await recogniseFile(file));

function takeFragment() {
  if (location.hash.length > 1) take(recogniseText(location.hash));
}

byId("by-number").addEventListener("submit", (event) => {
  event.preventDefault();
  run(async () => lookUp(readTyped(), new Map(), askService));
});

function prepareFiles() {
  byId("by-file").hidden = false;
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) takeFile(target.files[0]);
    target.value = "";
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) takeFile(file);
    else take(recogniseText(event.dataTransfer.getData("text")));
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) takeFile(file);
  });
  const camera = new Camera(
    byId("video"),
    (text) => {
      byId("viewer").hidden = true;
      take(recogniseText(text));
    },
    tell,
  );
  byId("camera").addEventListener("click", async () => {
    byId("viewer").hidden = false;
    if (!(await camera.start())) byId("viewer").hidden = true;
  });
  byId("camera-stop").addEventListener("click", () => {
    camera.stop();
    byId("viewer").hidden = true;
  });
}

await loadLabels();
prepareFiles();
globalThis.addEventListener("hashchange", takeFragment);
takeFragment();
document.documentElement.dataset.ready = "yes";
