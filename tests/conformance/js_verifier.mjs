/**
 * The conformance suite's protocol, spoken by the JavaScript verifier:
 * `node js_verifier.mjs --evidence FILE --policy FILE ... --at TIME`, or `node js_verifier.mjs --batch` for many
 * questions: one JSON list of arguments a line on standard input, one line `[exit status, result or code of the
 * error]` a question on standard output.  A second `--snapshot` is a delta to the first, and so on; a second
 * `--policy` follows the first.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The file that is served, or another one, such as the modules that it is made from. */
const SERVED = fileURLToPath(new URL("../../api/web/static/certledger-verifier.mjs", import.meta.url));
const verifier = await import(pathToFileURL(resolve(process.env.CERTLEDGER_JS ?? SERVED)).href);

const EXITS = { valid: 0, not_in_force: 1, not_genuine: 1, cannot_tell: 3 };
const UNUSABLE = 2;
const OPTIONS = ["evidence", "policy", "document", "snapshot", "audience", "nonce", "at"];

/** Arguments that no verdict can be reached with. */
class Usage extends Error {}

/** @param {string[]} words @returns {{[option: string]: string[]}} */
function parseArguments(words) {
  const given = Object.fromEntries(OPTIONS.map((option) => [option, []]));
  for (let at = 0; at < words.length; at += 2) {
    const [option, value] = [words[at].replace(/^--/, ""), words[at + 1]];
    if (!OPTIONS.includes(option) || value === undefined) throw new Usage(`${words[at]} cannot be used`);
    given[option].push(value);
  }
  for (const option of ["evidence", "at"]) {
    if (given[option].length !== 1) throw new Usage(`--${option} is needed, once`);
  }
  if (!given.policy.length) throw new Usage("--policy is needed");
  if (given.audience.length !== given.nonce.length) throw new Usage("--audience and --nonce go together");
  return given;
}

/** @param {string} file @returns {Uint8Array} */
function read(file) {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new Usage(error.message);
  }
}

/** Policies and snapshots by the bytes of their files: in a batch most questions have the same. */
const cache = new Map();

/** @template T @param {string} kind @param {Uint8Array[]} files @param {() => T} make @returns {T} */
function cached(kind, files, make) {
  const key = kind + files.map((bytes) => Buffer.from(bytes).toString("latin1")).join("\n\n");
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
}

/** The text of a code; bytes that are none become a character that no code has. */
const decode = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** @param {Uint8Array[]} files a snapshot, and deltas to it @param {verifier.Policy} policy */
async function openSnapshot([whole, ...deltas], policy) {
  let snapshot = await verifier.openSnapshot(whole, policy);
  for (const delta of deltas) snapshot = await verifier.updateSnapshot(snapshot, delta);
  return snapshot;
}

/** The last policy of a chain, oldest first. @param {Uint8Array[]} files @returns {verifier.Policy} */
function newestOf(files) {
  return verifier.findSuccessors(null, files.map(verifier.parsePolicy)).at(-1);
}

/** @param {string[]} words @returns {Promise<[number, string]>} exit status, and what to print */
async function answer(words) {
  const given = parseArguments(words);
  const [evidence] = given.evidence;
  const files = given.policy.map(read);
  const policy = cached("policy", files, () => newestOf(files));
  const question = {
    policy,
    now: verifier.parseTime(given.at[0]),
    documents: given.document.map(read),
    request: given.audience.length ? { audience: given.audience[0], nonce: given.nonce[0] } : null,
  };
  const bytes = read(evidence);
  let result;
  const snapshots = given.snapshot.map(read);
  // A snapshot that cannot be used is refused with full evidence too.
  const snapshot = snapshots.length
    ? await cached(`snapshot ${files.length} `, [...files, ...snapshots], () => openSnapshot(snapshots, policy))
    : undefined;
  if (evidence.endsWith(".txt")) {
    if (!snapshot) throw new Usage("a code is judged by a --snapshot");
    result = verifier.verifyCompact(decode(bytes), { ...question, snapshot });
  } else {
    result = verifier.verifyEvidence(bytes, { ...question, snapshot });
  }
  return [EXITS[result.verdict], verifier.canonicalText(result)];
}

/** @param {string[]} words @returns {Promise<[number, string]>} */
async function answerOrRefuse(words) {
  try {
    return await answer(words);
  } catch (error) {
    if (!(error instanceof Usage || error instanceof verifier.CertledgerError)) throw error;
    return [UNUSABLE, error instanceof verifier.CertledgerError ? error.code : error.message];
  }
}

if (process.argv[2] === "--batch") {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answerOrRefuse(JSON.parse(line)))}\n`);
  }
} else {
  const [status, output] = await answerOrRefuse(process.argv.slice(2));
  (status === UNUSABLE ? process.stderr : process.stdout).write(output);
  process.exitCode = status;
}
