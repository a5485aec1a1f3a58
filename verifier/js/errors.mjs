/** The one exception of bad input, and how to make it. @module */

/** Input that breaks a rule. `code` is one of the specification's, the message a sentence for people. */
export class Refusal extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

/** @param {string} code @param {string} message @returns {never} */
export function refuse(code, message) {
  throw new Refusal(code, message);
}

/** What a proof gives, null where it does not hold. @template T @param {() => T} prove @returns {T | null} */
export function orNull(prove) {
  try {
    return prove();
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
