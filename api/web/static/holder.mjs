/** The holder's page: files are opened here and stay here; chosen fields become a code or a file. @module */

import { CertledgerError, codeOf, fileOf, messageToSign, openHolding, showFields } from "./certledger-verifier.mjs";
import { byId, element, language, plain, word } from "./page.mjs";
import { qrCode } from "./qr_code.mjs";
import { labelOf, loadLabels } from "./verdict_view.mjs";

const MAX_FILE_BYTES = 262_144;
const SVG = "http://www.w3.org/2000/svg";
const QUIET_MODULES = 4;
const state = { evidence: null, holder: null, key: null, holding: null };

/** @param {string} sentence */
function tell(sentence) {
  byId("notice").textContent = sentence;
  byId("notice").hidden = !sentence;
}

// Opening -----------------------------------------------------------------------------------------

/** @param {File[]} files */
async function open(files) {
  tell("");
  for (const file of files) {
    if (file.size > MAX_FILE_BYTES) {
      tell(word("holder.not_ours", { name: plain(file.name) }));
      continue;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    const kind = kindOf(text);
    if (!kind) tell(word("holder.not_ours", { name: plain(file.name) }));
    else state[kind] = { name: file.name, bytes, text };
  }
  showFiles();
  prepare();
}

/** @param {string} text */
function kindOf(text) {
  if (text.includes('"certledger/holding/')) return "holder";
  if (text.includes('"certledger/evidence/')) return "evidence";
  return text.includes("-----BEGIN PRIVATE KEY-----") ? "key" : null;
}

function showFiles() {
  const kinds = { evidence: "holder.evidence", holder: "holder.holder_file", key: "holder.key" };
  const lines = Object.entries(kinds)
    .filter(([kind]) => state[kind])
    .map(([kind, name]) => element("li", {}, element("strong", {}, word(name)), ` ${plain(state[kind].name)}`));
  byId("files").replaceChildren(...lines);
}

function prepare() {
  if (!state.evidence) {
    if (state.holder) tell(word("holder.evidence_needed"));
    return;
  }
  try {
    state.holding = openHolding(state.evidence.bytes, state.holder?.bytes ?? null);
  } catch (error) {
    if (!(error instanceof CertledgerError)) throw error;
    state.holding = null;
    byId("form").hidden = true;
    return tell(word(error.code === "disclosure.foreign" ? "holder.two_certificates" : "holder.damaged"));
  }
  showFieldList(state.holding);
}

/** @param {object} holding */
function showFieldList({ evidence, fields }) {
  const { entry } = evidence.catalog;
  byId("what").textContent = plain(`${language === "zh" ? entry.nameZh : entry.nameEn} · ${evidence.state.name}`);
  const lines = fields
    .filter(({ disclosure }) => disclosure.name !== "holder_key")
    .map(({ place, disclosure: { name, value }, required }) =>
      element(
        "label",
        { class: "choice" },
        element("input", { type: "checkbox", name: "place", value: place, checked: required }),
        element(
          "span",
          {},
          element("strong", {}, labelOf(name)),
          " ",
          element("bdi", {}, plain(typeof value === "string" ? value : `SHA-256 ${value.sha256.slice(0, 16)}…`)),
          required && element("span", { class: "quiet" }, ` ${word("holder.required")}`),
        ),
      ),
    );
  byId("fields").replaceChildren(byId("fields").firstElementChild, ...lines);
  byId("request").hidden = !evidence.disclosed.record.bound;
  byId("form").hidden = false;
  byId("made").hidden = true;
}

// Making ------------------------------------------------------------------------------------------

/** The holder's signing key, of a file in PEM. @param {string} pem @returns {Promise<{key: CryptoKey, algorithm: object}>} */
async function importKey(pem) {
  const body = pem.replace(/-----[A-Z ]+-----|\s/g, "");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  const kinds = [
    [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
    [{ name: "Ed25519" }, { name: "Ed25519" }],
  ];
  for (const [kind, algorithm] of kinds) {
    try {
      return { key: await crypto.subtle.importKey("pkcs8", bytes, kind, false, ["sign"]), algorithm };
    } catch {
      // A key of the other kind.
    }
  }
  throw new Error("no key");
}

/** @param {object} shown @returns {Promise<object>} the signed presentation */
async function sign(shown) {
  const request = {
    audience: byId("audience").value.trim(),
    nonce: byId("nonce").value.trim(),
    time: Math.floor(Date.now() / 1000),
  };
  const message = messageToSign(shown, request);
  const { key, algorithm } = await importKey(state.key.text);
  return { ...request, signature: new Uint8Array(await crypto.subtle.sign(algorithm, key, message)) };
}

/** @param {SubmitEvent} event */
async function make(event) {
  event.preventDefault();
  tell("");
  const { bound } = state.holding.evidence.disclosed.record;
  if (bound && !state.key) return tell(word("holder.key_needed"));
  if (bound && !(byId("audience").value.trim() && byId("nonce").value.trim())) {
    return tell(word("holder.request_needed"));
  }
  const chosen = [...document.querySelectorAll('input[name="place"]:checked')].map(({ value }) => Number(value));
  const shown = showFields(state.holding, new Set(chosen), bound);
  let presentation;
  try {
    presentation = bound ? await sign(shown) : null;
  } catch (error) {
    return tell(word(error instanceof CertledgerError ? "holder.request_wrong" : "holder.key_wrong"));
  }
  if (event.submitter.value === "code") showCode(codeOf(shown, presentation));
  else offerFile(fileOf(shown, presentation));
}

/** @param {string} text */
function showCode(text) {
  let modules;
  try {
    modules = qrCode(text);
  } catch {
    return tell(word("holder.too_long"));
  }
  byId("code").replaceChildren(drawing(modules));
  byId("made-text").textContent = word("holder.code_what", { count: text.length });
  byId("save").hidden = true;
  reveal();
}

/** @param {boolean[][]} modules */
function drawing(modules) {
  const side = modules.length + 2 * QUIET_MODULES;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${side} ${side}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", word("holder.made"));
  picture.setAttribute("shape-rendering", "crispEdges");
  const shape = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    picture.append(made);
  };
  shape("rect", { width: side, height: side, fill: "#fff" });
  const dark = modules.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x + QUIET_MODULES} ${y + QUIET_MODULES}h1v1h-1z`] : [])),
  );
  shape("path", { d: dark.join(""), fill: "#000" });
  return picture;
}

/** @param {Uint8Array} bytes */
function offerFile(bytes) {
  const save = byId("save");
  URL.revokeObjectURL(save.href);
  save.href = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  save.download = "evidence.json";
  save.hidden = false;
  byId("code").replaceChildren();
  byId("made-text").textContent = word("holder.file_what");
  reveal();
  save.focus();
}

function reveal() {
  byId("made").hidden = false;
  byId("made").focus();
  byId("made").scrollIntoView({ block: "nearest" });
}

await loadLabels();
byId("file").addEventListener("change", async ({ target }) => {
  await open([...target.files]);
  target.value = "";
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  open([...event.dataTransfer.files]);
});
byId("form").addEventListener("submit", make);
byId("print").addEventListener("click", () => globalThis.print());
document.documentElement.dataset.ready = "yes";
