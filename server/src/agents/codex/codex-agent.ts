import type { Agent, AgentCommand, AgentPlace, AgentTask } from '../agent.ts';
import { createAppServerReader } from './app-server-reader.ts';
import { initializeLine } from './app-server-requests.ts';
import { codexConfig, codexFolder, hasServers, keyVariable, type CodexOptions } from './codex-config.ts';
import { createExecReader } from './exec-reader.ts';
import { serverLog } from './servers.ts';

/** The longest argument that Linux gives to a program, in bytes, its closing zero aside. */
const argumentMaxBytes = 131_071;
const configFile = `${codexFolder}/config.toml`;
const schemaFile = `${codexFolder}/answer-schema.json`;

/** Words that `codex exec` takes for one of its subcommands when the prompt is nothing else. */
const subcommands: readonly string[] = ['resume', 'fork', 'review', 'help'];

/**
 * OpenAI's Codex, in two forms. Work without questions is one `codex exec --json`, with no flag that the
 * task does not need, so that any program which knows these flags can stand in for it. Approvals, partial
 * messages and a limit of turns need `codex app-server`, a conversation in JSON-RPC that the reader leads.
 *
 * Not supported: a budget in money, since the program knows no prices (refused); `allowedTools`, which
 * only saves questions elsewhere (left out); the program's version in the one-shot form, which never says it.
 */
export function createCodexAgent(options: CodexOptions): Agent {
  const modelOf = (task: AgentTask): string => task.model ?? options.defaultModel ?? 'codex';
  return {
    name: 'codex',
    abilities: {
      model: 'openai',
      sessionFolders: [`${codexFolder}/sessions`],
      serversFile: configFile,
      schemaFlag: { flag: '--output-schema', help: ['exec', '--help'] },
    },
    refuse(task) {
      return task.maxBudgetMicrodollars === undefined
        ? undefined
        : {
            field: 'maxBudget',
            message:
              'the codex agent does not tell what it spends in money, so no budget can be kept: limit its turns or its time instead',
          };
    },
    command(task, place) {
      const command = isConversation(task) ? appServerCommand(task, place) : execCommand(task, place);
      return {
        ...command,
        // Not below the folder for temporary files: there the program does without its helpers.
        env: {
          CODEX_HOME: `${place.home}/${codexFolder}`,
          [keyVariable]: 'relay',
          NO_COLOR: '1',
          ...(hasServers(task) ? { RUST_LOG: serverLog } : {}),
        },
        homeFiles: {
          ...command.homeFiles,
          [configFile]: codexConfig(task, place, options),
        },
      };
    },
    reader: (task) =>
      isConversation(task)
        ? createAppServerReader(task, modelOf(task))
        : createExecReader(task, modelOf(task)),
  };
}

function isConversation(task: AgentTask): boolean {
  return task.approvals === 'ask' || task.partialMessages === true || task.maxTurns !== undefined;
}

type CommandForm = Pick<AgentCommand, 'argv' | 'input' | 'keepInput' | 'homeFiles'>;

function appServerCommand(task: AgentTask, place: AgentPlace): CommandForm {
  return { argv: [place.program, 'app-server'], input: initializeLine(task), keepInput: true };
}

/** The working folder is the tree already, so `--cd` is never needed. */
function execCommand(task: AgentTask, place: AgentPlace): CommandForm {
  const byInput = !fitsArgument(task.prompt);
  const verb = task.resume === undefined ? [] : [task.resume.fork === true ? 'fork' : 'resume'];
  const flags = [
    '--json',
    '--skip-git-repo-check',
    ...(task.model === undefined ? [] : ['-m', task.model]),
    ...(task.outputSchema === undefined ? [] : ['--output-schema', `${place.home}/${schemaFile}`]),
  ];
  const session = task.resume === undefined ? [] : [task.resume.id];
  return {
    argv: [place.program, 'exec', ...verb, ...flags, ...session, byInput ? '-' : task.prompt],
    input: byInput ? task.prompt : '',
    ...(task.outputSchema === undefined
      ? {}
      : { homeFiles: { [schemaFile]: `${JSON.stringify(task.outputSchema)}\n` } }),
  };
}

/** Whether the prompt can be an argument and is sure to be taken for a prompt. */
function fitsArgument(prompt: string): boolean {
  return (
    !prompt.startsWith('-') &&
    !prompt.includes('\u0000') &&
    !subcommands.includes(prompt) &&
    Buffer.byteLength(prompt) <= argumentMaxBytes
  );
}
