/** The public page: a link, number and access code, a file, a picture or the camera. @module */

import { normalAccessCode, normalNumber } from "./certledger-verifier.mjs";
import { Trouble, askService, check, lookUp, troubleOf } from "./checker.mjs";
import { Camera } from "./code_reader.mjs";
import { recogniseFile, recogniseText } from "./input.mjs";
import { byId, element, word } from "./page.mjs";
import { compareCard, loadLabels, verdictCard } from "./verdict_view.mjs";

const notice = byId("notice");
let named = null;

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
  tell("");
  byId("answer").replaceChildren(element("p", { class: "notice", role: "status" }, word("reader.checking")));
  let checked;
  try {
    checked = await work();
  } catch (error) {
    const { answer, sentence } = troubleOf(error);
    byId("answer").replaceChildren();
    if (sentence !== undefined) tell(sentence);
    else show(verdictCard(answer));
    return;
  }
  const { answer, found, differs } = checked;
  if (found) show(compareCard(found, answer, differs, (typed) => run(() => lookUp(named, typed, askService))));
  else show(verdictCard(answer, printButton()));
}

const printButton = () =>
  element("button", { type: "button", class: "second no-print", onclick: () => globalThis.print() }, word("v.print"));

/** @param {object} input */
function take(input) {
  const documents = input.documents ?? [];
  // A document that is opened while its certificate is being compared is what the paper is compared with.
  if (input.kind === "document" && named) return run(() => lookUp({ ...named, documents }, new Map(), askService));
  if (input.kind === "link") {
    named = input;
    byId("access_code").value = input.code.replace(/(.{4})(?=.)/g, "$1-");
    if (input.number === null) {
      tell(word("v.number_needed"));
      return byId("number").focus();
    }
    byId("number").value = input.number;
  } else named = null;
  return run(() => check(input, askService));
}

/** @param {File} file */
const takeFile = async (file) => take(await recogniseFile(file));

function takeFragment() {
  if (location.hash.length > 1) take(recogniseText(location.hash));
}

byId("by-number").addEventListener("submit", (event) => {
  event.preventDefault();
  run(async () => {
    named = readTyped();
    return lookUp(named, new Map(), askService);
  });
});

function readTyped() {
  let number;
  try {
    number = normalNumber(byId("number").value);
  } catch {
    throw new Trouble(word("v.trouble_number_invalid"));
  }
  try {
    return { kind: "link", number, code: normalAccessCode(byId("access_code").value) };
  } catch {
    throw new Trouble(word("v.trouble_code_invalid"));
  }
}

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
