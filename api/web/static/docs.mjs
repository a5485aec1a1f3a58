/** Send the example requests of the API's page, with the session of who is signed in. @module */

import { language, plain, word } from "./page.mjs";

const MAX_SHOWN_CHARACTERS = 20_000;
const MAX_WAIT_MILLISECONDS = 60_000;

/** @param {HTMLFormElement} form */
function addressOf(form) {
  const fields = [...form.querySelectorAll("input[data-where]")];
  const path = form.dataset.path.replace(/\{([^}:]+)[^}]*\}/g, (_, name) =>
    encodeURIComponent(fields.find((field) => field.name === name)?.value ?? ""),
  );
  const query = fields
    .filter((field) => field.dataset.where === "query" && field.value !== "")
    .map((field) => [field.name, field.value]);
  return query.length ? `${path}?${new URLSearchParams(query)}` : path;
}

/** @param {HTMLFormElement} form */
async function send(form) {
  const headers = { accept: "application/json", "accept-language": language };
  headers["x-csrf-token"] = document.querySelector('meta[name="csrf"]').content;
  for (const field of form.querySelectorAll('input[data-where="header"]')) {
    if (field.value) headers[field.name] = field.value;
  }
  const body = form.elements.namedItem("body")?.value;
  if (body !== undefined) headers["content-type"] = "application/json";
  const signal = AbortSignal.timeout(MAX_WAIT_MILLISECONDS);
  return fetch(addressOf(form), { method: form.dataset.method, headers, body, signal });
}

/** @param {Response} answer */
async function describe(answer) {
  const type = answer.headers.get("content-type") ?? "";
  if (!/json|text/.test(type)) {
    const data = await answer.arrayBuffer();
    return `${answer.status} ${answer.statusText}\n${type}, ${word("docs.bytes", { n: data.byteLength })}`;
  }
  let text = await answer.text();
  try {
    text = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not JSON: shown as it is.
  }
  const lines = text.slice(0, MAX_SHOWN_CHARACTERS).split("\n").map(plain).join("\n");
  const more = text.length > MAX_SHOWN_CHARACTERS ? `\n${word("docs.more")}` : "";
  return `${answer.status} ${answer.statusText}\n${lines}${more}`;
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const box = form.parentElement.querySelector(".answer");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      box.textContent = await describe(await send(form));
    } catch {
      box.textContent = word("docs.network");
    } finally {
      button.disabled = false;
      box.hidden = false;
      box.focus();
    }
  });
}
