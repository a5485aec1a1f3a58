/** The offline desk: a policy and the day's snapshot, proved here; then verdicts without a network. @module */

import {
  CODES,
  CertledgerError,
  findSuccessors,
  openSnapshot,
  parsePolicy,
  policyFingerprint,
  verifyCompact,
  verifyEvidence,
} from "./certledger-verifier.mjs";
import { Trouble, check, troubleOf, wordsOf } from "./checker.mjs";
import { Camera, readsAlone } from "./code_reader.mjs";
import { recogniseFile, recogniseText } from "./input.mjs";
import { age, bringIntoSight, byId, chinaTime, element, language, newNonce, word } from "./page.mjs";
import { ScannerBox } from "./scanner.mjs";
import { loadLabels, verdictCard } from "./verdict_view.mjs";

const DATABASE = "certledger-desk";
const STORE = "files";
const KINDS = ["policy", "snapshot"];
/** The name of this counter, where the browser remembers it. */
const AUDIENCE = "certledger-audience";
const state = { policy: null, snapshot: null, files: {}, used: new Set(), nonce: "" };
/** Characters of a file in which its kind is looked for. */
const MAX_HEAD_BYTES = 65_536;
/** Above this a file is no snapshot; other files are bounded where they are recognised. */
const MAX_SNAPSHOT_BYTES = 512 * 2 ** 20;
const isServed = location.protocol !== "file:";

/** @param {string} sentence */
function tell(sentence) {
  byId("notice").textContent = sentence;
  byId("notice").hidden = !sentence;
}

// Knowledge ---------------------------------------------------------------------------------------

/** Take a policy or a snapshot; what cannot be read changes nothing. @param {string} kind @param {Uint8Array} bytes */
async function learn(kind, bytes) {
  try {
    await (kind === "policy" ? learnPolicy(bytes) : learnSnapshot(bytes));
  } catch (error) {
    if (!(error instanceof CertledgerError)) throw error;
    throw new Trouble(`${word(kind === "policy" ? "offline.policy_bad" : "offline.snapshot_bad")} (${error.code})`);
  }
}

/**
 * Take the first policy, or one that follows the present one; any other waits for a person, since an applicant's
 * files come in here too. @param {Uint8Array} bytes
 */
async function learnPolicy(bytes) {
  const policy = parsePolicy(bytes);
  if (state.policy?.text === policy.text) return;
  try {
    if (state.policy) findSuccessors(state.policy, [policy]);
  } catch (error) {
    if (!(error instanceof CertledgerError)) throw error;
    return propose(policy, bytes);
  }
  await putPolicy(policy, bytes);
}

/** Put a policy in place, with the snapshot where that proves under it too. @param {object} policy @param {Uint8Array} bytes */
async function putPolicy(policy, bytes) {
  const { snapshot: file } = state.files;
  const snapshot = file ? await openSnapshot(file, policy).catch(() => null) : null;
  Object.assign(state, { policy, snapshot });
  state.files = { policy: bytes, ...(snapshot ? { snapshot: file } : {}) };
}

/** Let a person say whether a policy that does not follow the present one is to replace it. @param {object} policy @param {Uint8Array} bytes */
function propose(policy, bytes) {
  const box = byId("other-policy");
  byId("other-fingerprint").textContent = policyFingerprint(policy).words;
  byId("use-policy").onclick = async () => {
    box.hidden = true;
    await putPolicy(policy, bytes);
    await remember();
    showKnowledge();
  };
  byId("keep-policy").onclick = () => (box.hidden = true);
  box.hidden = false;
}

/** Take a snapshot, unless the one here is newer and proved. @param {Uint8Array} bytes */
async function learnSnapshot(bytes) {
  if (!state.policy) throw new Trouble(word("offline.policy_first"));
  const snapshot = await openSnapshot(bytes, state.policy);
  const present = state.snapshot?.trust;
  if (present?.code === "ok" && (snapshot.trust.code !== "ok" || snapshot.trust.time < present.time)) {
    throw new Trouble(word("offline.snapshot_older"));
  }
  state.snapshot = snapshot;
  state.files.snapshot = bytes;
}

