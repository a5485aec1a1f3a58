/**
 * What a scanner types goes to the box of a desk: wherever the focus is, in pieces, with or without Enter, in
 * whatever keyboard layout or input method the computer has.
 * @module
 */

import { parseCompactEvidence } from "./certledger-verifier.mjs";
import { recogniseText } from "./input.mjs";
/** @import { Input } from "./input.mjs" */

/** Time after which a scanner sends nothing more. */
const PAUSE_MILLISECONDS = 400;
const MAX_CHARACTERS = 16_384;
/** How codes and links begin; no certificate's number and no name does. */
const BEGINS = /CL[0-9]+:|https?:\/\//i;
/** A link of ours whose end has not come yet. */
const PART_OF_LINK = /^https?:\/\/[^\s/]*(\/(v(#\S*)?)?)?$/i;
const TEXT_FIELD = "input:not([type=file], [type=checkbox], [type=radio]), textarea";
/** Keys after which it was a person who typed. */
const EDITING = new Set(["Backspace", "Delete", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/** What the keys of an American keyboard type, alone and with Shift; scanners press these keys. */
const AMERICAN = new Map([
  ...Array.from("abcdefghijklmnopqrstuvwxyz", (letter) => [`Key${letter.toUpperCase()}`, letter + letter.toUpperCase()]),
  ...Array.from(")!@#$%^&*(", (shifted, digit) => [`Digit${digit}`, `${digit}${shifted}`]),
  ["Backquote", "`~"], ["Minus", "-_"], ["Equal", "=+"], ["BracketLeft", "[{"], ["BracketRight", "]}"],
  ["Backslash", "\\|"], ["Semicolon", ";:"], ["Quote", "'\""], ["Comma", ",<"], ["Period", ".>"], ["Slash", "/?"],
  ["Space", "  "],
]);

/** Whether a code or a link has come whole. @param {string} text */
function isWhole(text) {
  const input = recogniseText(text);
  if (input.kind === "foreign" && input.name === "link") return !PART_OF_LINK.test(text.trim());
  if (input.kind !== "compact") return true;
  try {
    parseCompactEvidence(input.text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is a whole code or link of ours, after which nothing more comes. @param {string} text */
function isComplete(text) {
  const { kind } = recogniseText(text);
  return (kind === "compact" || (kind === "link" && BEGINS.test(text))) && isWhole(text);
}

/** Whether a dialog is open, beside which nothing can have the focus. */
const isModal = () => document.querySelector("dialog[open]") !== null;

/**
 * The keys pressed of late, read twice: as the computer's layout has them, and as an American keyboard would. An
 * input method swallows the first reading, and a foreign layout garbles it; a scanner that is set to the computer's
 * layout garbles the second.
 */
class PressedKeys {
  constructor() {
    this.clear();
  }

  clear() {
    this.readings = ["", ""];
  }

  /** @param {KeyboardEvent} event */
  press({ key, code, shiftKey }) {
    if (EDITING.has(key)) return this.clear();
    const typed = key.length === 1 ? key : "";
    const letters = [typed, AMERICAN.get(code)?.[Number(shiftKey)] ?? typed];
    this.readings = this.readings.map((text, at) => (text + letters[at]).slice(-MAX_CHARACTERS));
  }

  /** The readings in which a code begins, from there on. */
  get codes() {
    return this.readings.filter((text) => BEGINS.test(text)).map((text) => text.slice(text.search(BEGINS)));
  }

  /** The reading that is a whole code or link, if one is. @returns {string | undefined} */
  get whole() {
    return this.codes.find(isComplete);
  }
}

/** A desk's box, and the keyboard around it. */
export class ScannerBox {
  #pieces = "";
  #timer = 0;
  #keys = new PressedKeys();
  /** Whether the keys of a scanner are held off what has the focus. */
  #isDiverted = false;

  /**
   * @param {HTMLTextAreaElement} box in a form, whose button does as Enter does
   * @param {(input: Input, text: string) => void} take @param {() => void} wait says that more is awaited
   */
  constructor(box, take, wait) {
    Object.assign(this, { box, take, wait });
    box.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#end();
    });
    box.addEventListener("input", (event) => {
      if (!event.isComposing) this.#schedule();
    });
    document.addEventListener("keydown", (event) => this.#press(event), true);
  }

  /** Whether something is coming in, which a change of the focus would tear. */
  get isReceiving() {
    return Boolean(this.box.value || this.#pieces || this.#isDiverted);
  }

  /** Take the focus back, unless somebody is typing into another field. @param {Element | null} left which is done with */
  takeFocus(left = null) {
    const { activeElement } = document;
    if (activeElement === left || !activeElement?.matches(TEXT_FIELD)) this.box.focus({ preventScroll: true });
  }

  /** Put back what was typed, so that it need not be typed again; the next scan replaces it. @param {string} text */
  restore(text) {
    if (this.isReceiving) return;
    this.box.value = text;
    this.box.select();
  }

  #schedule() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Without Enter only a code is taken by itself: a person may still be typing.
      if (this.#pieces || this.#isDiverted || this.#keys.whole || isComplete(this.box.value)) this.#end(true);
    }, PAUSE_MILLISECONDS);
  }

  /** Take what has come. @param {boolean} isLast whether nothing more will come */
  #end(isLast = false) {
    const typed = this.#pieces + this.box.value.replace(/[\r\n]+/g, "");
    const text = this.#keys.whole ?? (this.#isDiverted ? this.#keys.codes[0] : typed);
    if (!text?.trim()) return;
    if (!isLast && !isWhole(text)) {
      if (!this.#isDiverted) [this.#pieces, this.box.value] = [typed.slice(0, MAX_CHARACTERS), ""];
      this.wait();
      return this.#schedule();
    }
    clearTimeout(this.#timer);
    if (!this.#isDiverted) this.box.value = "";
    this.#keys.clear();
    [this.#pieces, this.#isDiverted] = ["", false];
    this.take(recogniseText(text), text);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { target, key, code } = event;
    // Control and Alt together are AltGr, which types.
    if (event.ctrlKey !== event.altKey || event.metaKey || this.box.disabled) return;
    if (/Enter$/.test(code) || key === "Enter" || key === "Tab") return this.#endByKey(event);
    this.#keys.press(event);
    const isField = target.matches?.(TEXT_FIELD) ?? false;
    const isBegun = this.#keys.codes.length > 0;
    if (isBegun && target !== this.box && (isField || isModal()) && !this.#isDiverted) this.#divert(target);
    if (this.#isDiverted && key.length === 1) event.preventDefault();
    if (isBegun) this.#schedule();
    if (!isField && !isModal() && key.length === 1 && key !== " ") this.box.focus();
  }

  /** A key that ends what a scanner sends, or what a person types into the box. @param {KeyboardEvent} event */
  #endByKey(event) {
    const isScanned = this.#isDiverted || this.#keys.whole !== undefined;
    const isTyped = event.target === this.box && event.key === "Enter" && !event.isComposing;
    if (!isScanned && !isTyped) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.isComposing) this.box.blur(); // Ends what an input method has made of the keys.
    this.#end();
  }

  /** Hold a code off a field, and take out what came of it. @param {HTMLInputElement} field */
  #divert(field) {
    this.#isDiverted = true;
    if (!field.matches(TEXT_FIELD)) return;
    const [code] = this.#keys.codes;
    const at = field.selectionStart;
    field.setRangeText("", Math.max(at - code.length + 1, 0), at, "end");
  }
}
