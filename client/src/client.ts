import { followTask } from './follow-task.ts';
import type { StreamEvent } from './task-event.ts';
import type {
  Approval,
  ApprovalAnswer,
  ApprovalList,
  CancelAnswer,
  CreatedTask,
  Health,
  InstructAnswer,
  ListQuery,
  Task,
  TaskInput,
  TaskList,
} from './task.ts';
import { defaultTiming, type Timing } from './timing.ts';
import { createTransport, pathPart, taskPath, type Fetch, type Transport } from './transport.ts';

export type ClientOptions = {
  /** The server's address, such as `http://127.0.0.1:8080`; a path in front of the API is kept. */
  readonly baseUrl: string;
  /** Sent as a bearer token. Without it only `health` answers. */
  readonly token?: string | undefined;
  /** Instead of the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Other limits than the usual ones. */
  readonly timing?: Partial<Timing> | undefined;
};

export type RequestOptions = {
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * The native API of one Slipway server. Every method rejects with `ApiError` when the server refuses, with
 * `ConnectionError` when it cannot be reached, and with the signal's reason. What is safe to repeat (all
 * that only reads, and what is created or instructed, by its idempotency key) is tried again when the
 * connection breaks or a proxy answers 502, 503 or 504; a 429 is waited out. `Retry-After` is honoured up to
 * 30 s.
 */
export type Client = {
  readonly tasks: {
    /** Creates a task. With the same `idempotencyKey` it is the same task; without one a key is made. */
    readonly create: (
      input: TaskInput,
      options?: RequestOptions & { readonly idempotencyKey?: string | undefined },
    ) => Promise<CreatedTask>;
    readonly list: (query?: ListQuery, options?: RequestOptions) => Promise<TaskList>;
    readonly get: (id: string, options?: RequestOptions) => Promise<Task>;
    /** Gives a finished task its next instruction; as often as it is sent with one key, once. */
    readonly instruct: (
      id: string,
      prompt: string,
      options?: RequestOptions & { readonly idempotencyKey?: string | undefined },
    ) => Promise<InstructAnswer>;
    /** What the task's agent asked, oldest first, the newest 200. */
    readonly approvals: (
      id: string,
      options?: RequestOptions & { readonly state?: Approval['state'] | undefined },
    ) => Promise<ApprovalList>;
    /** Answers a question. One that has been decided, or whose time is up, is a 409. */
    readonly answer: (
      id: string,
      approvalId: string,
      answer: ApprovalAnswer,
      options?: RequestOptions,
    ) => Promise<Approval>;
    /** Asks for the end of a task. `queued`: also of one that has not started yet. */
    readonly cancel: (
      id: string,
      options?: RequestOptions & { readonly queued?: boolean | undefined },
    ) => Promise<CancelAnswer>;
    /** The task's work as a unified diff. The text replaces what is not UTF-8; `diffBytes` keeps it. */
    readonly diff: (id: string, options?: RequestOptions) => Promise<string>;
    /** The diff to the byte, as `git apply` wants it. */
    readonly diffBytes: (id: string, options?: RequestOptions) => Promise<Uint8Array>;
    /**
     * Every event of the task behind `lastEventId`, past ones first, until the task has ended. Survives
     * lost connections and restarts of the server without a gap or a repeat.
     */
    readonly stream: (
      id: string,
      options?: RequestOptions & { readonly lastEventId?: string | undefined },
    ) => AsyncIterable<StreamEvent>;
    /** Waits until the task has ended and returns it. */
    readonly wait: (id: string, options?: RequestOptions) => Promise<Task>;
  };
  /** All questions that wait for an answer, oldest first. */
  readonly approvals: (options?: RequestOptions) => Promise<ApprovalList>;
  /** Resolves when the server accepts the token. */
  readonly verify: (options?: RequestOptions) => Promise<void>;
  /** The server's state, also when it is degraded (which it says with a 503). */
  readonly health: (options?: RequestOptions) => Promise<Health>;
};

/** Throws `TypeError` when `baseUrl` is not the address of a server. */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport({
    baseUrl: options.baseUrl,
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timing: { ...defaultTiming, ...options.timing },
  });
  return {
    tasks: createTasks(transport),
    approvals: ({ signal } = {}) =>
      transport.json({ method: 'GET', path: 'api/v1/approvals', repeatable: true, signal }),
    async verify({ signal } = {}) {
      await transport.bytes({ method: 'GET', path: 'api/v1/auth/verify', repeatable: true, signal });
    },
    health: ({ signal } = {}) =>
      transport.json({ method: 'GET', path: 'health', answers: [503], repeatable: true, signal }),
  };
}

function createTasks(transport: Transport): Client['tasks'] {
  const read = (path: string, signal: AbortSignal | undefined) =>
    ({ method: 'GET', path, repeatable: true, signal }) as const;

  const tasks: Client['tasks'] = {
    create: (input, { idempotencyKey, signal } = {}) =>
      transport.json({
        method: 'POST',
        path: 'api/v1/tasks',
        headers: { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() },
        body: input,
        repeatable: true,
        signal,
      }),
    list: (query = {}, { signal } = {}) =>
      transport.json({ ...read('api/v1/tasks', signal), query: { ...query } }),
    get: async (id, { signal } = {}) => transport.json(read(taskPath(id), signal)),
    instruct: async (id, prompt, { idempotencyKey, signal } = {}) =>
      transport.json({
        method: 'POST',
        path: `${taskPath(id)}/instruct`,
        headers: { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() },
        body: { prompt },
        repeatable: true,
        signal,
      }),
    approvals: async (id, { state, signal } = {}) =>
      transport.json({ ...read(`${taskPath(id)}/approvals`, signal), query: { state } }),
    answer: async (id, approvalId, answer, { signal } = {}) =>
      transport.json({
        method: 'POST',
        path: `${taskPath(id)}/approvals/${pathPart(approvalId)}`,
        body: answer,
        repeatable: false,
        signal,
      }),
    cancel: async (id, { queued = false, signal } = {}) =>
      transport.json({
        method: 'POST',
        path: `${taskPath(id)}/cancel`,
        body: queued ? { queued } : {},
        repeatable: false,
        signal,
      }),
    diff: async (id, options) => new TextDecoder().decode(await tasks.diffBytes(id, options)),
    diffBytes: async (id, { signal } = {}) =>
      transport.bytes({ ...read(`${taskPath(id)}/diff`, signal), headers: { accept: 'text/plain' } }),
    stream: (id, { lastEventId = '', signal } = {}) =>
      followTask({ transport, path: `${taskPath(id)}/stream`, signal }, lastEventId),
    async wait(id, options = {}) {
      for await (const event of tasks.stream(id, options)) if (event.kind === 'done') break;
      return tasks.get(id, options);
    },
  };
  return tasks;
}
