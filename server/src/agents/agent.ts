/**
 * The agent port: how to drive one coding-agent program.
 *
 * Contract:
 * - An adapter is pure: it says what to spawn and what the program's lines mean. The supervisor owns the
 *   process, the worker owns the records; an adapter sees neither the store nor HTTP.
 * - `command` is called once a run. Secrets never stand in `argv`.
 * - `read` is given every complete line of stdout once, in order, over any number of calls; how lines are
 *   cut into calls changes nothing but how text is folded. A line that it does not know is a `system`
 *   event that keeps the line, never an error.
 * - `outcome` is asked once, after the last line. It never infers success from an exit code alone where
 *   the program has a word of its own for it.
 */
export type Agent = {
  readonly name: AgentName;
  /** Why this task cannot be given to this agent, by field of the task's configuration; undefined: it can. */
  readonly refuse: (
    task: AgentTask,
  ) => { readonly field: 'command' | 'agent'; readonly message: string } | undefined;
  readonly command: (task: AgentTask) => AgentCommand;
  readonly reader: () => AgentReader;
};

export type AgentName = 'script';

export type AgentTask = {
  readonly taskId: string;
  readonly runId: string;
  readonly iteration: number;
  readonly prompt: string;
  /** The command of a script agent. */
  readonly command?: string;
};

export type AgentCommand = {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. */
  readonly input: string;
};

export type AgentEvent = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  /** The line as the program wrote it, where that is more than `content`. */
  readonly raw?: unknown;
};

export type AgentReader = {
  readonly read: (lines: readonly string[]) => readonly AgentEvent[];
  readonly outcome: (exit: AgentExit) => AgentOutcome;
};

/** How the program ended by itself (a stop, a limit or a lost sandbox is the worker's to judge). */
export type AgentExit = {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of stderr, for the message. */
  readonly errors: string;
};

export type AgentOutcome =
  | { readonly kind: 'done'; readonly result: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryable: boolean };
