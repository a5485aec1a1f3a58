/** The issuer's desk on its own computer: a wallet signs a sheet, and a batch becomes final. @module */

import { byId, element, plain, say, word } from "./page.mjs";
import { WalletError, signWithWallet, walletSentence } from "./wallet.mjs";

const POLL_MILLISECONDS = 2_000;

/** Sealing takes as long as the sheet is long, so there is no time limit. @param {string} path @param {unknown} body */
async function send(path, body) {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(`${value.detail} (${value.code})`);
  return value;
}

/** Let the wallet sign one batch after the other, until none is left. @param {HTMLButtonElement} button */
async function signAll(button) {
  const { path, renew } = button.dataset;
  let { act } = await send(path, { renew: renew === "yes" });
  while (act) {
    const signature = await signWithWallet(act);
    ({ act } = await send(path, { signature }));
  }
  location.reload();
}

byId("wallet")?.addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await signAll(button);
  } catch (error) {
    say(error instanceof WalletError ? walletSentence(error) : plain(error.message), "bad");
  } finally {
    button.disabled = false;
  }
});

/** Ask how far the batches have come, and say when all are final. */
async function watch() {
  const box = byId("progress");
  try {
    const answer = await fetch(box.dataset.path, { headers: { accept: "application/json" } });
    const value = await answer.json();
    const states = answer.ok ? value.states : [];
    const shown = answer.ok ? states.map((state) => word(`act_states.${state}`)).join(", ") : value.detail;
    byId("progress-states").textContent = plain(shown);
    if (states.length && states.every((state) => state === "final")) {
      box.className = "notice good";
      box.replaceChildren(element("strong", {}, box.dataset.final));
      return;
    }
  } catch {
    // The desk was stopped; it is asked again, and goes on when it runs again at this address.
  }
  setTimeout(watch, POLL_MILLISECONDS);
}
if (byId("progress")) watch();

/** Ask whether an act that waits for others is in force, and go on to what is next. */
async function awaitOthers() {
  const box = byId("waiting");
  try {
    const answer = await fetch(box.dataset.path, { headers: { accept: "application/json" } });
    const value = await answer.json();
    if (value.done) return location.reload();
    byId("waiting-state").textContent = answer.ok ? "" : plain(value.detail);
  } catch {
    // As above.
  }
  setTimeout(awaitOthers, POLL_MILLISECONDS);
}
if (byId("waiting")) awaitOthers();
