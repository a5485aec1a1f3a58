/** Sign typed data with a browser wallet (EIP-1193, EIP-712). @module */

import { plain, word } from "./page.mjs";

/** Why a wallet did not sign: a name in the section `acts` of the words, and what to fill in. */
export class WalletError extends Error {
  /** @param {string} name @param {{[slot: string]: unknown}} values */
  constructor(name, values = {}) {
    super(name);
    this.name = name;
    this.values = values;
  }
}

/** What people read of it. @param {WalletError} error */
export function walletSentence({ name, values }) {
  const shown = Object.entries(values).map(([slot, value]) => [slot, plain(value)]);
  return word(`acts.${name}`, Object.fromEntries(shown));
}

const REJECTED_BY_USER = 4001;
/** Characters of a wallet's own message that are shown. */
const MAX_DETAIL_CHARACTERS = 300;

/** Whether a wallet is here. */
export const hasWallet = () => typeof globalThis.ethereum?.request === "function";

/**
 * Ask the wallet for a signature of an act; refuses another chain or account before it is asked.
 * @param {{typed_data: any, may_sign: string[], signed_by: string[]}} act
 * @returns {Promise<string>} the signature in hexadecimal
 * @throws {WalletError}
 */
export async function signWithWallet(act) {
  if (!hasWallet()) throw new WalletError("wallet_absent");
  try {
    const account = (await ask("eth_requestAccounts"))?.[0];
    if (typeof account !== "string") throw new WalletError("wallet_rejected");
    await checkChain(act.typed_data.domain.chainId);
    const address = account.toLowerCase();
    if (act.signed_by.includes(address)) throw new WalletError("wallet_signed", { address });
    if (!act.may_sign.includes(address)) throw new WalletError("wallet_account", { address });
    return await ask("eth_signTypedData_v4", [account, JSON.stringify(act.typed_data)]);
  } catch (error) {
    if (error instanceof WalletError) throw error;
    if (error?.code === REJECTED_BY_USER) throw new WalletError("wallet_rejected");
    throw new WalletError("wallet_failed", { detail: String(error?.message ?? error).slice(0, MAX_DETAIL_CHARACTERS) });
  }
}

/** @param {string} method @param {unknown[]} params */
const ask = (method, params = []) => globalThis.ethereum.request({ method, params });

/** @param {number} wanted */
async function checkChain(wanted) {
  if (Number(await ask("eth_chainId")) === wanted) return;
  try {
    await ask("wallet_switchEthereumChain", [{ chainId: `0x${wanted.toString(16)}` }]);
  } catch {
    // The wallet does not know the chain, or its user declined; compared again below.
  }
  const chain = Number(await ask("eth_chainId"));
  if (chain !== wanted) throw new WalletError("wallet_chain", { chain, wanted });
}
