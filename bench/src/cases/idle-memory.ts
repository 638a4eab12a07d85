import type { Bench } from '../case.ts';
import { delay } from '../../../server/src/lib/abort.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { startLoadProgram } from '../load/load-program.ts';
import { familyShareBytes, memoryOf, type Memory } from '../processes.ts';
import { formatMegabytes, type Row } from '../report.ts';
import { postmasterPid } from '../slipway-server.ts';
import { runTask } from '../tasks.ts';

const serverBudget = 150_000_000;
const databaseBudget = 40_000_000;
const bareServer = import.meta.resolve('../load/bare-server.ts');
const atOnce = 3;

type Figures = { readonly server: Memory; readonly databaseBytes: number };

/**
 * What an idle server and its PostgreSQL hold, after a start and after 200 tasks. The server is told by all
 * that is resident, PostgreSQL by its processes' shares: they map the same pool. By hand: a bare `node:http` server.
 */
export async function idleMemory(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack);
  const bare = stack.use(startLoadProgram(bareServer, bench.signal));
  await bare.line();
  const tasks = bench.quick ? 3 : 200;
  // Idle connections to the database are closed after half a minute.
  const settleMs = bench.quick ? 1_000 : 45_000;
  const postmaster = await postmasterPid(place.dataFolder);
  const look = async (): Promise<Figures> => {
    await delay(settleMs, bench.signal);
    return { server: memoryOf(place.server.pid), databaseBytes: familyShareBytes(postmaster) };
  };
  const before = await look();
  bench.say(`idle memory: ${tasks} tasks`);
  await runTasks(bench, place, tasks);
  const after = await look();
  const bareBytes = memoryOf(bare.pid).residentBytes;
  return [
    serverRow('after a start', before.server, bareBytes),
    serverRow(`after ${tasks} tasks`, after.server, bareBytes),
    databaseRow('after a start', before.databaseBytes),
    databaseRow(`after ${tasks} tasks`, after.databaseBytes, before.databaseBytes),
  ];
}

async function runTasks(bench: Bench, place: Installation, count: number): Promise<void> {
  const url = await place.forge.add('small.git', 10);
  let left = count;
  const runSome = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await runTask(place.client, { url, command: 'echo changed >> README.md' }, bench.signal);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runSome));
}

function serverRow(when: string, memory: Memory, bareBytes: number): Row {
  return {
    what: `idle memory: server, ${when}`,
    measured: `${formatMegabytes(memory.residentBytes)} resident, share ${formatMegabytes(memory.shareBytes)}`,
    baseline: `bare node:http: ${formatMegabytes(bareBytes)}`,
    ratio: memory.residentBytes / bareBytes,
    budget: `<= ${serverBudget / 1_000_000} MB`,
    met: memory.residentBytes <= serverBudget,
    figures: {
      residentBytes: memory.residentBytes,
      shareBytes: memory.shareBytes,
      bareResidentBytes: bareBytes,
    },
  };
}

function databaseRow(when: string, bytes: number, beforeBytes?: number): Row {
  return {
    what: `idle memory: embedded PostgreSQL, ${when}`,
    measured: `share ${formatMegabytes(bytes)}`,
    ...(beforeBytes === undefined
      ? {}
      : { baseline: `after a start: ${formatMegabytes(beforeBytes)}`, ratio: bytes / beforeBytes }),
    budget: `<= ${databaseBudget / 1_000_000} MB`,
    met: bytes <= databaseBudget,
    figures: { shareBytes: bytes },
  };
}
