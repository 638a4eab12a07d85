import type { Secret } from './secret.ts';

/**
 * What a room may say to the operator. One event a line: a constant message and fields. Secrets are kept
 * out by type (`Secret`) and, for text that comes from outside, by the redactor behind the implementation.
 */
export type Logger = {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
};

/** The log of a process, which also learns what it must not say. */
export type ProcessLog = Logger & {
  /** For a secret that was not configured, such as a stored one that was opened: no later line holds it. */
  readonly hide: (secret: Secret) => void;
};

/** Says nothing: for tests and for commands that print for themselves. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
