import { text } from 'node:stream/consumers';
import { addAbortSignal, Readable } from 'node:stream';
import { CommandError } from './command-error.ts';
import type { Cli } from './command.ts';

/**
 * The prompt that an argument means: itself, or all of stdin for `-`. Throws `CommandError` with `usage`
 * (how to give one) where there is none.
 */
export async function readPrompt(cli: Cli, given: string | undefined, usage: string): Promise<string> {
  const prompt = given === '-' ? await readAll(cli) : given;
  if (prompt !== undefined && prompt.trim() !== '') return prompt;
  throw new CommandError('usage', given === '-' ? 'the prompt on stdin is empty' : usage);
}

async function readAll(cli: Cli): Promise<string> {
  const stdin = new Readable().wrap(cli.deps.stdin);
  try {
    return await text(addAbortSignal(cli.signal, stdin));
  } catch (error) {
    cli.signal.throwIfAborted();
    throw error;
  }
}
