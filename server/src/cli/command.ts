import type { Client } from '@slipway/client';
import { InvalidArgumentError, type Command } from 'commander';
import type { CliDeps } from './cli-deps.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import type { Output } from './output.ts';

/** What every command works with. */
export type Cli = {
  readonly deps: CliDeps;
  readonly out: Output;
  /** Aborted when the user interrupts, or when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly connect: (flags: ConnectionFlags) => Promise<Client>;
  /** Takes the exit of the command that ran: commander drops what an action returns. */
  readonly end: (exit: ExitName | number) => void;
};

/** Adds the flags that every command has which talks to a server. */
export function withConnection(command: Command): Command {
  return command
    .option('--server <url>', 'address of the server (default: the one running on this machine)')
    .option('--token-file <file>', 'file that holds the token for that server');
}

/** A parser for a flag's whole number within bounds, both included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d{1,9}$/u.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
  };
}

/** A parser for a flag that may be given several times: all its values, in their order. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** A parser for a length of time: `90`, `90s`, `10m` or `1h`, to seconds. */
export function seconds(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d{1,6})([smh])?$/u.exec(text) ?? [];
  const value = Number(digits) * (unit === 'h' ? 3600 : unit === 'm' ? 60 : 1);
  if (value > 0) return value;
  throw new InvalidArgumentError('It has to be a length of time such as 90s, 10m or 1h.');
}

/** A parser for an amount of money: `5`, `2.50`, `0.05`, to dollars. */
export function dollars(text: string): number {
  const value = /^\d{1,6}(?:\.\d{1,6})?$/u.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('It has to be an amount of dollars such as 5 or 2.50.');
}
