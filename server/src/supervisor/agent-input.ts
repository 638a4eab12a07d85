import type { Writable } from 'node:stream';

import type { ToSupervisor } from './protocol.ts';

/** What is said to a living agent: on its stdin, and by closing that. */
export type AgentInput = {
  readonly take: (message: ToSupervisor) => void;
};

/**
 * Passes messages on to an agent. `stdin` is missing where the run's input was complete at its start;
 * `onFinished` is called when the agent was told to finish and its grace is over, at most once.
 */
export function createAgentInput(stdin: Writable | undefined, onFinished: () => void): AgentInput {
  // As long as the agent lives, and no longer: this process and the agent end together.
  const written = new Set<string>();
  let finishing = false;
  return {
    take(message) {
      if (message.type === 'input') {
        if (stdin === undefined || stdin.writableEnded || written.has(message.key)) return;
        written.add(message.key);
        if (message.end) stdin.end(message.text);
        else stdin.write(message.text);
      } else if (message.type === 'finish' && !finishing) {
        finishing = true;
        if (stdin?.writableEnded === false) stdin.end();
        setTimeout(onFinished, Math.max(0, message.graceMs));
      }
    },
  };
}
