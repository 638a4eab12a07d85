import { Option, type Command } from 'commander';
import { demoAgents, type DemoChoice, type FlagSettings, type ServerSetting } from './cli-deps.ts';
import type { Cli } from './command.ts';
import { CommandError } from './command-error.ts';

/** Flags that stand for a setting. The configuration checks their values: one schema, one set of messages. */
const flags = {
  host: {
    setting: 'SLIPWAY_HOST',
    flag: '--host <address>',
    help: 'address to listen on (default: 127.0.0.1, this machine only)',
  },
  port: { setting: 'SLIPWAY_PORT', flag: '--port <number>', help: 'port to listen on (default: 8080)' },
  dataDir: {
    setting: 'SLIPWAY_DATA_DIR',
    flag: '--data-dir <folder>',
    help: 'where everything is kept (default: ~/.local/share/slipway, ./data in a clone)',
  },
  workers: { setting: 'SLIPWAY_WORKERS', flag: '--workers <number>', help: 'tasks at a time (default: 3)' },
  isolation: {
    setting: 'SLIPWAY_ISOLATION',
    flag: '--isolation <kind>',
    help: 'where agents run: bubblewrap, or process (no isolation) (default: bubblewrap)',
  },
  workDir: {
    setting: 'SLIPWAY_WORKSPACE_DIR',
    flag: '--work-dir <folder>',
    help: 'where workspaces lie (default: in the data folder)',
  },
  debug: {
    setting: 'SLIPWAY_DEBUG',
    flag: '--debug',
    help: 'log everything, and restart when the source of the server changes',
  },
} as const satisfies Record<
  string,
  { readonly setting: ServerSetting; readonly flag: string; readonly help: string }
>;

type FlagName = keyof typeof flags;
/** A flag without a value is true, and `on` as a setting. */
type GivenFlags = Partial<Record<FlagName, string | true>>;

const configuration =
  '\nEvery flag stands for an environment variable (SLIPWAY_HOST, …) and wins over it;\n' +
  'docs/configuration.md lists all of them.';

/** `serve`, `work`, `doctor` and `demo`: their flags are here, their work is given by who composes. */
export function addServerCommands(program: Command, { deps, end }: Cli): void {
  const { commands } = deps;
  const add = (
    command: Command,
    names: readonly FlagName[],
    run: (settings: FlagSettings) => Promise<number>,
  ) => {
    for (const name of names) command.option(flags[name].flag, flags[name].help);
    if (names.length > 0) command.addHelpText('after', configuration);
    command.action(async (given: GivenFlags) => end(await run(settingsOf(given))));
  };
  add(
    program
      .command('serve')
      .summary('start the server')
      .description(
        'Starts the server: the API, and workers that run tasks. Without DATABASE_URL it keeps its own\n' +
          'PostgreSQL in the data folder. The first start prints the administrator token, once.',
      ),
    ['host', 'port', 'dataDir', 'workDir', 'workers', 'isolation', 'debug'],
    commands.serve,
  );
  add(
    program
      .command('work')
      .summary('start workers only, for a server elsewhere')
      .description('Starts workers that run tasks of the server whose database DATABASE_URL names.'),
    ['dataDir', 'workDir', 'workers', 'isolation'],
    commands.work,
  );
  add(
    program
      .command('doctor')
      .summary('check what this machine has and lacks')
      .description(
        'Checks everything that a server needs on this machine, and names the command for what is missing.',
      ),
    ['dataDir', 'workDir', 'isolation'],
    commands.doctor,
  );
  addDemo(program, { deps, end });
}

/** `demo` has a server of its own, and no setting of that server is a flag. */
function addDemo(program: Command, { deps, end }: Pick<Cli, 'deps' | 'end'>): void {
  program
    .command('demo')
    .summary('watch a whole task on a small example')
    .description(
      'Starts a server of its own, makes a small repository with a bug, runs a task on it in a sandbox,\n' +
        'shows the diff, pushes the branch, and leaves nothing running. An agent that calls a model needs\n' +
        'its program on PATH and your key to the model in the environment (ANTHROPIC_API_KEY for Claude\n' +
        'Code, OPENAI_API_KEY for Codex).',
    )
    .addOption(
      new Option('--agent <name>', 'who does the work: script needs no model and no key')
        .choices(demoAgents)
        .default('script'),
    )
    .option('--scripted-model', "a script on this machine stands in for the agent's model: no key is needed")
    .action(async (given: { readonly agent: DemoChoice['agent']; readonly scriptedModel?: boolean }) => {
      const scriptedModel = given.scriptedModel === true;
      if (scriptedModel && given.agent === 'script') {
        throw new CommandError('usage', '--scripted-model needs --agent claude-code or --agent codex');
      }
      end(await deps.commands.demo({ agent: given.agent, scriptedModel }));
    });
}

function settingsOf(given: GivenFlags): FlagSettings {
  const names = Object.keys(flags) as FlagName[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[flags[name].setting, value === true ? 'on' : value]];
    }),
  );
}
