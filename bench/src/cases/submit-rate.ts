import type { Bench } from '../case.ts';
import { openInstallation } from '../installation.ts';
import { startLoadProgram, type PostLoad, type PostLoadResult } from '../load/load-program.ts';
import { alternate, median, pairedRatio, percentile } from '../measure.ts';
import { formatMs, formatRate, formatSpread, type Row } from '../report.ts';
import { readToken } from '../slipway-server.ts';

const connections = 32;
const bareServer = import.meta.resolve('../load/bare-server.ts');
const postLoad = import.meta.resolve('../load/post-load.ts');

/**
 * Submissions over 32 kept connections, each answered when its task is on the disk, to a server that works
 * on none of them. Beside it a bare `node:http` server that answers the same and stores nothing: what the
 * load program and the machine allow at most.
 */
export async function submitRate(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack, { SLIPWAY_WORKERS: '0' });
  const bare = stack.use(startLoadProgram(bareServer, bench.signal));
  const load = {
    token: await readToken(place.dataFolder),
    body: bodyOf('http://127.0.0.1:9/repository.git'),
    connections,
    maxRequests: 100_000,
    maxMs: bench.quick ? 400 : 6_000,
  };
  const targets = {
    slipway: { ...load, url: `${place.server.url}/api/v1/tasks` },
    bare: { ...load, url: `${await bare.line()}/api/v1/tasks` },
  };
  // The code that runs often is compiled by then, and the database's files have grown once.
  for (const target of [targets.slipway, targets.bare])
    await send(bench, { ...target, maxMs: load.maxMs / 2 });
  const rounds = bench.quick ? 1 : 5;
  bench.say(`submissions: ${rounds} rounds of ${formatMs(load.maxMs)}`);
  const latencies = { slipway: [] as number[], bare: [] as number[] };
  let loadCpu = 0;
  const round = async (kind: 'slipway' | 'bare'): Promise<number> => {
    const done = await send(bench, targets[kind]);
    latencies[kind].push(...done.latenciesMs);
    if (kind === 'slipway') loadCpu = done.cpuSeconds / done.seconds;
    return done.latenciesMs.length / done.seconds;
  };
  const rates = await alternate(
    rounds,
    () => round('slipway'),
    () => round('bare'),
  );
  const rate = median(rates.first);
  const spread = { p50: percentile(latencies.slipway, 50), p99: percentile(latencies.slipway, 99) };
  return [
    {
      what: `POST /api/v1/tasks, durable, ${connections} connections`,
      measured: `${formatRate(rate)}, ${formatSpread(spread)}`,
      baseline: `bare node:http: ${formatRate(median(rates.second))}`,
      ratio: pairedRatio(rates.first, rates.second),
      budget: '>= 2,000/s, p99 <= 50 ms',
      met: rate >= 2_000 && spread.p99 <= 50,
      figures: {
        perSecond: rate,
        p50Ms: spread.p50,
        p99Ms: spread.p99,
        barePerSecond: median(rates.second),
        bareP99Ms: percentile(latencies.bare, 99),
        // Processors that the load itself kept busy: it shares the machine with what it measures.
        loadProcessors: loadCpu,
      },
    },
  ];
}

function bodyOf(url: string): string {
  const config = { cli: 'script', command: 'true', timeout_seconds: 600 };
  return JSON.stringify({ repo_url: url, prompt: 'Change a line. '.repeat(20), task_type: 'code', config });
}

async function send(bench: Bench, load: PostLoad): Promise<PostLoadResult> {
  await using program = startLoadProgram(postLoad, bench.signal);
  program.send(load);
  program.finish();
  const result = JSON.parse(await program.line()) as PostLoadResult;
  const wrong = Object.entries(result.statuses).filter(([status]) => status !== '201');
  if (wrong.length > 0)
    throw new Error(`submissions were answered ${JSON.stringify(Object.fromEntries(wrong))}`);
  return result;
}
