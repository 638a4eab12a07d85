import type { AgentFailureCode } from '../domain/failure.ts';
import type { RunKind } from '../domain/run-state.ts';
import type { ModelSpend, Spend } from '../domain/spend.ts';

/**
 * The agent port: how to drive one coding-agent program.
 *
 * Contract:
 * - An adapter is pure: it says what to spawn, what the program's lines mean and what to answer. The
 *   supervisor owns the process, the worker owns the records; an adapter sees neither the store nor HTTP.
 * - `command` is called once a run. Secrets never stand in `argv`, nor does a flag that the task does not need.
 * - `read` is given every complete line of stdout once, in order, over any number of calls; how lines are
 *   cut into calls changes nothing but how text is folded. A line that it does not know is a `system`
 *   event that keeps the line, never an error. After a restart of the server a new reader is given all lines
 *   again, so whatever it wants written to the agent carries a key, under which it is written once.
 * - `outcome` is asked once, after the last line. It never infers success from an exit code alone where
 *   the program has a word of its own for it.
 */
export type Agent = {
  readonly name: AgentName;
  /** What this adapter can be asked for beyond running a prompt. */
  readonly abilities: AgentAbilities;
  /** Why this task cannot be given to this agent, by field of the task's configuration; undefined: it can. */
  readonly refuse: (task: AgentTask) => AgentRefusal | undefined;
  readonly command: (task: AgentTask, place: AgentPlace) => AgentCommand;
  readonly reader: (task: AgentTask) => AgentReader;
};

export const agentNames = ['claude-code', 'codex', 'script'] as const;
export type AgentName = (typeof agentNames)[number];

export type AgentAbilities = {
  /** Calls a model: it gets the relay. `anthropic` or `openai` names the relay's upstream. */
  readonly model: 'anthropic' | 'openai' | undefined;
  /**
   * Where below its home the program keeps its conversations: kept with the workspace, so that a session
   * goes on on another host. Empty: it has none.
   */
  readonly sessionFolders: readonly string[];
  /**
   * The file below its home that tells the program of MCP servers, their secrets with them. A later run of another
   * agent, or without servers, does not find it. Undefined: it has none.
   */
  readonly serversFile: string | undefined;
  /**
   * The flag that gives the program a schema for its answer, and the arguments with which it lists its flags:
   * a program that does not list this one would refuse it. Undefined: it takes no schema.
   */
  readonly schemaFlag: { readonly flag: string; readonly help: readonly string[] } | undefined;
};

export type AgentRefusal = {
  readonly field:
    | 'command'
    | 'agent'
    | 'model'
    | 'maxTurns'
    | 'maxBudget'
    | 'approvals'
    | 'partialMessages'
    | 'mcpServers'
    | 'outputSchema';
  readonly message: string;
};

export type AgentTask = {
  readonly taskId: string;
  readonly runId: string;
  readonly iteration: number;
  readonly prompt: string;
  /** What the run is for; `code` without it. */
  readonly kind?: RunKind;
  /** The command of a script agent. */
  readonly command?: string;
  readonly model?: string;
  readonly maxTurns?: number;
  readonly maxBudgetMicrodollars?: number;
  readonly appendSystemPrompt?: string;
  readonly allowedTools?: readonly string[];
  /** JSON Schema of the answer. */
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  /** An answer that does not follow the schema is one all the same, without `structured`. */
  readonly schemaIsWish?: boolean;
  readonly mcpServers?: Readonly<Record<string, McpServer>>;
  /** The agent's permission requests become questions; without it, it may do all that its sandbox lets it. */
  readonly approvals?: 'ask';
  /** Text as it is being written, where the program can. */
  readonly partialMessages?: boolean;
  /** The conversation to go on with. */
  readonly resume?: AgentSession;
  /** The id to give to a new conversation (a UUID), where the program lets us choose. */
  readonly newSessionId?: string;
};

