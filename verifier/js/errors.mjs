/** The error of input that breaks a rule of the specification. @module */

/**
 * Input that breaks a rule. `code` is one of SPEC 18.5 or of the sections it names; `message` is for people.
 */
export class CertledgerError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "CertledgerError";
    this.code = code;
  }
}

/** Throw a `CertledgerError`. @param {string} code @param {string} message @returns {never} */
export function fail(code, message) {
  throw new CertledgerError(code, message);
}

/**
 * Return what `compute` returns, or null where the input breaks a rule. Other errors are thrown on.
 * @template T @param {() => T} compute @returns {T | null}
 */
export function valueOrNull(compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof CertledgerError) return null;
    throw error;
  }
}
