import type {
  CanceledWorkflowRun,
  CanceledWorkflowRuns,
  Operations,
  WorkflowRun,
  WorkflowRunList,
} from './api-types.ts';
import { followStream } from './follow-stream.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';
import type { WorkflowStreamEvent } from './workflow-event.ts';

/** Which page of the runs, and of which. */
export type WorkflowRunQuery = Operations['listWorkflowRuns']['query'];

/** Runs of workflows, those of deleted workflows too. */
export type WorkflowRuns = {
  readonly list: (query?: WorkflowRunQuery, options?: RequestOptions) => Promise<WorkflowRunList>;
  /** With its steps: how they stand, their tasks, what they left. */
  readonly get: (id: string, options?: RequestOptions) => Promise<WorkflowRun>;
  /** Asks for the end of a run, and of the task that it waits for. One that is over is a 409. */
  readonly cancel: (id: string, options?: RequestOptions) => Promise<CanceledWorkflowRun>;
  /** The same for every run of a workflow that is not over. */
  readonly cancelAll: (workflow: string, options?: RequestOptions) => Promise<CanceledWorkflowRuns>;
  /**
   * Every event of the run behind `lastEventId`, past ones first, until the run is over. Survives lost
   * connections and restarts of the server without a gap or a repeat.
   */
  readonly stream: (
    id: string,
    options?: RequestOptions & { readonly lastEventId?: string | undefined },
  ) => AsyncIterable<WorkflowStreamEvent>;
  /** Waits until the run is over and returns it. */
  readonly wait: (id: string, options?: RequestOptions) => Promise<WorkflowRun>;
};

const path = 'api/v1/workflow-runs';

export function createWorkflowRuns(transport: Transport): WorkflowRuns {
  const runs: WorkflowRuns = {
    list: (query = {}, { signal } = {}) => transport.json({ ...read(path, signal), query: { ...query } }),
    get: async (id, { signal } = {}) => transport.json(read(runPath(id), signal)),
    cancel: async (id, { signal } = {}) =>
      transport.json({ method: 'POST', path: `${runPath(id)}/cancel`, repeatable: false, signal }),
    cancelAll: (workflow, { signal } = {}) =>
      transport.json({
        method: 'POST',
        path: `${path}/cancel-all`,
        query: { workflow },
        repeatable: false,
        signal,
      }),
    stream: (id, { lastEventId = '', signal } = {}) =>
      followStream({ transport, path: `${runPath(id)}/stream`, lastEventId, endOf, signal }),
    async wait(id, options = {}) {
      for await (const event of runs.stream(id, options)) if (event.kind === 'done') break;
      return runs.get(id, options);
    },
  };
  return runs;
}

function endOf({ error }: Readonly<Record<string, unknown>>) {
  return { error: typeof error === 'string' ? error : undefined };
}

function runPath(id: string): string {
  return `${path}/${pathPart(id)}`;
}
