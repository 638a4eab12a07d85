import { readFile } from 'node:fs/promises';
import { CommandError } from './command-error.ts';
import type { Cli } from './command.ts';
import { readStdin } from './read-stdin.ts';

/**
 * The JSON object in a file, or on stdin for `-`. Throws `CommandError`, which names the place and repeats nothing of
 * what stands there: it may be secret.
 */
export async function readJsonObject(cli: Cli, path: string): Promise<Readonly<Record<string, unknown>>> {
  const place = path === '-' ? 'what is on stdin' : path;
  const value = parse(path === '-' ? await readStdin(cli) : await readText(path), place);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new CommandError('usage', `${place} is no JSON object`);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new CommandError('usage', `${path} cannot be read (${reason})`);
  }
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [where = ''] = /\(line \d+ column \d+\)/u.exec(String(error)) ?? [];
    throw new CommandError('usage', `${place} is not JSON ${where}`.trim());
  }
}
