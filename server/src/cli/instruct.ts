import type { TaskEvent } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readPrompt } from './prompt.ts';
import { seeThrough } from './see-through.ts';
import { resolveTaskId } from './task-id.ts';
import { shortId } from './task-text.ts';

type InstructFlags = ConnectionFlags & { readonly follow: boolean; readonly json?: boolean };

const noPrompt = 'give an instruction: slipway instruct <id> "what to do next"';

/** `slipway instruct`: the next instruction for a task that is done with the ones before. */
export function addInstruct(program: Command, cli: Cli): void {
  const command = program
    .command('instruct')
    .summary('give a finished task its next instruction, and follow it')
    .description(
      'Gives a task that has completed its next instruction, in the same workspace and, where the agent has\n' +
        'one, the same conversation; follows it to its end. Interrupting (Ctrl-C) stops following.',
    )
    .argument('<id>', "the task's id, or its first 8 characters")
    .argument('<prompt>', 'what to do next; - reads it from stdin')
    .option('--no-follow', 'do not follow: print the number of the iteration and return')
    .option('--json', 'print one JSON object a line: the answer, the events, the end, the task');
  withConnection(command).action(async (id: string, prompt: string, flags: InstructFlags) => {
    cli.end(await instruct(cli, id, prompt, flags));
  });
}

async function instruct(cli: Cli, given: string, prompt: string, flags: InstructFlags): Promise<ExitName> {
  const { out, signal } = cli;
  const json = flags.json === true;
  const text = await readPrompt(cli, prompt, noPrompt);
  const client = await cli.connect(flags);
  const taskId = await resolveTaskId(client, given, signal);
  const { id, iteration, status } = await client.tasks.instruct(taskId, text, { signal });
  if (json) await out.json({ type: 'instructed', id, status, iteration });
  else await out.line(`task ${id}, iteration ${iteration}`);
  if (!flags.follow) {
    if (!json) await out.line(`follow it with: slipway logs -f ${shortId(id)}`);
    return 'ok';
  }
  // What happened before the instruction is known, or can be read with `logs`.
  const startsAt = (event: TaskEvent): boolean =>
    event.event === 'instruction_added' && event.data.iteration >= iteration;
  return seeThrough(cli, client, id, { json, startsAt });
}
