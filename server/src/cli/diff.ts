import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import type { Paint, Style } from './output.ts';
import { resolveTaskId } from './task-id.ts';
import { printable } from './untrusted-text.ts';

/** `slipway diff`: what a task changed. */
export function addDiff(program: Command, cli: Cli): void {
  const command = program
    .command('diff')
    .summary('show what a task changed')
    .description('Shows the work of a task as a unified diff; elsewhere than on a terminal to the byte.')
    .argument('<id>', "the task's id, or its first 8 characters");
  withConnection(command)
    .addHelpText('after', '\nExample:\n  slipway diff 77a2ffbd | git apply')
    .action(async (id: string, flags: ConnectionFlags) => {
      const { out, signal } = cli;
      const client = await cli.connect(flags);
      const bytes = await client.tasks.diffBytes(await resolveTaskId(client, id, signal), { signal });
      if (out.isTerminal) await out.line(paintDiff(printable(new TextDecoder().decode(bytes)), out.paint));
      else await out.bytes(bytes);
      cli.end('ok');
    });
}

/** Colours a diff line by line. `--- a` is a header only where a header stands: else it is a removed `-- a`. */
function paintDiff(diff: string, paint: Paint): string {
  let inHeader = false;
  const painted = diff
    .replace(/\n$/u, '')
    .split('\n')
    .map((line) => {
      if (line.startsWith('diff ')) inHeader = true;
      if (line.startsWith('@@')) inHeader = false;
      const style = inHeader ? 'bold' : styleOf(line);
      return style === undefined ? line : paint(style, line);
    });
  return painted.join('\n');
}

function styleOf(line: string): Style | undefined {
  if (line.startsWith('@@')) return 'cyan';
  if (line.startsWith('+')) return 'green';
  return line.startsWith('-') ? 'red' : undefined;
}