export type AgentSession = {
  /** As the program itself reported it. */
  readonly id: string;
  /** A new conversation that begins with all of that one, which stays as it is. */
  readonly fork?: boolean;
  /** What the ledger has of this session: programs report totals over it, and only the rest is new. */
  readonly spent: Spend;
};

export type McpServer =
  | {
      readonly transport: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly transport: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** What a server has to be there, before the program goes on without it: it may have to be fetched first. */
export const serverStartSeconds = 30;

/** A server that is not there for the program. */
export type ServerFailure = {
  /** By the task's own name for it. */
  readonly server: string;
  /** In words for people. */
  readonly reason: string;
};

/** Where a run happens, as the program sees it. */
export type AgentPlace = {
  /** The program's own path. Unused by the script agent. */
  readonly program: string;
  readonly tree: string;
  readonly home: string;
  /** The relay to the model, without a slash at its end; it adds the key. */
  readonly modelUrl: string;
};

export type AgentCommand = {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Files written below the home, 0600, before the program starts: paths relative to it, no `..`. */
  readonly homeFiles?: Readonly<Record<string, string>>;
  /** Written to stdin at the start. */
  readonly input: string;
  /** Whether stdin then stays open for `AgentInput`s; closed otherwise. */
  readonly keepInput?: boolean;
};

export type AgentEvent = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  /** The line as the program wrote it, where that is more than `content`. */
  readonly raw?: unknown;
};

/** Something for the agent's stdin. Written once in the life of its process, however often it is asked for. */
export type AgentInput = {
  readonly key: string;
  readonly text: string;
  /** Closes stdin behind it. */
  readonly end?: boolean;
};

/** The agent wants to do something, and waits for the answer. */
export type AgentQuestion = {
  /** The program's own id of the request, unique in the run. */
  readonly requestId: string;
  readonly tool: string;
  /** One line for people: the command, the file. */
  readonly summary: string;
  readonly arguments: unknown;
};

export type AgentAnswer = { readonly allow: boolean; readonly reason: string };

/** What a batch of lines means. */
export type AgentReading = {
  readonly events: readonly AgentEvent[];
  readonly inputs: readonly AgentInput[];
  readonly questions: readonly AgentQuestion[];
  /** As deltas. */
  readonly spend: readonly ModelSpend[];
  /** The conversation's id, when a line told it. */
  readonly session?: string;
  /** The program's version, when a line told it. */
  readonly version?: string;
  /** Servers of the task that the program goes on without, each told once. */
  readonly servers?: readonly ServerFailure[];
  /** The program has said its last word: from here on it has a short time to leave. */
  readonly ended: boolean;
};

export type AgentReader = {
  readonly read: (lines: readonly string[]) => AgentReading;
  /** The answer to a question in the program's own words. */
  readonly answer: (question: AgentQuestion, answer: AgentAnswer) => AgentInput;
  /** Asks the program to break off; undefined: it knows no such request, only signals. */
  readonly interrupt: () => AgentInput | undefined;
  /** What all of stderr tells of servers, where the lines do not. */
  readonly serversIn?: (errors: string) => readonly ServerFailure[];
  readonly outcome: (exit: AgentExit) => AgentOutcome;
};

/** How the program ended by itself (a stop, a limit or a lost sandbox is the worker's to judge). */
export type AgentExit = {
  readonly code: number | null;
  readonly signal: string | null;
  /** It had said its last word and was ended for not leaving: code and signal are our doing. */
  readonly finished?: boolean;
  /** The end of stderr, for the message. */
  readonly errors: string;
};

export type AgentOutcome =
  | {
      readonly kind: 'done';
      readonly result: string;
      /** The program's own word for why it stopped. */
      readonly stopReason?: string;
      /** The answer by the task's schema. */
      readonly structured?: unknown;
    }
  | {
      readonly kind: 'failed';
      readonly code: AgentFailureCode;
      /** Without our own beginning `CLI execution failed: `. */
      readonly message: string;
      readonly retryable: boolean;
    };

/** What a program reads and says that this version knows nothing of. */
export const nothingRead: AgentReading = { events: [], inputs: [], questions: [], spend: [], ended: false };
