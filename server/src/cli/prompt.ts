import { CommandError } from './command-error.ts';
import type { Cli } from './command.ts';
import { readStdin } from './read-stdin.ts';

/**
 * The prompt that an argument means: itself, or all of stdin for `-`. Throws `CommandError` with `usage`
 * (how to give one) where there is none.
 */
export async function readPrompt(cli: Cli, given: string | undefined, usage: string): Promise<string> {
  const prompt = given === '-' ? await readStdin(cli) : given;
  if (prompt !== undefined && prompt.trim() !== '') return prompt;
  throw new CommandError('usage', given === '-' ? 'the prompt on stdin is empty' : usage);
}
