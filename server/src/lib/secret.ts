import { inspect } from 'node:util';

/**
 * A value that cannot be printed by accident: `String()`, JSON, template literals and `util.inspect` all
 * show a mark instead. `reveal()` is the one way out, easy to search for in review.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where the value leaves the process on purpose. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
