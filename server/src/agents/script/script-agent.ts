import { nothingRead, type Agent, type AgentEvent, type AgentReader, type AgentTask } from '../agent.ts';

/** An event holds so many characters of output at most; a longer line is an event of its own. */
const foldCharacters = 16_384;
const resultCharacters = 2_000;
/** Where the words are the work: the end alone of a review in JSON says nothing. */
const wordyResultCharacters = 1_000_000;

/**
 * An agent that needs no model: it runs the task's command with `sh -c` in the workspace, with the prompt
 * in `SLIPWAY_PROMPT`. Exit code 0 is success; what it printed last is its result, and of a plan or a review
 * all that it printed. stderr is folded into
 * stdout, so that both keep their order. It has no word for its end and no conversation. Options that
 * are about a model say nothing about it and are let be; a promise to ask first would be a false one.
 */
export const scriptAgent: Agent = {
  name: 'script',
  abilities: { model: undefined, sessionFolders: [], serversFile: undefined, schemaFlag: undefined },
  refuse(task) {
    if (task.command === undefined || task.command.trim() === '') {
      return { field: 'command', message: 'field is required for the script agent' };
    }
    return task.approvals === undefined
      ? undefined
      : { field: 'approvals', message: 'the script agent runs its command without asking' };
  },
  command(task) {
    return {
      argv: ['/bin/sh', '-c', 'exec 2>&1; exec /bin/sh -c "$SLIPWAY_COMMAND"'],
      env: {
        SLIPWAY_PROMPT: task.prompt,
        SLIPWAY_COMMAND: task.command ?? '',
        SLIPWAY_TASK_ID: task.taskId,
        SLIPWAY_ITERATION: String(task.iteration),
        SLIPWAY_RUN_KIND: task.kind ?? 'code',
      },
      input: '',
    };
  },
  reader: createScriptReader,
};

function createScriptReader({ kind = 'code' }: AgentTask): AgentReader {
  const kept = kind === 'code' ? resultCharacters : wordyResultCharacters;
  let tail = '';
  return {
    read(lines) {
      const events: AgentEvent[] = [];
      let folded: string[] = [];
      let characters = 0;
      const flush = (): void => {
        if (folded.length > 0) events.push({ type: 'text', content: folded.join('\n') });
        folded = [];
        characters = 0;
      };
      for (const line of lines) {
        if (characters + line.length > foldCharacters) flush();
        folded.push(line);
        characters += line.length + 1;
      }
      flush();
      for (const event of events) tail += `\n${event.content}`;
      // Cut rarely: a long one at each event would be copied as often.
      if (tail.length > 2 * kept) tail = tail.slice(-kept);
      return { ...nothingRead, events };
    },
    answer: ({ requestId }) => ({ key: `answer:${requestId}`, text: '' }),
    interrupt: () => undefined,
    outcome(exit) {
      const result = tail.slice(-kept).trim();
      if (exit.code === 0) return { kind: 'done', result };
      const how =
        exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
      const lastLine = result.split('\n').at(-1) ?? '';
      return {
        kind: 'failed',
        code: 'agent_failed',
        message: `the script ${how}${lastLine === '' ? '' : `; its last line: ${lastLine.slice(0, 500)}`}`,
        retryable: false,
      };
    },
  };
}
