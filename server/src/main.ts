import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { CliDeps, FlagSettings } from './cli/cli-deps.ts';
import { runProgram } from './cli/program.ts';
import { doctor } from './commands/doctor.ts';
import type { Source } from './commands/await-changes.ts';
import { serve, serveAnew, type ServeDeps } from './commands/serve.ts';
import { work } from './commands/work.ts';
import { findAgentProgram } from './compose-agents.ts';
import { ConfigError, processEnvironment, readConfig, type Config } from './config.ts';
import { defaultDataFolder, findClone } from './data-folder.ts';
import { demo } from './demo/demo.ts';
import { systemClock } from './lib/clock.ts';
import { closeInheritedDescriptors } from './lib/inherited-descriptors.ts';
import { createLogger } from './log.ts';
import { version } from './version.ts';

const usageExit = 2;
const failureExit = 1;

const interrupted = new AbortController();
const toStdout = (line: string): void => void process.stdout.write(`${line}\n`);
const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);

/** A first signal asks for an orderly end; a second one does not wait for it. */
function onSignal(): void {
  if (interrupted.signal.aborted) process.exit(130);
  interrupted.abort(new Error('interrupted'));
}

function configOf(flags: FlagSettings): Config {
  return readConfig({ ...processEnvironment(), ...flags }, (path) => readFileSync(path, 'utf8'));
}

/** Runs a part of the server; what is wrong with configuration or host is one message and an exit code. */
function serverCommand(run: (deps: ServeDeps) => Promise<number>): CliDeps['commands']['serve'] {
  return async (flags) => {
    try {
      const config = configOf(flags);
      const logger = createLogger(config);
      const dataFolder = config.data.folder ?? (await defaultDataFolder(findClone()));
      return await run({ config, dataFolder, logger, print: toStdout });
    } catch (error) {
      toStderr(`slipway: ${error instanceof Error ? error.message : String(error)}`);
      return error instanceof ConfigError ? usageExit : failureExit;
    }
  };
}

/** This program as it lies on the disk; the shortest of its commands loads everything. */
function ownSource(): Source {
  const args = [...process.execArgv, ...process.argv.slice(1, 2), '--version'];
  return {
    folder: import.meta.dirname,
    trial: { file: process.execPath, args, env: definedVariables() },
  };
}

/** Begins anew with the same words, as the same process: to whoever started it, nothing has ended. */
function begin(): never {
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  if (process.execve === undefined) throw new Error('this system cannot replace a process: --debug needs it');
  return process.execve(process.execPath, argv, definedVariables());
}

function definedVariables(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(processEnvironment()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Where a server of this user may have left its address and token. */
async function dataFolders(config: Config): Promise<readonly string[]> {
  if (config.data.folder !== undefined) return [config.data.folder];
  const clone = findClone();
  return [
    ...(clone === undefined ? [] : [join(clone, 'data')]),
    join(homedir(), '.local/share/slipway'),
    await defaultDataFolder(clone),
  ];
}

async function main(): Promise<number> {
  // Node leaves what it inherited behind a gap in the numbers open: no child of ours shall get it.
  closeInheritedDescriptors();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let config: Config;
  try {
    config = configOf({});
  } catch (error) {
    toStderr(`slipway: ${error instanceof Error ? error.message : String(error)}`);
    return usageExit;
  }
  const { signal } = interrupted;
  return runProgram(process.argv.slice(2), {
    version,
    config: {
      address: config.client.server,
      token: config.http.authToken,
      dataFolders: await dataFolders(config),
      color: !config.terminal.noColor,
    },
    variable: (name) => processEnvironment()[name],
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    isTerminal: process.stdout.isTTY,
    signal,
    clock: systemClock,
    commands: {
      serve: serverCommand((deps) =>
        deps.config.debug ? serveAnew(deps, { source: ownSource(), begin }, signal) : serve(deps, signal),
      ),
      work: serverCommand((deps) => work(deps, signal)),
      doctor: serverCommand(({ config: full, dataFolder, print }) => doctor(full, dataFolder, print)),
      demo: (choice) =>
        serverCommand(({ config: full, logger, print }) => {
          const findProgram = (agent: 'claude-code' | 'codex') => findAgentProgram(full, agent);
          return demo({ logger, print, agents: { ...full.agents, findProgram } }, choice, signal);
        })({}),
    },
  });
}

process.exit(await main());
