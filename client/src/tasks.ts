import type {
  Approval,
  ApprovalAnswer,
  ApprovalList,
  CancelAnswer,
  ChangesSummary,
  CreatedPullRequest,
  CreatedTask,
  InstructAnswer,
  Operations,
  PostedReview,
  PostReviewInput,
  PullRequestInput,
  ReviewAnswer,
  ReviewInput,
  Task,
  TaskInput,
  TaskList,
} from './api-types.ts';
import { followStream } from './follow-stream.ts';
import type { CreateOptions, RequestOptions } from './request-options.ts';
import type { StreamEvent } from './task-event.ts';
import { idempotent, isRecord, pathPart, read, type Transport } from './transport.ts';

/** Which page of the list, and of which tasks. */
export type ListQuery = Operations['listTasks']['query'];

export type Tasks = {
  /** Creates a task. With the same `idempotencyKey` it is the same task; without one a key is made. */
  readonly create: (input: TaskInput, options?: CreateOptions) => Promise<CreatedTask>;
  readonly list: (query?: ListQuery, options?: RequestOptions) => Promise<TaskList>;
  readonly get: (
    id: string,
    options?: RequestOptions & {
      /** Whether every instruction comes with it. */
      readonly iterations?: boolean | undefined;
    },
  ) => Promise<Task>;
  /** Gives a finished task its next instruction; as often as it is sent with one key, once. */
  readonly instruct: (id: string, prompt: string, options?: CreateOptions) => Promise<InstructAnswer>;
  /**
   * Publishes the task's work as a pull request and waits for it, up to `timing.publishMs`. What is left out
   * takes the server's defaults. After a follow-up it brings the same pull request up to date.
   */
  readonly createPullRequest: (
    id: string,
    input?: PullRequestInput,
    options?: CreateOptions,
  ) => Promise<CreatedPullRequest>;
  /**
   * Has the work of a finished task reviewed; as often as it is sent with one key, once. The answer comes before
   * the review has begun: `wait`, and find it in the task's `review_result`.
   */
  readonly review: (id: string, input?: ReviewInput, options?: CreateOptions) => Promise<ReviewAnswer>;
  /**
   * Posts the task's review to a pull request and waits for it, up to `timing.publishMs`. The same review is
   * there once, however often it is posted.
   */
  readonly postReview: (
    id: string,
    input?: PostReviewInput,
    options?: RequestOptions,
  ) => Promise<PostedReview>;
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

export function createTasks(transport: Transport): Tasks {
  const tasks: Tasks = {
    create: (input, options = {}) => transport.json(idempotent('api/v1/tasks', input, options)),
    list: (query = {}, { signal } = {}) =>
      transport.json({ ...read('api/v1/tasks', signal), query: { ...query } }),
    get: async (id, { iterations = false, signal } = {}) =>
      transport.json({
        ...read(taskPath(id), signal),
        query: { include: iterations ? 'iterations' : undefined },
      }),
    instruct: async (id, prompt, options = {}) =>
      transport.json(idempotent(`${taskPath(id)}/instruct`, { prompt }, options)),
    createPullRequest: async (id, input = {}, options = {}) =>
      transport.json({
        ...idempotent(`${taskPath(id)}/create-pr`, input, options),
        requestMs: transport.timing.publishMs,
      }),
    review: async (id, input = {}, options = {}) =>
      transport.json(idempotent(`${taskPath(id)}/review`, input, options)),
    postReview: async (id, input = {}, { signal } = {}) =>
      transport.json({
        method: 'POST',
        path: `${taskPath(id)}/post-review`,
        body: input,
        repeatable: true,
        requestMs: transport.timing.publishMs,
        signal,
      }),
    diff: async (id, options) => new TextDecoder().decode(await tasks.diffBytes(id, options)),
    diffBytes: async (id, { signal } = {}) =>
      transport.bytes({ ...read(`${taskPath(id)}/diff`, signal), headers: { accept: 'text/plain' } }),
    stream: (id, { lastEventId = '', signal } = {}) =>
      followStream({ transport, path: `${taskPath(id)}/stream`, lastEventId, endOf, signal }),
    async wait(id, options = {}) {
      for await (const event of tasks.stream(id, options)) if (event.kind === 'done') break;
      return tasks.get(id, options);
    },
    ...createTalk(transport),
  };
  return tasks;
}

/** What is said to a task while it is at work. None of it is done twice. */
function createTalk(transport: Transport): Pick<Tasks, 'approvals' | 'answer' | 'cancel'> {
  return {
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
  };
}

function endOf({ changes_summary: changes }: Readonly<Record<string, unknown>>) {
  return { changes: isRecord(changes) ? (changes as ChangesSummary) : undefined };
}

/** The path of a task. Throws `TypeError` for what would lead to another path. */
function taskPath(id: string): string {
  return `api/v1/tasks/${pathPart(id)}`;
}
