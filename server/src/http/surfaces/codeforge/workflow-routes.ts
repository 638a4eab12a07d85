import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { dropNulls, idempotencyKeyOf, idempotencyKeyProblem } from '../../request-parts.ts';
import { workflowDocuments } from './workflow-documents.ts';
import { runStatusOf, workflowBodyOf, workflowRowOf } from './workflow-projection.ts';
import {
  createdWorkflow,
  createWorkflowBody,
  deletedWorkflow,
  runWorkflowBody,
  startedRun,
  workflowParams,
} from './workflow-schemas.ts';

/** The body's schema describes; what is wrong with a definition or with parameters, the services tell. */
const describedOnly = () => () => true;

/** Workflows: keeping, listing, showing, deleting and running them. */
export function addWorkflowRoutes(api: FastifyInstance, deps: CodeforgeDeps): void {
  addCreateRoute(api, deps);
  addReadRoutes(api, deps);
  addRunRoute(api, deps);
}

function addCreateRoute(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  api.post(
    '/workflows',
    {
      schema: { body: createWorkflowBody, response: { 201: createdWorkflow } },
      config: workflowDocuments.create,
      preValidation: dropNulls,
      validatorCompiler: describedOnly,
    },
    async (request, reply) => {
      const key = checkedKey(idempotencyKeyOf(request));
      const { name } = await services.workflows.create(
        auth.callerOf(request),
        request.body,
        key !== undefined,
      );
      return reply.code(201).send({ name, message: 'workflow created' });
    },
  );
}

function addReadRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get('/workflows', { config: workflowDocuments.list }, async (request) => {
    const workflows = await services.workflows.list(auth.callerOf(request));
    return { workflows: workflows.map(workflowRowOf) };
  });
  typed.get(
    '/workflows/:name',
    { schema: { params: workflowParams }, config: workflowDocuments.show },
    async (request) =>
      workflowBodyOf(await services.workflows.show(auth.callerOf(request), request.params.name)),
  );
  typed.delete(
    '/workflows/:name',
    {
      schema: { params: workflowParams, response: { 200: deletedWorkflow } },
      config: workflowDocuments.remove,
    },
    async (request) => {
      await services.workflows.remove(auth.callerOf(request), request.params.name);
      return { message: 'workflow deleted' };
    },
  );
}

function addRunRoute(api: FastifyInstance, { services, auth, placeOf }: CodeforgeDeps): void {
  api.post<{ Params: { name: string }; Body: { params?: unknown } }>(
    '/workflows/:name/run',
    {
      schema: { params: workflowParams, body: runWorkflowBody, response: { 201: startedRun } },
      config: workflowDocuments.run,
      preValidation: dropNulls,
      validatorCompiler: describedOnly,
    },
    async (request, reply) => {
      const caller = auth.callerOf(request);
      const run = await services.workflows.run(caller, {
        name: request.params.name,
        params: request.body.params,
        idempotencyKey: checkedKey(idempotencyKeyOf(request)),
        rateLimitKey: caller.rateLimitKey,
        trace: placeOf(request),
      });
      reply.header('location', `/api/v1/workflow-runs/${run.runId}`);
      return reply.code(201).send({
        run_id: run.runId,
        workflow_name: run.workflowName,
        status: runStatusOf('pending'),
        created_at: run.createdAt.toISOString(),
      });
    },
  );
}

function checkedKey(key: string | undefined): string | undefined {
  const problem = idempotencyKeyProblem(key);
  if (problem !== undefined) throw invalidFields({ 'Idempotency-Key': problem });
  return key;
}
