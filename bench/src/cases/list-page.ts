import { sql } from 'kysely';
import { delay } from '../../../server/src/lib/abort.ts';
import type { Database } from '../../../server/src/store/database.ts';
import type { Bench } from '../case.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { alternate, pairedRatio, percentile } from '../measure.ts';
import { formatMs, formatSpread, type Row } from '../report.ts';
import { openServerDatabase, readToken } from '../slipway-server.ts';

const pages = [
  { name: 'newest', query: 'limit=50', where: '', offset: 0 },
  {
    name: 'status=failed',
    query: 'limit=50&status=failed',
    where: `where state in ('failed', 'cancelled')`,
    offset: 0,
  },
  { name: 'offset=5000', query: 'limit=50&offset=5000', where: '', offset: 5_000 },
] as const;

/**
 * Pages of 50 out of 100,000 tasks, over one kept connection. By hand it is the statement that one would
 * write, on a connection of its own, and its rows as JSON: without the total that the API's answer has.
 */
export async function listPage(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack, { SLIPWAY_WORKERS: '0' });
  const database = stack.adopt(await openServerDatabase(place.dataFolder, 1), (one) => one.close());
  const tasks = bench.quick ? 6_000 : 100_000;
  bench.say(`list page: inserting ${tasks.toLocaleString('en-US')} tasks`);
  await insertTasks(database, tasks);
  const measure = { place, database, token: await readToken(place.dataFolder), tasks };
  const rows: Row[] = [];
  for (const page of pages) rows.push(await measurePage(bench, measure, page));
  rows.push(await measureCounting(bench, measure));
  return rows;
}

type Measure = {
  readonly place: Installation;
  readonly database: Database;
  readonly token: string;
  readonly tasks: number;
};

async function measurePage(bench: Bench, measure: Measure, page: (typeof pages)[number]): Promise<Row> {
  const rounds = bench.quick ? 30 : 400;
  const byApi = () => timed(() => fetchPage(measure, page.query, bench.signal));
  const byHand = () => timed(() => readByHand(measure.database, page.where, page.offset));
  // The first requests of a server compile what the later ones run.
  await alternate(bench.quick ? 20 : 100, byApi, byHand);
  const { first, second } = await alternate(rounds, byApi, byHand);
  const handP95 = percentile(second, 95);
  return {
    ...rowOf(page.name, measure, first),
    baseline: `one statement: p95 ${formatMs(handP95)}`,
    ratio: pairedRatio(first, second),
    figures: { ...rowOf(page.name, measure, first).figures, byHandP95Ms: handP95 },
  };
}

/** A page whose total nobody asked for in the last two seconds: the server counts anew. */
async function measureCounting(bench: Bench, measure: Measure): Promise<Row> {
  const values: number[] = [];
  for (let round = 0; round < (bench.quick ? 1 : 15); round += 1) {
    await delay(2_050, bench.signal);
    values.push(await timed(() => fetchPage(measure, 'limit=50', bench.signal)));
  }
  return rowOf('first in 2 s', measure, values);
}

function rowOf(name: string, { tasks }: Measure, values: readonly number[]): Row {
  const [p50, p95] = [percentile(values, 50), percentile(values, 95)];
  return {
    what: `list page, 50 of ${tasks.toLocaleString('en-US')}, ${name}`,
    measured: formatSpread({ p50, p95, max: Math.max(...values) }),
    budget: 'p95 <= 15 ms',
    met: p95 <= 15,
    figures: { tasks, rounds: values.length, p50Ms: p50, p95Ms: p95, maxMs: Math.max(...values) },
  };
}

/** Tasks of random states and ages straight into the table; vacuumed, as they are after a day of service. */
async function insertTasks(database: Database, count: number): Promise<void> {
  await database.transaction(async (tx) => {
    await sql`create temporary table made on commit drop as
      select n, gen_random_uuid() as task, gen_random_uuid() as workspace, random() as luck
      from generate_series(1, ${count}::int) n`.execute(tx);
    const repository = sql`(select id from repositories limit 1)`;
    const owner = sql`(select id from users limit 1)`;
    await sql`insert into repositories (id, canonical_url)
      values (gen_random_uuid(), 'https://forge.example/bench/list')`.execute(tx);
    await sql`insert into workspaces (id, owner_id, repository_id)
      select workspace, ${owner}, ${repository} from made`.execute(tx);
    await sql`insert into tasks (id, owner_id, source, kind, repository_id, repository_url, prompt, options,
        publish, state, workspace_id, trace_id, deadline_at, created_at)
      select task, ${owner}, 'api', 'code', ${repository}, 'https://forge.example/bench/list',
        repeat('Change line ' || n || '. ', 40), '{"agent": "script", "timeoutSeconds": 300}', 'branch',
        case when luck < 0.7 then 'completed' when luck < 0.8 then 'pr_created' when luck < 0.9 then 'failed'
          when luck < 0.95 then 'cancelled' when luck < 0.98 then 'pending' else 'running' end,
        workspace, 'bench', now() + interval '30 days', now() - make_interval(mins => ${count}::int - n)
      from made order by n`.execute(tx);
  });
  await sql`vacuum analyze tasks`.execute(database.kysely);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function fetchPage({ place, token }: Measure, query: string, signal: AbortSignal): Promise<void> {
  const url = `${place.server.url}/api/v1/tasks?${query}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
  const page = (await response.json()) as { readonly tasks?: readonly unknown[] };
  if (page.tasks?.length !== 50)
    throw new Error(`a page had ${page.tasks?.length} tasks (${response.status})`);
}

async function readByHand(database: Database, where: string, offset: number): Promise<string> {
  const rows = await database.statement(
    {
      name: `by-hand ${where}`,
      text: `select id, state, kind, repository_url, left(prompt, 200) as prompt, iteration, failure, branch, changes,
        created_at, started_at, finished_at from tasks ${where} order by number desc limit 50 offset $1`,
    },
    [offset],
  );
  return JSON.stringify(rows);
}
