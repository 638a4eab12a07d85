import type { Workflow, WorkflowInput } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readJsonObject } from './read-json.ts';
import { tableLines } from './table.ts';
import { timeText } from './task-text.ts';
import { printable, printableLine } from './untrusted-text.ts';
import { addCancelRun } from './workflow-cancel.ts';
import { addRunWorkflow } from './workflow-run.ts';
import { addRunLogs, addRunStatus, addRuns } from './workflow-runs.ts';

type WorkflowFlags = ConnectionFlags & { readonly json?: boolean };

/** `slipway workflow`: steps that are done one after the other, and their runs. */
export function addWorkflow(program: Command, cli: Cli): void {
  const workflow = program
    .command('workflow')
    .alias('workflows')
    .summary('keep and run workflows, and see to their runs')
    .description(
      'Requests, tasks and pull requests, one after the other, each with what the ones before left.\n' +
        'Without a word behind it, the workflows are listed.',
    );
  addListing(workflow, cli);
  addShow(workflow, cli);
  addAdd(workflow, cli);
  addRemove(workflow, cli);
  for (const add of [addRunWorkflow, addRuns, addRunStatus, addRunLogs, addCancelRun]) add(workflow, cli);
}

function addListing(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list the workflows')
    .description('Lists the workflows: those of the server, then yours. Parameters in [ ] can be left out.')
    .option('--json', 'print one JSON object: {"workflows"}');
  withConnection(command).action(async (flags: WorkflowFlags) => {
    const { out, signal } = cli;
    const found = await (await cli.connect(flags)).workflows.list({ signal });
    cli.end('ok');
    if (flags.json === true) return out.json(found);
    const rows = found.workflows.map(({ name, steps, parameters }) =>
      [
        name,
        steps.map(({ type }) => type).join(' '),
        parameters
          .map((parameter) => (parameter.required ? parameter.name : `[${parameter.name}]`))
          .join(' '),
      ].map(printableLine),
    );
    for (const line of tableLines(out, ['NAME', 'STEPS', 'PARAMETERS'], rows)) await out.line(line);
  });
}

function addShow(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('show')
    .summary('show a workflow: its parameters and its steps')
    .description('Shows a workflow: its parameters and its steps, without what is secret in them.')
    .argument('<name>', "the workflow's name")
    .option('--json', 'print one JSON object: the workflow');
  withConnection(command).action(async (name: string, flags: WorkflowFlags) => {
    const found = await (await cli.connect(flags)).workflows.get(name, { signal: cli.signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(found);
    for (const line of workflowLines(cli, found)) await cli.out.line(line);
  });
}

function workflowLines({ out }: Cli, { name, builtin, ...workflow }: Workflow): readonly string[] {
  const parameters = workflow.parameters.map((parameter) =>
    [
      parameter.name,
      parameter.required ? 'required' : 'optional',
      parameter.default ?? '',
      parameter.description ?? '',
    ].map(printableLine),
  );
  const created = workflow.created_at === undefined ? '' : timeText(workflow.created_at);
  return [
    `${out.paint('dim', 'workflow'.padEnd(14))}${printableLine(name)}`,
    `${out.paint('dim', 'created'.padEnd(14))}${builtin ? 'with the server' : created}`,
    ...(workflow.description === '' ? [] : ['', printable(workflow.description).trim()]),
    ...(parameters.length === 0
      ? []
      : ['', ...tableLines(out, ['PARAMETER', '', 'DEFAULT', 'ABOUT'], parameters)]),
    ...workflow.steps.flatMap((step, index) => [
      '',
      `${out.paint('bold', `${index + 1}. ${printableLine(step.name)}`)} (${printableLine(step.type)})`,
      ...Object.entries(step.config).map(([field, value]) => configLine(field, value)),
    ]),
  ];
}

/** A setting of a step: a text as it is, below its name where it has lines. */
function configLine(field: string, value: unknown): string {
  const text = printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).trim();
  const name = `   ${printableLine(field)}:`;
  return text.includes('\n') ? `${name}\n${text.replaceAll(/^/gmu, '     ')}` : `${name} ${text}`;
}

function addAdd(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('add')
    .summary('keep a workflow that a file describes')
    .description(
      'Keeps a workflow under a name of its own. The server says what is wrong with it, and where.',
    )
    .argument('<file>', 'a file with its JSON: {"name", "steps", "parameters"}; - reads it from stdin')
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (file: string, flags: WorkflowFlags) => {
    // What a definition has to be, the server knows best.
    const input = (await readJsonObject(cli, file)) as WorkflowInput;
    const created = await (await cli.connect(flags)).workflows.create(input, { signal: cli.signal });
    const name = printableLine(created.name);
    if (flags.json === true) await cli.out.json(created);
    else await cli.out.line(`${printableLine(created.message)}; run it with: slipway workflow run ${name}`);
    cli.end('ok');
  });
}

function addRemove(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('rm')
    .summary('delete a workflow')
    .description('Deletes a workflow. Its runs go on, and stay in the list.')
    .argument('<name>', "the workflow's name")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (name: string, flags: WorkflowFlags) => {
    const deleted = await (await cli.connect(flags)).workflows.delete(name, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(deleted);
    else await cli.out.line(`${printableLine(deleted.message)}: ${printableLine(name)}`);
    cli.end('ok');
  });
}
