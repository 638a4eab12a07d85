import type { ApprovalState } from '../domain/approval-state.ts';
import type { Database } from './database.ts';
import type { Viewer } from './tasks.ts';

/** A question as people see it. */
export type Approval = {
  readonly id: string;
  readonly taskId: string;
  readonly tool: string;
  readonly summary: string;
  readonly arguments: unknown;
  readonly state: ApprovalState;
  readonly reason: string | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
  readonly decidedAt: Date | null;
};

/** Of which task (undefined: of any), and in which states (undefined: in any). */
export type ApprovalFilter = {
  readonly taskId?: string;
  readonly states?: readonly ApprovalState[];
};

/** Their arguments may have 32 KB each: this bounds an answer. */
const listed = 200;

/** The newest 200 questions that the viewer may see, oldest first. */
export async function listApprovals(
  database: Database,
  viewer: Viewer,
  filter: ApprovalFilter,
): Promise<readonly Approval[]> {
  let query = approvalsOf(database, viewer).orderBy('number', 'desc').limit(listed);
  if (filter.taskId !== undefined) query = query.where('task_id', '=', filter.taskId);
  if (filter.states !== undefined) query = query.where('state', 'in', [...filter.states]);
  return (await query.execute()).toReversed();
}

/** One question of a task; undefined where there is none, or it is none of the viewer's business. */
export async function findApproval(
  database: Database,
  viewer: Viewer,
  name: { readonly taskId: string; readonly id: string },
): Promise<Approval | undefined> {
  return approvalsOf(database, viewer)
    .where('task_id', '=', name.taskId)
    .where('id', '=', name.id)
    .executeTakeFirst();
}

function approvalsOf(database: Database, viewer: Viewer) {
  const all = database.kysely
    .selectFrom('approvals')
    .select([
      'id',
      'task_id as taskId',
      'tool',
      'summary',
      'arguments',
      'state',
      'reason',
      'expires_at as expiresAt',
      'created_at as createdAt',
      'decided_at as decidedAt',
    ]);
  return viewer.isAdmin ? all : all.where('owner_id', '=', viewer.userId);
}
