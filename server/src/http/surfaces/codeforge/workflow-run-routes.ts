import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { WorkflowRunOver } from '../../../services/cancel-workflow-run.ts';
import { answerStream, createFrameMemory } from './answer-stream.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { parsePage } from './list-query.ts';
import { nameProblem } from './name-problem.ts';
import { runEventBody } from './workflow-event-projection.ts';
import { runBodyOf, runDoneData, runRowOf, runStatesOf, runStatusOf } from './workflow-projection.ts';
import { workflowRunDocuments } from './workflow-run-documents.ts';
import {
  cancelAllQuery,
  canceledRun,
  canceledRuns,
  listRunsQuery,
  workflowRunParams,
} from './workflow-schemas.ts';

/** Runs of workflows: listing, showing, following and cancelling them. */
export function addWorkflowRunRoutes(api: FastifyInstance, deps: CodeforgeDeps): void {
  addReadRoutes(api, deps);
  addStreamRoute(api, deps);
  addCancelRoutes(api, deps);
}

function addReadRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  const { workflows } = services;
  typed.get(
    '/workflow-runs',
    { schema: { querystring: listRunsQuery }, config: workflowRunDocuments.list },
    async (request) => {
      const { workflow, status } = request.query;
      const page = await workflows.runs.list(auth.callerOf(request), {
        workflowName: workflow || undefined,
        states: status ? runStatesOf(status) : undefined,
        ...parsePage(request.query),
      });
      return { runs: page.rows.map(runRowOf), total: page.total };
    },
  );
  typed.get(
    '/workflow-runs/:id',
    { schema: { params: workflowRunParams }, config: workflowRunDocuments.show },
    async (request) => {
      const run = await workflows.runs.show(auth.callerOf(request), request.params.id);
      return runBodyOf(run, await workflows.runs.steps(run.id));
    },
  );
}

/** The run's events until it is over. An unknown run is a 404 before the stream opens. */
function addStreamRoute(api: FastifyInstance, deps: CodeforgeDeps): void {
  const { workflows } = deps.services;
  const frameOf = createFrameMemory(runEventBody);
  api
    .withTypeProvider<TypeBoxTypeProvider>()
    .get(
      '/workflow-runs/:id/stream',
      { schema: { params: workflowRunParams }, config: workflowRunDocuments.stream, exposeHeadRoute: false },
      async (request, reply) => {
        const caller = deps.auth.callerOf(request);
        const run = await workflows.runs.show(caller, request.params.id);
        return answerStream({ request, reply }, deps, {
          about: { workflowRunId: run.id, traceId: run.traceId },
          maxMs: deps.options.workflowStreamMaxMs,
          connected: { run_id: run.id, status: runStatusOf(run.state) },
          follow: (after, signal) => workflows.runs.follow(caller, run, after, signal),
          frameOf: (event) => frameOf(event, run.id),
          doneOf: runDoneData,
        });
      },
    );
}

function addCancelRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  const { workflows } = services;
  typed.post(
    '/workflow-runs/:id/cancel',
    {
      schema: { params: workflowRunParams, response: { 200: canceledRun } },
      config: workflowRunDocuments.cancel,
    },
    async (request) => {
      await workflows.runs.cancel(auth.callerOf(request), request.params.id).catch(inOurWords);
      return { status: 'canceling', message: 'workflow run cancellation requested' };
    },
  );
  typed.post(
    '/workflow-runs/cancel-all',
    {
      schema: { querystring: cancelAllQuery, response: { 200: canceledRuns } },
      config: workflowRunDocuments.cancelAll,
    },
    async (request) => {
      const name = request.query.workflow ?? '';
      const problem = nameProblem(name);
      if (problem !== undefined) throw invalidFields({ workflow: problem });
      const canceled = await workflows.runs.cancelAll(auth.callerOf(request), name);
      const many = canceled === 1 ? 'workflow run' : 'workflow runs';
      return { canceled, message: `${canceled} ${many} canceled` };
    },
  );
}

function inOurWords(error: unknown): never {
  if (!(error instanceof WorkflowRunOver)) throw error;
  const message = `workflow run is not running (status: ${runStatusOf(error.state)})`;
  throw new Refusal('conflict', message, { cause: error });
}
