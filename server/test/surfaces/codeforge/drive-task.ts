import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import type { AgentOutput, ChangesSummary, NewEvent } from '../../../src/domain/event.ts';
import type { Failure } from '../../../src/domain/failure.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { appendOutputEvents } from '../../../src/store/append-events.ts';
import { claimRun, type ClaimedRun } from '../../../src/store/claim-run.ts';
import { leaseEffect, settlePush } from '../../../src/store/effects.ts';
import { cancelLiveRun, failRun, finishRun } from '../../../src/store/finish-run.ts';
import { recordExit, startRun } from '../../../src/store/move-run.ts';
import { ensureWorker } from '../../../src/store/owners.ts';
import type { TestApi } from './test-api.ts';

/** Moves tasks as a worker does, by the store's own statements, without a sandbox or git. */
export type Driver = {
  /** Takes the next queued run: its task is `cloning`. */
  readonly claim: () => Promise<ClaimedRun>;
  /** The claimed run's task is `running`. */
  readonly start: (run: ClaimedRun) => Promise<void>;
  /** The agent says something: one event a text. */
  readonly say: (run: ClaimedRun, ...texts: readonly string[]) => Promise<void>;
  /** The work is done; with `push`, the task is `creating_pr` until `deliver`. */
  readonly finish: (
    run: ClaimedRun,
    end?: { readonly patch?: string; readonly push?: string },
  ) => Promise<void>;
  readonly deliver: () => Promise<void>;
  readonly fail: (run: ClaimedRun, failure: Failure) => Promise<void>;
  /** The worker's side of a cancellation. */
  readonly cancel: (run: ClaimedRun) => Promise<void>;
};

const someChanges: ChangesSummary = {
  filesModified: 3,
  filesCreated: 1,
  filesDeleted: 0,
  insertions: 142,
  deletions: 38,
};

const commit = 'c0ffee'.padEnd(40, '0');

/** A worker of the test's own. Every move wakes the followers, as the real one does. */
export async function driveTasks({ database, wakeups, blobs }: TestApi): Promise<Driver> {
  const workerId = systemIds.random();
  await ensureWorker(database, { id: workerId, host: hostname(), version: 'test' });
  const outputAt = new Map<string, number>();
  const done = (run: { readonly taskId: string }, moved: boolean): void => {
    assert.ok(moved, 'the claim was lost');
    wakeups.wake('stream', run.taskId);
  };
  return {
    async claim() {
      const limits = { perRepository: 1_000, perOwner: 1_000 };
      const run = await claimRun(database, workerId, 'tasks', { capabilities: [], limits });
      assert.ok(run, 'no run is queued');
      return run;
    },
    async start(run) {
      const workspace = { workspaceId: run.workspaceId, workerId, baseBranch: 'main', baseCommit: commit };
      done(run, await startRun(database, run, workspace, startEvents(run)));
    },
    async say(run, ...texts) {
      const from = outputAt.get(run.runId) ?? run.outputAt;
      const to = from + texts.reduce((bytes, text) => bytes + text.length + 1, 0);
      outputAt.set(run.runId, to);
      const events = texts.map((content): NewEvent => {
        const data: AgentOutput = { type: 'text', content, agent: 'script' };
        return { type: 'agent_output', data };
      });
      done(run, await appendOutputEvents(database, run, { from, to }, events));
    },
    async finish(run, end = {}) {
      assert.ok(await recordExit(database, run, { code: 0 }));
      const kept = async (text: string) => blobs.put(systemIds.ordered(), Readable.from([Buffer.from(text)]));
      const work =
        end.patch === undefined
          ? undefined
          : { commit, bundle: await kept('bundle'), patch: await kept(end.patch), changes: someChanges };
      const push =
        end.push === undefined
          ? undefined
          : { effectId: systemIds.ordered(), branch: end.push, firstBranch: end.push, expected: null };
      const success = { result: 'All green.', durationMs: 119_700, work, push };
      done(run, await finishRun(database, { ...run, state: 'collecting' }, success));
    },
    async deliver() {
      const effect = await leaseEffect(database, workerId);
      assert.ok(effect, 'no push waits');
      done(effect, await settlePush(database, effect, { kind: 'pushed' }));
    },
    async fail(run, failure) {
      done(run, await failRun(database, { ...run, state: 'running' }, failure, { durationMs: 1_000 }));
    },
    async cancel(run) {
      done(run, await cancelLiveRun(database, { ...run, state: 'running' }, 1_000));
    },
  };
}

function startEvents(run: ClaimedRun): readonly NewEvent[] {
  return [
    { type: 'clone_started', data: { repositoryUrl: run.repositoryUrl } },
    { type: 'clone_completed', data: { branch: 'slipway/work', baseBranch: 'main', commit } },
    { type: 'agent_started', data: { agent: run.agent, iteration: run.iteration } },
  ];
}
