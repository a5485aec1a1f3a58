/** Prepare, review, sign and submit acts; watch batches become final. @module */

import { ServiceError, byId, chinaTime, element, get, plain, post, renewCsrf, say, word } from "./page.mjs";
import { WalletError, hasWallet, signWithWallet, walletSentence } from "./wallet.mjs";

const POLL_MILLISECONDS = 3_000;
const MAX_FILE_BYTES = 64 * 2 ** 20;
const panel = byId("review");
/** The act that is reviewed. @type {any} */
let current = null;

/** Say what failed; what was typed stays. @param {unknown} error */
function sayError(error) {
  if (error instanceof WalletError) say(walletSentence(error), "bad");
  else if (error instanceof ServiceError && (error.status === 401 || error.code === "form.expired")) say(word("acts.signed_out"), "bad");
  else if (error instanceof ServiceError) say(`${word("acts.refused")} ${plain(error.message)} (${error.code})`, "bad");
  else say(word("acts.network"), "bad");
}

/** Show an act in full. @param {any} act */
function show(act) {
  current = act;
  byId("review-lines").replaceChildren(...act.lines.map((line) => element("li", {}, plain(line))));
  const remarks = [...act.faults, ...act.notes].map((line) => element("li", {}, plain(line)));
  byId("review-remarks").replaceChildren(...remarks);
  byId("review-remarks").hidden = remarks.length === 0;
  byId("review-missing").textContent = act.missing.length ? word("acts.missing", { who: act.missing.join(", ") }) : "";
  byId("review-wallet").disabled = act.faults.length > 0;
  panel.hidden = false;
  panel.focus();
}

/** POST; after signing in again in another tab the token is another one, so it is fetched once. @param {string} path @param {BodyInit} body */
async function call(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    if (!(error instanceof ServiceError) || !["form.expired", "auth.missing"].includes(error.code)) throw error;
    renewCsrf((await get("/sign-in/token")).csrf);
    return post(path, body);
  }
}

/** @param {any} body */
async function send(body) {
  const done = await call("/acts/sign", JSON.stringify(body));
  if (done.state === "submitted") {
    panel.hidden = true;
    current = null;
    const by = done.receipt?.anchored_by ?? "";
    say(word("acts.submitted", { by: plain(by) }), "good");
    watch();
  } else {
    show(done);
    say(word("acts.waiting", { who: done.missing.join(", ") || word("acts.others") }), "good");
  }
}

/** Sign with the wallet and send; a second click while one is under way does nothing. @param {any} act @param {HTMLButtonElement} button */
async function signAndSend(act, button) {
  button.disabled = true;
  try {
    const signature = await signWithWallet(act);
    await send({ file: act.file, signature });
    button.disabled = false;
  } catch (error) {
    button.disabled = false;
    sayError(error);
  }
}

/** @param {HTMLFormElement} form */
function typedIn(form) {
  const data = new FormData(form);
  const typed = Object.fromEntries([...data.entries()].filter(([name]) => name !== "purposes"));
  return JSON.stringify({ ...typed, kind: form.dataset.act, purposes: data.getAll("purposes") });
}

for (const form of document.querySelectorAll("form[data-act]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      show(await call("/acts/prepare", typedIn(form)));
    } catch (error) {
      sayError(error);
    }
  });
}

for (const button of document.querySelectorAll("button[data-digest]")) {
  button.addEventListener("click", async () => {
    try {
      const act = await get(`/acts/${button.dataset.digest}`);
      show(act);
      if (button.dataset.then === "sign") await signAndSend(act, button);
    } catch (error) {
      sayError(error);
    }
  });
}

for (const button of document.querySelectorAll("button[data-brake]")) {
  button.addEventListener("click", async () => {
    try {
      const body = JSON.stringify({ kind: button.dataset.brake, issuer: button.dataset.issuer });
      const act = await call("/acts/prepare", body);
      show(act);
      if (hasWallet()) await signAndSend(act, button);
    } catch (error) {
      sayError(error);
    }
  });
}

byId("review-wallet").addEventListener("click", (event) => signAndSend(current, event.currentTarget));
byId("review-close").addEventListener("click", () => {
  panel.hidden = true;
});
byId("review-download").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([JSON.stringify(current.file)], { type: "application/json" }));
  element("a", { href: address, download: `act-${current.digest.slice(0, 8)}.json` }).click();
  URL.revokeObjectURL(address);
});

/** @param {HTMLInputElement} input @param {(file: File) => Promise<void>} take */
function onFile(input, take) {
  input?.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    if (file.size > MAX_FILE_BYTES) return say(word("acts.too_large"), "bad");
    try {
      await take(file);
    } catch (error) {
      if (error instanceof SyntaxError) say(word("acts.no_file"), "bad");
      else sayError(error);
    }
  });
}

for (const id of ["signed-file", "proposed-file"]) onFile(byId(id), async (file) => send({ file: JSON.parse(await file.text()) }));
onFile(byId("batch-file"), async (file) => {
  const done = await call("/v1/batches", file);
  say(word("acts.batch_accepted", { number: done.receipt.sequence }), "good");
  watch();
});
onFile(byId("evidence-file"), async (file) => {
  const index = JSON.parse(await file.text())?.record?.index;
  if (!Number.isSafeInteger(index)) return say(word("acts.no_evidence"), "bad");
  const field = byId("indexes");
  field.value = [field.value.trim(), index].filter((part) => part !== "").join(", ");
  field.focus();
});

/** Offer the reasons of the chosen status; none is chosen for the issuer, because it is published. */
function offerReasons() {
  const chosen = byId("status").value;
  for (const option of document.querySelectorAll("#reason option[data-status]")) {
    option.hidden = option.disabled = option.dataset.status !== chosen;
  }
  byId("reason").value = "";
}
byId("status")?.addEventListener("change", offerReasons);
if (byId("status")) offerReasons();

/** Add a row for an act that the page did not have yet; return the cell of its state. @param {HTMLElement} table @param {any} one */
function addRow(table, one) {
  const state = element("span", { "data-state": one.digest });
  const row = element(
    "tr",
    {},
    element("th", { scope: "row" }, `${word(`act_kinds.${one.kind}`)} `, element("span", { class: "below" }, chinaTime(one.accepted))),
    element("td", { class: "num" }, String(one.number)),
    element("td", { class: "num" }, one.certificates ? String(one.certificates) : ""),
    element("td", {}, state),
  );
  table.tBodies[0].prepend(row);
  return state;
}

/** Ask how far acts have come while some wait, and show it in the table. */
async function watch() {
  const table = byId("acts");
  if (!table) return;
  try {
    const found = await get("/issuer/acts");
    for (const one of [...found.acts].reverse()) {
      const cell = table.querySelector(`[data-state="${one.digest}"]`) ?? addRow(table, one);
      cell.textContent = word(`act_states.${one.state}`);
      cell.className = `tag ${one.state}`;
    }
    if (found.waiting) setTimeout(watch, POLL_MILLISECONDS);
  } catch (error) {
    sayError(error);
  }
}
if (byId("acts")?.dataset.waiting === "yes") setTimeout(watch, POLL_MILLISECONDS);
byId("wallet-absent")?.toggleAttribute("hidden", hasWallet());
