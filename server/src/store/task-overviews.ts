import { sql } from 'kysely';
import type { Failure } from '../domain/failure.ts';
import type { EventType } from '../domain/event.ts';
import { restingTaskStates, type TaskState } from '../domain/task-state.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import type { Database } from './database.ts';
import type { TaskReference, Viewer } from './tasks.ts';

/** What windows show of a task that know four states of it. */
export type TaskOverview = {
  readonly id: string;
  readonly state: TaskState;
  readonly repositoryUrl: string;
  /** In a list both are beginnings. */
  readonly prompt: string;
  readonly result: string | null;
  readonly agent: string;
  /** Of its first run: later ones may be put in front of others. */
  readonly priority: number;
  readonly failure: Failure | null;
  readonly branch: string | null;
  readonly pullRequestNumber: number | null;
  readonly pullRequestUrl: string | null;
  readonly workspaceId: string;
  /** Where workspaces lie on the host that has the task's; null: it lies on none. */
  readonly workspacesFolder: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
};

/** One task, with what lists leave out. */
export type WholeTaskOverview = TaskOverview & {
  readonly tests: TestOutcome | null;
  /** The newest events of the wanted types, oldest first. */
  readonly log: readonly LoggedEvent[];
};

export type LoggedEvent = { readonly at: Date; readonly type: EventType; readonly data: unknown };

/** Tasks of this source are gone for whoever asks so, this long after their end; they are kept for everybody else. */
export type Gone = { readonly source: string; readonly afterSeconds: number };

/** So much of a prompt and of a result is in a list: one character more than is shown, to know whether it was cut. */
const listCharacters = 201;

/** The task; undefined where it does not exist, is none of the viewer's business, or is gone. */
export async function findTaskOverview(
  database: Database,
  viewer: Viewer,
  wanted: {
    readonly reference: TaskReference;
    readonly gone: Gone | undefined;
    readonly logged: readonly EventType[];
    readonly logLimit: number;
  },
): Promise<WholeTaskOverview | undefined> {
  const { reference, gone } = wanted;
  const task = await overviews(database)
    .select(['tasks.prompt', 'tasks.result', 'tasks.tests'])
    .where((is) =>
      'id' in reference ? is('tasks.id', '=', reference.id) : is('tasks.number', '=', reference.number),
    )
    .where(visibleTo(viewer))
    .where(stillThere(gone))
    .executeTakeFirst();
  return task && { ...task, log: await readLog(database, task.id, wanted) };
}

/** A page, newest first; its numbers are found in an index before any row is looked at. */
export async function readTaskOverviews(
  database: Database,
  viewer: Viewer,
  page: {
    readonly states: readonly TaskState[] | undefined;
    readonly gone: Gone | undefined;
    readonly limit: number;
  },
): Promise<readonly TaskOverview[]> {
  let numbers = database.kysely
    .selectFrom('tasks')
    .select('number')
    .where(visibleTo(viewer))
    .where(stillThere(page.gone))
    .orderBy('number', 'desc')
    .limit(page.limit);
  if (page.states !== undefined) numbers = numbers.where('state', 'in', [...page.states]);
  return overviews(database)
    .select([
      sql<string>`left(tasks.prompt, ${listCharacters})`.as('prompt'),
      sql<string | null>`left(tasks.result, ${listCharacters})`.as('result'),
    ])
    .where('tasks.number', 'in', numbers)
    .orderBy('tasks.number', 'desc')
    .execute();
}

function overviews(database: Database) {
  return database.kysely
    .selectFrom('tasks')
    .innerJoin('workspaces', 'workspaces.id', 'tasks.workspace_id')
    .leftJoin('workers', 'workers.id', 'workspaces.worker_id')
    .select([
      'tasks.id',
      'tasks.state',
      'tasks.repository_url as repositoryUrl',
      sql<string>`tasks.options ->> 'agent'`.as('agent'),
      sql<number>`coalesce((select priority from runs where runs.task_id = tasks.id
        order by iteration, number limit 1), 0)`.as('priority'),
      'tasks.failure',
      'tasks.branch',
      'tasks.pull_request_number as pullRequestNumber',
      'tasks.pull_request_url as pullRequestUrl',
      'tasks.workspace_id as workspaceId',
      'workers.workspaces_folder as workspacesFolder',
      'tasks.created_at as createdAt',
      'tasks.started_at as startedAt',
      // Under review the work stays done: it ended with the last run that was not aside.
      sql<Date | null>`case when tasks.state = 'reviewing' then
        (select max(ended_at) from runs where runs.task_id = tasks.id and not aside)
        else tasks.finished_at end`.as('finishedAt'),
    ]);
}

function visibleTo(viewer: Viewer) {
  return viewer.isAdmin ? sql<boolean>`true` : sql<boolean>`tasks.owner_id = ${viewer.userId}`;
}

function stillThere(gone: Gone | undefined) {
  if (gone === undefined) return sql<boolean>`true`;
  return sql<boolean>`(tasks.source <> ${gone.source} or tasks.state not in (${sql.join([...restingTaskStates])})
    or tasks.finished_at is null or tasks.finished_at > now() - make_interval(secs => ${gone.afterSeconds}))`;
}

async function readLog(
  database: Database,
  taskId: string,
  { logged, logLimit }: { readonly logged: readonly EventType[]; readonly logLimit: number },
): Promise<readonly LoggedEvent[]> {
  const newest = await database.kysely
    .selectFrom('events')
    .select(['at', 'type', 'data'])
    .where('stream_id', '=', taskId)
    .where('type', 'in', [...logged])
    .orderBy('id', 'desc')
    .limit(logLimit)
    .execute();
  return newest.toReversed();
}