function showKnowledge() {
  const { policy, snapshot } = state;
  const facts = [];
  if (policy) {
    facts.push(element("dt", {}, word("offline.policy")), element("dd", {}, policyFingerprint(policy).words));
  }
  byId("policy-facts").replaceChildren(...facts);
  const trust = snapshot?.trust;
  const isReady = trust?.code === "ok";
  byId("box").disabled = byId("check").disabled = !isReady;
  if (!snapshot) {
    byId("knowledge").textContent = word(policy ? "offline.snapshot_needed" : "offline.knowledge_none");
    return;
  }
  if (!isReady) {
    byId("knowledge").textContent = CODES.get(trust.code)[language];
    return;
  }
  const instant = new Date(trust.time * 1000).toISOString();
  const isOld = Date.now() / 1000 > trust.time + policy.defaultAge;
  byId("knowledge").textContent = word(isOld ? "offline.too_old" : "offline.as_of", {
    time: chinaTime(instant),
    age: age(instant),
  });
  byId("knowledge").className = isOld ? "notice" : "";
  setReady();
  byId("box").focus();
}

/** Say whether the desk is ready, and whether its snapshot is too old. */
function setReady() {
  if (byId("box").disabled) return;
  const isOld = byId("knowledge").className === "notice";
  byId("ready").textContent = word(isOld ? "offline.refresh" : "desk.ready");
  byId("ready").className = `state ${isOld ? "old" : "ready"}`;
}

/** What a file is: a policy, a snapshot, or something to check. @param {File} file */
async function takeFile(file) {
  const head = new Uint8Array(await file.slice(0, MAX_HEAD_BYTES).arrayBuffer());
  const isPolicy = new TextDecoder().decode(head).includes('"certledger/policy/');
  // A snapshot is a stream of zlib.
  const isSnapshot = head[0] === 0x78 && (head[0] * 256 + head[1]) % 31 === 0 && file.size <= MAX_SNAPSHOT_BYTES;
  if (!isPolicy && !isSnapshot) return take(await recogniseFile(file));
  await learn(isPolicy ? "policy" : "snapshot", new Uint8Array(await file.arrayBuffer()));
  await remember();
  showKnowledge();
}

/** @param {Iterable<File>} files */
async function takeFiles(files) {
  tell("");
  // The policy is needed to prove the snapshot.
  const sorted = [...files].sort((left, right) => Number(right.name.includes("policy")) - Number(left.name.includes("policy")));
  for (const file of sorted) {
    try {
      await takeFile(file);
    } catch (error) {
      tell(troubleOf(error).sentence ?? word("reader.unreadable"));
    }
  }
}

/** Fetch policy and snapshot from the service, as a counter that is signed in may. */
async function fetchKnowledge() {
  tell("");
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const headers = { "x-csrf-token": csrf };
  try {
    for (const [kind, path] of [["policy", "/v1/policy"], ["snapshot", "/v1/snapshots/latest"]]) {
      if (kind === "policy" && state.policy) continue; // A known policy is not replaced without a person.
      const response = await fetch(path, { headers });
      if (response.status === 401 || response.status === 403) throw new Trouble(word("offline.sign_in"));
      if (!response.ok) throw new Trouble(word("reader.service_away"));
      await learn(kind, new Uint8Array(await response.arrayBuffer()));
    }
    await remember();
  } catch (error) {
    tell(error instanceof Trouble ? error.message : word("offline.no_network"));
  }
  showKnowledge();
}

// What is remembered ------------------------------------------------------------------------------

