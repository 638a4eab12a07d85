import type { ExitName } from './exit-codes.ts';

/** A known end of a command: printed as it is, without a stack. */
export class CommandError extends Error {
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string) {
    super(message);
    this.name = 'CommandError';
    this.exit = exit;
  }
}
