import { text } from 'node:stream/consumers';
import { addAbortSignal, Readable } from 'node:stream';
import type { Cli } from './command.ts';

/** All of stdin as text. Rejects with the reason of the command's signal. */
export async function readStdin({ deps, signal }: Pick<Cli, 'deps' | 'signal'>): Promise<string> {
  const stdin = new Readable().wrap(deps.stdin);
  try {
    return await text(addAbortSignal(signal, stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
