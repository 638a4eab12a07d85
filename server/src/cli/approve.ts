import type { Approval, Client } from '@slipway/client';
import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { openDialogue } from './ask-person.ts';
import { questionLines, waitingLines } from './approval-text.ts';
import { resolveTaskId } from './task-id.ts';
import { endOfId, shortId } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type ApproveFlags = ConnectionFlags & {
  readonly yes?: boolean;
  readonly deny?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
};

type Decision = 'allow' | 'deny';

const examples = `
Examples:
  slipway approve                              what waits, of all tasks
  slipway approve 77a2ffbd                     ask me about each question of that task
  slipway approve 77a2ffbd 456789ab --yes      allow this one
  slipway approve 77a2ffbd --deny --reason "use the test database"`;

/** `slipway approve`: what agents ask, and the answers. */
export function addApprove(program: Command, cli: Cli): void {
  const command = program
    .command('approve')
    .summary('list what agents ask, and answer')
    .description(
      'Lists the questions that wait, or answers those of a task. Elsewhere than on a terminal nothing is\n' +
        'asked: say --yes or --deny. Where several wait, --yes and --deny want one named.',
    )
    .argument('[id]', "the task's id, or its first 8 characters")
    .argument('[question]', "the question's id, or its last 8 characters")
    .option('-y, --yes', 'allow it')
    .option('--deny', 'deny it')
    .option('--reason <text>', 'told to the agent')
    .option('--json', 'print JSON: {"approvals"}, or each answered question on a line');
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (id: string | undefined, question: string | undefined, flags: ApproveFlags) => {
      await approve(cli, { id, question }, flags);
      cli.end('ok');
    });
}

async function approve(
  cli: Cli,
  given: { readonly id: string | undefined; readonly question: string | undefined },
  flags: ApproveFlags,
): Promise<void> {
  const decision = decisionOf(flags);
  if (given.id === undefined && decision !== undefined) {
    throw new CommandError('usage', 'name the task: slipway approve <id> --yes');
  }
  const client = await cli.connect(flags);
  if (given.id === undefined) {
    const { approvals } = await client.approvals({ signal: cli.signal });
    return list(cli, approvals, flags);
  }
  const taskId = await resolveTaskId(client, given.id, cli.signal);
  const { approvals } = await client.tasks.approvals(taskId, { state: 'waiting', signal: cli.signal });
  const meant = given.question === undefined ? approvals : [named(approvals, given.question)];
  if (decision !== undefined) return answer(cli, client, onlyOne(meant), { decision, flags });
  if (flags.json === true || !isAtTerminal(cli)) return list(cli, meant, flags);
  return askAll(cli, client, meant, flags);
}

function decisionOf(flags: ApproveFlags): Decision | undefined {
  if (flags.yes === true && flags.deny === true) {
    throw new CommandError('usage', 'say either --yes or --deny');
  }
  if (flags.yes === true) return 'allow';
  return flags.deny === true ? 'deny' : undefined;
}

function isAtTerminal({ deps, out }: Cli): boolean {
  return out.isTerminal && 'isTTY' in deps.stdin && deps.stdin.isTTY === true;
}

async function list(cli: Cli, approvals: readonly Approval[], flags: ApproveFlags): Promise<void> {
  if (flags.json === true) return cli.out.json({ approvals });
  if (approvals.length === 0) return cli.out.note('nothing waits for an answer');
  for (const line of waitingLines(cli, approvals)) await cli.out.line(line);
}

function named(approvals: readonly Approval[], name: string): Approval {
  const wanted = name.toLowerCase();
  const found = approvals.filter(({ id }) => id === wanted || (wanted.length >= 4 && id.endsWith(wanted)));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const problem = only === undefined ? 'no such question waits' : 'more than one question ends so';
  throw new CommandError(only === undefined ? 'notFound' : 'usage', `${problem}: ${printableLine(name)}`);
}

/** Nobody allows by accident what they have not seen. */
function onlyOne(approvals: readonly Approval[]): Approval {
  const [only] = approvals;
  if (only === undefined) throw new CommandError('notFound', 'nothing of this task waits for an answer');
  if (approvals.length === 1) return only;
  const names = approvals.map(
    ({ id, tool, summary }) => `  ${endOfId(id)}  ${printableLine(`${tool}: ${summary}`)}`,
  );
  throw new CommandError('usage', [`${approvals.length} questions wait; name one:`, ...names].join('\n'));
}

async function askAll(
  cli: Cli,
  client: Client,
  approvals: readonly Approval[],
  flags: ApproveFlags,
): Promise<void> {
  if (approvals.length === 0) return cli.out.note('nothing waits for an answer');
  using dialogue = openDialogue(cli);
  for (const approval of approvals) {
    for (const line of questionLines(cli, approval)) await cli.out.line(line);
    const said = await dialogue.ask('Allow it? [y]es, [n]o, anything else leaves it: ');
    const decision = /^y(?:es)?$/iu.test(said) ? 'allow' : /^no?$/iu.test(said) ? 'deny' : undefined;
    if (decision === undefined) await cli.out.line(`left: slipway approve ${shortId(approval.task_id)}`);
    else await answer(cli, client, approval, { decision, flags });
  }
}

async function answer(
  cli: Cli,
  client: Client,
  approval: Approval,
  { decision, flags }: { readonly decision: Decision; readonly flags: ApproveFlags },
): Promise<void> {
  const body = { decision, ...(flags.reason === undefined ? {} : { reason: flags.reason }) };
  const { signal } = cli;
  const decided = await client.tasks.answer(approval.task_id, approval.id, body, { signal });
  if (flags.json === true) return cli.out.json(decided);
  await cli.out.line(
    `${printableLine(decided.state)}: ${printableLine(`${decided.tool}: ${decided.summary}`)}`,
  );
}
