import { Command, CommanderError } from 'commander';
import { addApiKeys } from './api-keys.ts';
import { addApprove } from './approve.ts';
import { addCancel } from './cancel.ts';
import type { CliDeps } from './cli-deps.ts';
import type { Cli } from './command.ts';
import { addCompletion } from './completion.ts';
import { addDeliveries } from './deliveries.ts';
import { addDiff } from './diff.ts';
import { exitCode, exitCodesText } from './exit-codes.ts';
import { connect } from './find-server.ts';
import { addInstruct } from './instruct.ts';
import { addKeys } from './keys.ts';
import { addList } from './list.ts';
import { addLogs } from './logs.ts';
import { addMcp } from './mcp.ts';
import { createOutput, ReaderGone } from './output.ts';
import { problemOf } from './problem.ts';
import { addPostReview } from './post-review.ts';
import { addPullRequest } from './pull-request.ts';
import { addRepositories } from './repositories.ts';
import { addReview } from './review.ts';
import { addRun } from './run.ts';
import { addServerCommands } from './server-commands.ts';
import { addShow } from './show.ts';
import { addTools } from './tools.ts';
import { addWebhooks } from './webhooks.ts';
import { addWorkflow } from './workflow.ts';
import { addWorkspaces } from './workspaces.ts';

const epilogue = `
First steps:
  slipway demo                    see it work
  slipway serve                   start the server
  slipway run <repository> "…"    give it a task

${exitCodesText()}`;

/**
 * Runs one command line (`argv` without node and script) and resolves with the exit code. Never exits the
 * process and never rejects: what fails is printed as one line on stderr.
 */
export async function runProgram(argv: readonly string[], deps: CliDeps): Promise<number> {
  using out = createOutput(deps);
  let code = exitCode('ok');
  const cli: Cli = {
    deps,
    out,
    signal: AbortSignal.any([deps.signal, out.closed]),
    connect: (flags) => connect(flags, deps.config),
    end(exit) {
      code = typeof exit === 'number' ? exit : exitCode(exit);
    },
  };
  try {
    await buildProgram(cli).parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed its message already; it ends so for help and version as well.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode('ok') : exitCode('usage');
    if (error instanceof ReaderGone) return exitCode('ok');
    if (deps.signal.aborted) return exitCode('interrupted');
    const problem = problemOf(error);
    out.note(`slipway: ${problem.text}`);
    return exitCode(problem.exit);
  }
}

/** The whole command tree. Commander's own output goes to the given streams, and it never exits. */
function buildProgram(cli: Cli): Command {
  const { deps, out } = cli;
  const program = new Command('slipway')
    .description('Slipway runs coding agents for you: a repository and a prompt go in, a branch comes out.')
    .version(deps.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({
      writeOut: (text) => deps.stdout.write(text),
      writeErr: (text) => deps.stderr.write(text),
      getOutHelpWidth: () => Math.min(out.columns() ?? 100, 120),
      getErrHelpWidth: () => Math.min(out.columns() ?? 100, 120),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(text.replace(/^error: /u, 'slipway: ')),
    })
    .showHelpAfterError('(--help shows how it is used)')
    .exitOverride()
    .addHelpText('after', epilogue);
  program.commandsGroup('Tasks:');
  const reading = [addList, addShow, addLogs, addDiff];
  const publishing = [addPullRequest, addPostReview];
  for (const add of [addRun, addInstruct, addReview, addApprove, ...reading, ...publishing, addCancel]) {
    add(program, cli);
  }
  addWorkspaces(program, cli);
  program.commandsGroup('Workflows and tools:');
  for (const add of [addWorkflow, addMcp, addTools]) add(program, cli);
  program.commandsGroup('Code hosts:');
  for (const add of [addKeys, addRepositories, addDeliveries, addWebhooks]) add(program, cli);
  program.commandsGroup('Server:');
  addServerCommands(program, cli);
  addApiKeys(program, cli);
  program.commandsGroup('Shell:');
  addCompletion(program, cli);
  return program;
}
