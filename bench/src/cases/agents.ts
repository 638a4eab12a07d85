import { scenarioMarker } from '../../../server/src/demo/model-server/scenarios.ts';
import { startModelServer, type ModelServer } from '../../../server/src/demo/model-server/model-server.ts';
import { beginAgentByHand, type BegunByHand } from '../agent-by-hand.ts';
import { findClis, type InstalledCli } from '../agent-clis.ts';
import { lookAt, peakDuring, supervisorPids, type RunMemory } from '../agent-memory.ts';
import type { Bench } from '../case.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { alternate, median, pairedRatio, percentile } from '../measure.ts';
import { formatMegabytes, formatMs, formatSpread, type Row } from '../report.ts';
import { runAgentTask, type AgentTimes } from '../tasks.ts';

/** Before each of the model's answers, of which a run has two: the fastest that real ones come. */
const latencyMs = 200;
const budget = 1.1;
const files = 10;

/**
 * An agent's real program that works on a task, beside the same program by hand: the same flags, environment
 * and files, in a plain clone and without a sandbox, straight at the same scripted model. The budget is held
 * against all of it (clone, agent, commit, push), and against the agent's own part (from its start to its
 * result), where what is around it counts: sandbox, bridge, relay, spool and record.
 */
export async function agents(bench: Bench): Promise<readonly Row[]> {
  const { installed, missing } = findClis();
  if (missing.length > 0) {
    bench.say(`agents: skipped: ${missing.join(', ')} (npm run test:live installs the programs)`);
  }
  if (installed.length === 0) return [];
  await using stack = new AsyncDisposableStack();
  const model = stack.use(await startModelServer({ latencyMs }));
  const settings = installed.map((cli) => cli.settings(cli.program, cli.modelUrl(model.url)));
  const place = await openInstallation(bench, stack, Object.assign({}, ...settings));
  const url = await place.forge.add('small.git', files);
  const folder = await bench.makeFolder('agent-by-hand');
  const rows: Row[] = [];
  for (const cli of installed) rows.push(...(await measureCli({ bench, model, place, url, folder, cli })));
  return rows;
}

type Measuring = {
  readonly bench: Bench;
  readonly model: ModelServer;
  readonly place: Installation;
  readonly url: string;
  /** Of the work by hand. */
  readonly folder: string;
  readonly cli: InstalledCli;
};

type Ways<Measured> = { readonly first: readonly Measured[]; readonly second: readonly Measured[] };

async function measureCli(measuring: Measuring): Promise<readonly Row[]> {
  const { bench, cli } = measuring;
  const pairs = bench.quick ? 2 : 20;
  bench.say(`agents: ${cli.title}, ${pairs} pairs`);
  // The first of each fills the mirror, caches and the compiled code, and is asked for its version.
  await timeThrough(measuring, 'warm');
  await timeByHand(measuring, 'warm');
  const times = await alternate(
    pairs,
    (pair) => timeThrough(measuring, `pair-${pair}`),
    (pair) => timeByHand(measuring, `pair-${pair}`),
  );
  const memory = await alternate(
    bench.quick ? 1 : 5,
    () => memoryThrough(measuring),
    (round) => memoryByHand(measuring, `memory-${round}`),
  );
  const held = (row: Row): Row => ({
    ...row,
    budget: `<= ${budget.toFixed(2)} x by hand`,
    met: (row.ratio ?? Number.NaN) <= budget,
  });
  return [
    held(timeRow(`${cli.title}: clone, agent, commit, push`, times, ({ wholeMs }) => wholeMs)),
    held(timeRow(`${cli.title}: start -> result`, times, ({ resultMs }) => resultMs)),
    timeRow(`${cli.title}: start -> first model request`, times, ({ requestMs }) => requestMs),
    memoryRow(`${cli.title}: memory of the run at its peak`, memory),
  ];
}

/** Milliseconds of one run: all of it, and from its agent's start to the result and to the first model request. */
type RunTimes = { readonly wholeMs: number; readonly resultMs: number; readonly requestMs: number };

