import { join } from 'node:path';
import { startSentry, type SentryStandIn } from '../stand-ins/sentry/sentry.ts';
import { until } from '../support/processes.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openAgentHouse, type AgentHouse } from './agent-tasks.ts';
import type { ForgeStage } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { openGitlabStage } from './gitlab-stage.ts';

/** A run of a workflow as the API shows it. */
export type SeenRun = {
  readonly status: string;
  readonly error?: string;
  readonly steps: readonly {
    readonly step_name: string;
    readonly status: string;
    readonly error?: string;
    readonly task_id?: string;
    readonly result?: Readonly<Record<string, unknown>>;
  }[];
};

/** One server beside everything that the built-in workflows talk to. */
export type WorkflowStage = AsyncDisposable & {
  readonly house: AgentHouse;
  readonly github: ForgeStage;
  readonly gitlab: ForgeStage;
  readonly sentry: SentryStandIn;
  /** An answer's status, and its body as JSON. */
  readonly call: (
    path: string,
    body?: object,
  ) => Promise<{ readonly status: number; readonly body: unknown }>;
  /** Runs a workflow to its end. */
  readonly run: (workflow: string, params: Readonly<Record<string, string>>) => Promise<SeenRun>;
};

export async function openWorkflowStage(settings: SlipwaySettings = {}): Promise<WorkflowStage> {
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const github = await openGithubStage(join(folder, 'github'));
  stack.defer(() => github.stop());
  const gitlab = await openGitlabStage(join(folder, 'gitlab'));
  stack.defer(() => gitlab.stop());
  const sentry = await startSentry();
  stack.defer(() => sentry.close());
  const house = await openAgentHouse({
    ...github.settings,
    ...gitlab.settings,
    SLIPWAY_SENTRY_API_URL: sentry.apiUrl,
    ...settings,
  });
  stack.use(house);
  const call: WorkflowStage['call'] = async (path, body) => {
    const answer = await fetch(new URL(`/api/v1${path}`, house.server().url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${house.token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(60_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const run: WorkflowStage['run'] = async (workflow, params) => {
    const begun = await call(`/workflows/${workflow}/run`, { params });
    if (begun.status !== 201) throw new Error(`${workflow} was not begun: ${JSON.stringify(begun.body)}`);
    const { run_id: id } = begun.body as { readonly run_id: string };
    const look = async (): Promise<SeenRun | undefined> => {
      const seen = (await call(`/workflow-runs/${id}`)).body as SeenRun;
      return ['completed', 'failed', 'canceled'].includes(seen.status) ? seen : undefined;
    };
    return until(`the end of ${workflow}`, look, 60_000);
  };
  const owned = stack.move();
  return {
    house,
    github,
    gitlab,
    sentry,
    call,
    run,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
