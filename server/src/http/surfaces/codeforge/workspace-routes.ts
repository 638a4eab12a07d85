import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import type { WorkspaceRow } from '../../../services/list-workspaces.ts';
import { documented } from '../../documented.ts';
import { readTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { parsePage } from './list-query.ts';
import { statusOf } from './projection.ts';
import { cannot } from './state-refusal.ts';
import {
  deletedWorkspace,
  listWorkspacesQuery,
  workspaceList,
  workspaceParams,
  type WorkspaceBody,
} from './workspace-schemas.ts';

/** The trees that tasks have worked in, as far as they lie on a disk. */
export function addWorkspaceRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get(
    '/workspaces',
    { schema: { querystring: listWorkspacesQuery }, config: documents.list },
    async (request) => {
      const page = await services.workspaces.list(auth.callerOf(request), parsePage(request.query));
      return {
        workspaces: page.rows.map(workspaceBodyOf),
        total_size_mb: megabytes(page.totalBytes),
        total_count: page.total,
      };
    },
  );
  typed.delete(
    '/workspaces/:taskID',
    {
      schema: { params: workspaceParams, response: { 200: deletedWorkspace } },
      config: documents.remove,
    },
    async (request) => {
      const reference = readTaskReference(request.params.taskID);
      if (reference === undefined) throw new Refusal('not_found', 'workspace not found');
      await services.workspaces
        .remove(auth.callerOf(request), reference)
        .catch(cannot('delete its workspace'));
      return { message: 'workspace deleted' };
    },
  );
}

function workspaceBodyOf(row: WorkspaceRow): WorkspaceBody {
  return {
    task_id: row.taskId,
    size_mb: megabytes(row.diskBytes ?? 0),
    created_at: toTheSecond(row.createdAt),
    expires_at: toTheSecond(row.expiresAt),
    task_status: statusOf(row.state),
  };
}

/** With one decimal. */
function megabytes(bytes: number): number {
  return Math.round(bytes / 100_000) / 10;
}

function toTheSecond(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/u, 'Z');
}

const documents = {
  list: documented({
    operationId: 'listWorkspaces',
    summary: 'List the workspaces that lie on a disk',
    description:
      'Each with its size. A workspace that is not listed was removed, or not begun yet: the work of its tasks is kept all the same.',
    tag: 'Workspaces',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'A page of them, and the size of all.',
        schema: workspaceList,
        example: {
          workspaces: [
            {
              task_id: '77a2ffbd-1f4e-4d5c-9e55-0c6b1a6f7d21',
              size_mb: 45.2,
              created_at: '2026-02-26T18:38:10Z',
              expires_at: '2026-02-27T18:38:10Z',
              task_status: 'completed',
            },
          ],
          total_size_mb: 45.2,
          total_count: 1,
        },
      },
    },
  }),
  remove: documented({
    operationId: 'deleteWorkspace',
    summary: 'Delete the workspace of a task',
    description:
      'Its files go at once, from whichever disk they lie on. What the tasks made stays: an instruction lays the workspace out anew, and the work can still be published. A task that asks for it by `config.workspace_task_id` gets a fresh one.',
    tag: 'Workspaces',
    needs: 'runs:control',
    answers: { 200: { description: 'It is gone.', example: { message: 'workspace deleted' } } },
    errors: {
      404: 'There is no such task, or it has no workspace, not yet or not any more.',
      409: 'A task is at work in it, waits for a person in it, or is being published.',
    },
  }),
};