async function timeThrough(measuring: Measuring, label: string): Promise<RunTimes> {
  const prompt = promptOf(`${label}-through`);
  return timesOf(measuring, prompt, await runThrough(measuring, prompt));
}

async function timeByHand(measuring: Measuring, label: string): Promise<RunTimes> {
  const prompt = promptOf(`${label}-by-hand`);
  const { done } = await beginByHand(measuring, prompt, label);
  return timesOf(measuring, prompt, await done);
}

/** No other run has it, so that its requests can be told from theirs. */
function promptOf(label: string): string {
  return `Write the file. ${scenarioMarker('write')} This is ${label}.`;
}

function runThrough({ bench, place, url, cli }: Measuring, prompt: string): Promise<AgentTimes> {
  return runAgentTask(place.client, { url, agent: cli.name, prompt }, bench.signal);
}

function beginByHand(measuring: Measuring, prompt: string, label: string): Promise<BegunByHand> {
  const { bench, model, url, folder, cli } = measuring;
  const branch = `${cli.name}-${label}`;
  const modelUrl = cli.modelUrl(model.url);
  return beginAgentByHand({ cli, url, modelUrl, prompt, branch, folder, signal: bench.signal });
}

function timesOf({ model, cli }: Measuring, prompt: string, times: AgentTimes): RunTimes {
  const route = cli.adapter.abilities.model === 'openai' ? '/v1/responses' : '/v1/messages';
  const asked = model
    .requests()
    .find((request) => request.path.startsWith(route) && request.prompt?.includes(prompt));
  if (asked === undefined) throw new Error(`${cli.title} gave a result without asking its model`);
  return {
    wholeMs: times.endedAt - times.begunAt,
    resultMs: times.resultAt - times.startedAt,
    requestMs: asked.startedAt - times.startedAt,
  };
}

function memoryThrough(measuring: Measuring): Promise<RunMemory> {
  const { bench, place, cli } = measuring;
  const look = (): RunMemory => lookAt(supervisorPids(place.dataFolder), cli.processName);
  return peakDuring(runThrough(measuring, promptOf('memory-through')), look, bench.signal);
}

async function memoryByHand(measuring: Measuring, label: string): Promise<RunMemory> {
  const { bench, cli } = measuring;
  const { pid, done } = await beginByHand(measuring, promptOf(label), label);
  return peakDuring(done, () => lookAt([pid], cli.processName), bench.signal);
}

function timeRow(what: string, { first, second }: Ways<RunTimes>, pick: (times: RunTimes) => number): Row {
  const [through, byHand] = [first.map(pick), second.map(pick)];
  const addedMs = median(through.map((ms, pair) => ms - (byHand[pair] ?? Number.NaN)));
  const [p50, p95] = [median(through), percentile(through, 95)];
  const [handP50, handP95] = [median(byHand), percentile(byHand, 95)];
  return {
    what,
    measured: `${formatSpread({ p50, p95 })}, ${addedMs < 0 ? 'saves' : 'adds'} ${formatMs(Math.abs(addedMs))}`,
    baseline: formatSpread({ p50: handP50, p95: handP95 }),
    ratio: pairedRatio(through, byHand),
    figures: {
      pairs: through.length,
      latencyMs,
      p50Ms: p50,
      p95Ms: p95,
      byHandP50Ms: handP50,
      byHandP95Ms: handP95,
      addedMs,
    },
  };
}

/** By hand nothing is beside the agent but a shell. */
function memoryRow(what: string, { first, second }: Ways<RunMemory>): Row {
  const agentBytes = median(first.map((memory) => memory.agentBytes));
  const besideBytes = median(first.map((memory) => memory.besideBytes));
  const byHandBytes = median(second.map((memory) => memory.agentBytes));
  return {
    what,
    measured: `agent ${formatMegabytes(agentBytes)}, ours ${formatMegabytes(besideBytes)}`,
    baseline: `agent ${formatMegabytes(byHandBytes)}`,
    ratio: (agentBytes + besideBytes) / byHandBytes,
    figures: { rounds: first.length, agentBytes, besideBytes, byHandBytes },
  };
}
