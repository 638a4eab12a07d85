import { Type, type Static } from 'typebox';
import { codeforgeStatuses, taskIdParam } from './schemas.ts';
import { word } from '../../schema-parts.ts';
import { pageQuery } from './page-query.ts';

export const workspaceParams = Type.Object({
  taskID: taskIdParam,
});

export const listWorkspacesQuery = Type.Object(pageQuery);

const workspaceRow = Type.Object(
  {
    task_id: Type.String({ description: 'The newest task that works in it.', format: 'uuid' }),
    size_mb: Type.Number({
      description:
        'What its files take on the disk, in megabytes of 10^6 bytes, as measured after its last run; 0 until then.',
      minimum: 0,
    }),
    created_at: Type.String({ description: 'When its first task was taken.', format: 'date-time' }),
    expires_at: Type.String({
      description: 'When it is removed, unless it is used until then.',
      format: 'date-time',
    }),
    task_status: word('How that task stands.', codeforgeStatuses),
  },
  { title: 'Workspace', description: 'A workspace whose files lie on a disk.' },
);
export type WorkspaceBody = Static<typeof workspaceRow>;

export const workspaceList = Type.Object(
  {
    workspaces: Type.Array(workspaceRow, { description: 'Newest first.' }),
    total_size_mb: Type.Number({ description: 'What all of them take, whatever the page.', minimum: 0 }),
    total_count: Type.Integer({ description: 'How many there are, whatever the page.', minimum: 0 }),
  },
  { title: 'WorkspaceList' },
);

export const deletedWorkspace = Type.Object(
  { message: Type.String({ description: 'For people.' }) },
  { title: 'DeletedWorkspace' },
);
