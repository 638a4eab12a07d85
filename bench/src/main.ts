import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeTree } from '../../server/src/lib/remove-tree.ts';
import type { Bench, BenchCase } from './case.ts';
import { agents } from './cases/agents.ts';
import { appendRate } from './cases/append-rate.ts';
import { cancel } from './cases/cancel.ts';
import { idleMemory } from './cases/idle-memory.ts';
import { listPage } from './cases/list-page.ts';
import { serverKilled } from './cases/server-killed.ts';
import { streamLatency } from './cases/stream-latency.ts';
import { submitRate } from './cases/submit-rate.ts';
import { submitToStart } from './cases/submit-to-start.ts';
import { wholeTask } from './cases/whole-task.ts';
import { workerKilled } from './cases/worker-killed.ts';
import { formatRow, heading, type Row } from './report.ts';

const cases: Readonly<Record<string, BenchCase>> = {
  'whole-task': wholeTask,
  agents,
  'submit-to-start': submitToStart,
  'submit-rate': submitRate,
  'stream-latency': streamLatency,
  'append-rate': appendRate,
  'list-page': listPage,
  'idle-memory': idleMemory,
  'worker-killed': workerKilled,
  'server-killed': serverKilled,
  cancel,
};

const caseLimitMs = 15 * 60_000;
/** A quick run waits more than it works, and its figures are not for comparing. */
const quickLanes = 2;
const removeLimitMs = 120_000;
const results = join(import.meta.dirname, '../results');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !(name in cases));
if (values.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no such case: ${unknown.join(', ')}`);
  console.log(`npm run bench [-- <case> …] [--quick]\ncases: ${Object.keys(cases).join(', ')}`);
  process.exitCode = unknown.length > 0 ? 1 : 0;
} else {
  process.exitCode = await main(positionals.length > 0 ? positionals : Object.keys(cases), values.quick);
}

type Outcome = { readonly name: string; readonly rows: readonly Row[]; readonly error?: string };

/** Runs the cases one after another, prints a line a row, writes the JSON; resolves with the exit code. */
async function main(names: readonly string[], quick: boolean): Promise<number> {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  const began = new Date();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const outcomes: Outcome[] = [];
  try {
    // Sandboxes and the PostgreSQL of a root server are other users, who have to pass through.
    await chmod(folder, 0o711);
    console.log(heading);
    const waiting = [...names];
    const runWaiting = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        if (stopping.signal.aborted) return;
        outcomes.push(await runCase(name, benchOf(quick, folder, stopping.signal)));
      }
    };
    await Promise.all(Array.from({ length: quick ? quickLanes : 1 }, runWaiting));
  } finally {
    // At the end and not before: deletions make what follows them slow (see `HandWork`).
    await removeTree(folder, AbortSignal.timeout(removeLimitMs));
  }
  console.log(`\n${await writeResults(began, quick, outcomes)}`);
  return stopping.signal.aborted || outcomes.some(({ error }) => error !== undefined) ? 1 : 0;
}

function benchOf(quick: boolean, folder: string, stop: AbortSignal): Bench {
  return {
    quick,
    signal: AbortSignal.any([stop, AbortSignal.timeout(caseLimitMs)]),
    makeFolder: (prefix) => makeFolder(folder, prefix),
    say: (text) => console.error(`  ${text}`),
  };
}

async function runCase(name: string, bench: Bench): Promise<Outcome> {
  try {
    const rows = (await cases[name]?.(bench)) ?? [];
    for (const row of rows) console.log(formatRow(row));
    return { name, rows };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`${name}: could not be measured: ${reason}`);
    return { name, rows: [], error: reason };
  }
}

async function makeFolder(parent: string, prefix: string): Promise<string> {
  const folder = await mkdtemp(join(parent, `${prefix}-`));
  await chmod(folder, 0o711);
  return folder;
}

async function writeResults(began: Date, quick: boolean, outcomes: readonly Outcome[]): Promise<string> {
  await mkdir(results, { recursive: true });
  const path = join(results, `${began.toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
  const host = {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    memoryBytes: totalmem(),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    loadAfter: loadavg(),
  };
  await writeFile(path, `${JSON.stringify({ began, quick, host, cases: outcomes }, null, 2)}\n`);
  return path;
}
