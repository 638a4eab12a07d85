import type { Client, WorkflowParams } from '@slipway/client';
import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import { repeated, withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { followRun } from './follow-run.ts';
import { readJsonObject } from './read-json.ts';
import { leaveGoing } from './see-through.ts';
import { endOfId } from './task-text.ts';
import { runLines, runOutcome } from './workflow-text.ts';

type RunFlags = ConnectionFlags & {
  readonly param?: readonly string[];
  readonly paramsFile?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
};

const examples = `
What is secret does not belong on a command line: give it in a file, or on stdin.

Examples:
  slipway workflow run github-issue-fixer repo_url=https://github.com/ada/app.git issue_number=42
  slipway workflow run my-workflow item_id=7 --params-file - < rest.json
  slipway workflow run code-review repo_url=https://example.com/app.git prompt='Fix the login' -d`;

/** `slipway workflow run`: starts a run, follows it to its end, and says what its steps left. */
export function addRunWorkflow(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('run')
    .summary('run a workflow, and follow it')
    .description(
      'Starts a run of a workflow, follows its steps to the end, and says what they left.\n' +
        'Interrupting (Ctrl-C) stops following; the run goes on.',
    )
    .argument('<name>', "the workflow's name")
    .argument('[key=value...]', 'values for its parameters, which `slipway workflow show` lists')
    .option('--param <key=value>', 'the same; can be given several times', repeated)
    .option('--params-file <file>', 'a file with values as a JSON object; - reads it from stdin')
    .option('-d, --detach', 'do not follow: print the id and return')
    .option('--json', 'print one JSON object a line: the run as started, its events, its end, the run');
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (name: string, values: readonly string[], flags: RunFlags) => {
      cli.end(await runWorkflow(cli, name, [...values, ...(flags.param ?? [])], flags));
    });
}

async function runWorkflow(
  cli: Cli,
  name: string,
  values: readonly string[],
  flags: RunFlags,
): Promise<ExitName> {
  const { out, signal } = cli;
  const json = flags.json === true;
  const given = pairsOf(values);
  const params = {
    // What they have to be, the server knows best.
    ...(flags.paramsFile === undefined
      ? {}
      : ((await readJsonObject(cli, flags.paramsFile)) as WorkflowParams)),
    ...given,
  };
  const client = await cli.connect(flags);
  const started = await client.workflows.run(name, params, { signal });
  const id = started.run_id;
  if (json) await out.json({ type: 'started', ...started });
  else await out.line(`run ${id}`);
  if (flags.detach !== true) return seeRunThrough(cli, client, id, json);
  if (!json) await out.line(`follow it with: slipway workflow logs -f ${endOfId(id)}`);
  return 'ok';
}

/** `key=value` each; a later one of a key wins. The value is everything behind the first `=`. */
function pairsOf(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values.map((value) => {
      const at = value.indexOf('=');
      if (at > 0) return [value.slice(0, at), value.slice(at + 1)];
      throw new CommandError('usage', 'a parameter is given as key=value');
    }),
  );
}

async function seeRunThrough(cli: Cli, client: Client, id: string, json: boolean): Promise<ExitName> {
  try {
    await followRun(cli, client, id, { json });
    const run = await client.workflows.runs.get(id, { signal: cli.signal });
    if (json) await cli.out.json({ type: 'run', run });
    else for (const line of ['', ...runLines(cli, run)]) await cli.out.line(line);
    return runOutcome(run);
  } catch (error) {
    const name = endOfId(id);
    return leaveGoing(cli, error, {
      what: 'the run',
      follow: `slipway workflow logs -f ${name}`,
      end: `slipway workflow cancel ${name}`,
    });
  }
}
