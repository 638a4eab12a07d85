import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CommandError } from './command-error.ts';
import type { Cli } from './command.ts';
import { readStdin } from './read-stdin.ts';

/**
 * A secret of at most one line from whom sits at the terminal, who does not see what they type, and else all
 * of stdin. Never an argument: those are in the shell's history and for all to see.
 */
export async function readSecret(cli: Cli, question: string): Promise<string> {
  return isAsked(cli) ? askSecret(cli, question) : readStdin(cli);
}

/** Whether a person would be asked. */
export function isAsked({ deps }: Cli): boolean {
  return 'isTTY' in deps.stdin && deps.stdin.isTTY === true;
}

function askSecret({ deps, signal }: Cli, question: string): Promise<string> {
  signal.throwIfAborted();
  deps.stderr.write(question);
  // What readline would echo goes nowhere.
  const nowhere = new Writable({ write: (_part, _encoding, done) => done() });
  const reader = createInterface({ input: deps.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      reader.removeAllListeners();
      reader.close();
      deps.stderr.write('\n');
      settle();
    };
    const onAbort = (): void => end(() => reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    reader.once('line', (line) => end(() => resolve(line)));
    reader.once('close', () => end(() => resolve('')));
    // The terminal is in raw mode: Ctrl-C is a key, and no signal.
    reader.once('SIGINT', () => end(() => reject(new CommandError('interrupted', 'interrupted'))));
  });
}
