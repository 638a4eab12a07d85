import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import type { LiveHouse } from './live-house.ts';
import type { LivingRun } from './live-run.ts';
import { stillAlive } from './sandbox-processes.ts';
import { assertDone, assertFailed, described, forms, type LiveScenario, type Trial } from './scenario.ts';

/** After a cancel nothing of a run may be left for longer. */
const goneWithinMs = 3_000;

function cancelled(
  name: string,
  prompt: () => string,
  reached: (run: LivingRun) => Promise<unknown>,
): LiveScenario {
  return {
    name,
    async holds(trial) {
      for (const form of forms) {
        const run = await trial.start({ ...form, prompt: prompt() });
        await reached(run);
        await assertGone(trial, run, form.task === undefined ? 'by signal' : 'by protocol');
      }
    },
  };
}

/** Cancels and looks: everything gone in time, the model's connections closed, no more force than was needed. */
async function assertGone(
  { house }: Trial,
  run: LivingRun,
  how?: 'by protocol' | 'by signal',
): Promise<void> {
  const before = run.processes();
  assert.ok(before.length > 1, 'the run has processes');
  run.cancel();
  const end = await run.ended;
  assert.deepEqual(stillAlive(before), [], described(end));
  if (how !== undefined) assert.equal(end.exit.reason === 'stopped', how === 'by signal', described(end));
  assert.ok((end.cancelMs ?? Infinity) < goneWithinMs, `took ${end.cancelMs} ms`);
  for (const { id } of end.requests) {
    await house.model.waitFor(
      (request) => request.id === id && request.closed !== undefined,
      AbortSignal.timeout(goneWithinMs),
    );
  }
  assert.notEqual(end.outcome.kind, 'done', described(end));
}

/** A length of sleep that no other process has. */
const uniqueSeconds = (): string => `99.${randomInt(100_000_000, 999_999_999)}`;

const sleeping = (run: LivingRun): boolean =>
  run.processes().some(({ argv }) => basename(argv[0] ?? '') === 'sleep');

async function untilSleeping(run: LivingRun): Promise<void> {
  await run.event('a tool', ({ type }) => type === 'tool_use');
  const patience = AbortSignal.timeout(10_000);
  while (!sleeping(run)) {
    assert.ok(!patience.aborted, 'the tool runs');
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** The number of the agent's own process on the host. */
function programOf(house: LiveHouse, run: LivingRun): number {
  const name = basename(house.subject.program);
  const living = run.processes();
  const program = living.find(({ argv }) => basename(argv[0] ?? '') === name);
  assert.ok(program !== undefined, JSON.stringify(living.map(({ argv }) => argv[0])));
  return program.identity.pid;
}

const streaming = (run: LivingRun): Promise<unknown> =>
  run.request(({ firstByteAt, marker }) => firstByteAt !== undefined && marker !== undefined);

export const scenariosOfEnds: readonly LiveScenario[] = [
  cancelled(
    'a cancel in the middle of a tool: nothing left within 3 s',
    () => `${scenarioMarker('slow-tool', uniqueSeconds())} go`,
    untilSleeping,
  ),
  cancelled(
    'a cancel in the middle of a stream: nothing left within 3 s, the connection closed',
    () => `${scenarioMarker('slow-stream', 300)} go`,
    streaming,
  ),
  cancelled(
    'a cancel in a hung stream: nothing left within 3 s, the connection closed',
    () => `${scenarioMarker('hang')} go`,
    streaming,
  ),
  {
    name: 'a cancel while a tool ignores signals: nothing left within 3 s',
    async holds(trial) {
      for (const form of forms) {
        const command = "trap '' TERM INT HUP; while :; do sleep 0.3; done";
        const run = await trial.start({ ...form, prompt: `${scenarioMarker('fix', command)} go` });
        await untilSleeping(run);
        await assertGone(trial, run);
      }
    },
  },
  {
    name: 'a cancel while the program hangs: nothing left within 3 s',
    async holds(trial) {
      for (const form of forms) {
        const run = await trial.start({ ...form, prompt: `${scenarioMarker('hang')} go` });
        await streaming(run);
        process.kill(programOf(trial.house, run), 'SIGSTOP');
        await assertGone(trial, run, 'by signal');
      }
    },
  },
  {
    name: 'a cancel while a question waits: nothing left within 3 s, nothing done',
    async holds(trial) {
      const run = await trial.start({
        prompt: `${scenarioMarker('write')} go`,
        task: { approvals: 'ask' },
      });
      await run.question();
      await assertGone(trial, run, 'by protocol');
      assert.ok(!existsSync(join(run.place.tree, 'hello.txt')));
    },
  },
  {
    name: 'the program is killed with signal 9: agent_crashed, and nothing left',
    async holds({ start, house }) {
      const run = await start({ prompt: `${scenarioMarker('slow-tool', uniqueSeconds())} go` });
      await untilSleeping(run);
      const before = run.processes();
      process.kill(programOf(house, run), 'SIGKILL');
      const end = await run.ended;
      assertFailed(end, 'agent_crashed', true);
      assert.deepEqual(stillAlive(before), []);
    },
  },
  {
    name: 'a tool leaves daemons behind: the run ends well, and nothing is left',
    async holds({ start }) {
      const run = await start({ prompt: `${scenarioMarker('daemon')} go` });
      await run.event('the result of the tool', ({ type }) => type === 'tool_result');
      const before = run.processes();
      const daemons = before.filter(({ argv }) => argv.some((word) => word.includes('echo tick')));
      assert.ok(daemons.length >= 2, 'they live until the end');
      const end = await run.ended;
      assertDone(end);
      assert.deepEqual(stillAlive(before), []);
      const file = join(end.place.tree, 'daemon.txt');
      const { size } = statSync(file);
      assert.ok(size > 0, 'the daemons wrote');
      await new Promise((resolve) => {
        setTimeout(resolve, 300);
      });
      assert.equal(statSync(file).size, size, 'and write no more');
    },
  },
];
