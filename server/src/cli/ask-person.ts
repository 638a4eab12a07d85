import { createInterface } from 'node:readline';
import type { Cli } from './command.ts';

/** A talk with the person at the terminal; reads stdin until it is disposed of. */
export type Dialogue = {
  /**
   * Resolves with the line that was typed, without spaces around it; empty where stdin ends. Rejects with
   * the reason of the command's signal.
   */
  readonly ask: (question: string) => Promise<string>;
  readonly [Symbol.dispose]: () => void;
};

export function openDialogue({ deps, signal }: Cli): Dialogue {
  const reader = createInterface({ input: deps.stdin, terminal: false });
  const lines = reader[Symbol.asyncIterator]();
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => undefined);
  const onAbort = (): void => interrupted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    async ask(question) {
      signal.throwIfAborted();
      deps.stdout.write(question);
      const line = await Promise.race([lines.next(), interrupted.promise]);
      return line.done === true ? '' : line.value.trim();
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', onAbort);
      reader.close();
    },
  };
}