/** @template T @param {"readonly" | "readwrite"} mode @param {(store: IDBObjectStore) => IDBRequest<T>} work */
async function withStore(mode, work) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const finished = (request) =>
    new Promise((done, fail) => {
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
  const database = await finished(opening);
  try {
    return await finished(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** Remember policy and snapshot for the next start, where they were fetched from a service. */
async function remember() {
  if (!isServed) return;
  for (const kind of KINDS) {
    const bytes = state.files[kind];
    await withStore("readwrite", (store) => (bytes ? store.put(bytes, kind) : store.delete(kind)));
  }
}

async function recall() {
  if (!isServed) return;
  for (const kind of KINDS) {
    const bytes = await withStore("readonly", (store) => store.get(kind));
    if (bytes) await learn(kind, bytes).catch(() => {});
  }
}

// Checking ----------------------------------------------------------------------------------------

/** What the holder of a bound certificate is to sign for this desk; null while the desk has no name. */
function requestOf() {
  const audience = byId("audience").value.trim();
  return audience ? { audience, nonce: state.nonce } : null;
}

/** Verify by the snapshot. @param {string} text a question as the service takes it */
async function ask(text) {
  const { code, documents = [] } = JSON.parse(text);
  if (!state.snapshot) throw new Trouble(word("offline.needed"));
  const marks = [];
  const isUsed = (mark) => state.used.has(marks[marks.push(mark.join()) - 1]);
  const now = Math.floor(Date.now() / 1000);
  const question = { snapshot: state.snapshot, now, documents, isUsed, request: requestOf() };
  const result = code
    ? verifyCompact(code, question)
    : await verifyEvidence(new TextEncoder().encode(text.slice(12, evidenceEnd(text, documents))), {
        ...question,
        policy: state.policy,
      });
  if (result.verdict === "valid") for (const mark of marks) state.used.add(mark);
  const { code: holder } = result.checks.at(-1);
  if (!question.request && holder.startsWith("holder.")) tell(word("offline.audience_needed"));
  return { result, words: wordsOf(result) };
}

/** Where the evidence ends in a question: its bytes are judged as they are. */
const evidenceEnd = (text, documents) =>
  text.length - 1 - (documents.length ? `,"documents":${JSON.stringify(documents)}`.length : 0);

/** Numbers and short links are looked up at the service, also those in a picture. */
function refuseLookUp() {
  throw new Trouble(word("offline.no_lookup"));
}

/** @param {object} input */
async function take(input) {
  tell("");
  try {
    const { answer } = await check(input, ask, refuseLookUp);
    byId("answer").replaceChildren(verdictCard(answer));
  } catch (error) {
    const { answer, sentence } = troubleOf(error);
    byId("answer").replaceChildren(...(answer ? [verdictCard(answer)] : []));
    if (sentence !== undefined) tell(sentence);
  }
  setReady();
  bringIntoSight(byId("answer"));
  scanner.takeFocus();
}

/** A new applicant: what one holder signed is of no use to the next. */
function beginApplicant() {
  state.nonce = newNonce();
  byId("nonce").textContent = state.nonce;
}

/** Remember this counter's name, where the browser lets a page do so. */
function prepareName() {
  try {
    byId("audience").value ||= localStorage.getItem(AUDIENCE) ?? "";
    byId("audience").addEventListener("change", ({ target }) => localStorage.setItem(AUDIENCE, target.value.trim()));
  } catch {
    // It is typed again each time.
  }
}

// Wiring ------------------------------------------------------------------------------------------

const scanner = new ScannerBox(byId("box"), take, () => (byId("ready").textContent = word("desk.waiting")));

function prepare() {
  byId("file").addEventListener("change", async ({ target }) => {
    await takeFiles([...target.files]);
    target.value = "";
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    takeFiles([...event.dataTransfer.files]);
  });
  const hide = () => (byId("viewer").hidden = true);
  const camera = new Camera(byId("video"), (text) => (hide(), take(recogniseText(text))), tell);
  // A camera is of use where codes are read without a server.
  byId("camera").hidden = !readsAlone();
  byId("camera").addEventListener("click", async () => {
    byId("viewer").hidden = false;
    if (!(await camera.start())) hide();
  });
  byId("camera-stop").addEventListener("click", () => (camera.stop(), hide()));
  prepareName();
  beginApplicant();
  byId("next").addEventListener("click", () => {
    beginApplicant();
    tell("");
    byId("answer").replaceChildren(element("p", { class: "empty" }, word("offline.empty")));
    byId("box").focus();
  });
  byId("fetch").hidden = !isServed;
  byId("fetch").addEventListener("click", fetchKnowledge);
}

async function start() {
  await loadLabels();
  prepare();
  await recall();
  showKnowledge();
  document.documentElement.dataset.ready = "yes";
  if (isServed && navigator.serviceWorker) {
    await navigator.serviceWorker.register("/offline-worker.mjs", { scope: "/offline" });
    await navigator.serviceWorker.ready;
    document.documentElement.dataset.stored = "yes";
  }
}

start();
