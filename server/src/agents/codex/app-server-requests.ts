import type { AgentInput, AgentTask } from '../agent.ts';

/** The ids of what we ask the app-server, each once in a run. */
export const requestIds = { initialize: 1, thread: 2, turn: 3, interrupt: 4 } as const;

/** Notifications that say nothing which another line does not say too. */
const notWanted = [
  'thread/status/changed',
  'thread/settings/updated',
  'thread/environment/connected',
  'account/rateLimits/updated',
  'remoteControl/status/changed',
  'skills/changed',
  'serverRequest/resolved',
  'turn/diff/updated',
  'item/commandExecution/outputDelta',
  'item/fileChange/outputDelta',
  'item/fileChange/patchUpdated',
  'item/plan/delta',
] as const;

/** Text as it is written: many lines, and all of them again when it is complete. */
const deltas = [
  'item/agentMessage/delta',
  'item/reasoning/summaryTextDelta',
  'item/reasoning/summaryPartAdded',
  'item/reasoning/textDelta',
] as const;

/** The first line of the conversation, at the start of the program. */
export function initializeLine(task: AgentTask): string {
  return line({
    id: requestIds.initialize,
    method: 'initialize',
    params: {
      clientInfo: { name: 'slipway', title: 'Slipway', version: '1' },
      capabilities: {
        experimentalApi: false,
        requestAttestation: false,
        optOutNotificationMethods: [...notWanted, ...(task.partialMessages === true ? [] : deltas)],
      },
    },
  });
}

/**
 * Opens the task's conversation: a new one, an older one, or a fork of that. No `cwd` is named, since the
 * app-server marks a folder that a client names as trusted, and would then start the MCP servers of the
 * repository's own `.codex/config.toml` without asking (seen with 0.169); it works where it was started.
 *
 * To be asked, the policy has to be `untrusted`, which the configuration file no longer takes: with
 * `on-request`, full access means that nothing is ever asked. Commands that the program knows to only read
 * run without a question even so.
 */
export function openThread(task: AgentTask): AgentInput {
  const { resume } = task;
  const settings = {
    approvalPolicy: task.approvals === 'ask' ? 'untrusted' : 'never',
    approvalsReviewer: 'user',
    sandbox: 'danger-full-access',
    ...(task.model === undefined ? {} : { model: task.model }),
  };
  const request =
    resume === undefined
      ? { method: 'thread/start', params: settings }
      : {
          method: resume.fork === true ? 'thread/fork' : 'thread/resume',
          params: { threadId: resume.id, excludeTurns: true, ...settings },
        };
  return {
    key: 'thread',
    text: `${line({ method: 'initialized' })}${line({ id: requestIds.thread, ...request })}`,
  };
}

/** Begins the run's one turn. */
export function startTurn(task: AgentTask, threadId: string): AgentInput {
  return {
    key: 'turn',
    text: line({
      id: requestIds.turn,
      method: 'turn/start',
      params: {
        threadId,
        input: [{ type: 'text', text: task.prompt, text_elements: [] }],
        ...(task.outputSchema === undefined ? {} : { outputSchema: task.outputSchema }),
      },
    }),
  };
}

/** Breaks the turn off; the program ends its commands and answers with a turn that is `interrupted`. */
export function interruptTurn(threadId: string, turnId: string): AgentInput {
  return {
    key: 'interrupt',
    text: line({ id: requestIds.interrupt, method: 'turn/interrupt', params: { threadId, turnId } }),
  };
}

/** The program leaves by itself when its stdin ends. */
export const closeInput: AgentInput = { key: 'end', text: '', end: true };

export type RpcError = { readonly code: number; readonly message: string };

/** What we answer to a request of the app-server. */
export function respond(
  id: unknown,
  answer: { readonly result: unknown } | { readonly error: RpcError },
): string {
  return line({ id, ...answer });
}

function line(message: object): string {
  return `${JSON.stringify(message)}\n`;
}
