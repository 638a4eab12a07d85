import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import type { PullRequestPayload, ReviewPayload } from '../../../src/domain/effect-state.ts';
import type { AgentOutput, ChangedFiles, ChangesSummary, NewEvent } from '../../../src/domain/event.ts';
import type { ReviewResult } from '../../../src/domain/review.ts';
import { noSpend, type Spend } from '../../../src/domain/spend.ts';
import type { RunQueue } from '../../../src/domain/run-state.ts';
import type { Failure } from '../../../src/domain/failure.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { appendOutputEvents } from '../../../src/store/append-events.ts';
import { appendFindings, type Findings, type NewQuestion } from '../../../src/store/append-findings.ts';
import { claimRun, type ClaimedRun } from '../../../src/store/claim-run.ts';
import { leaseEffect } from '../../../src/store/effects.ts';
import { finishReview } from '../../../src/store/end-review.ts';
import { cancelLiveRun, failRun } from '../../../src/store/fail-run.ts';
import { finishRun } from '../../../src/store/finish-run.ts';
import { recordExit, startRun } from '../../../src/store/move-run.ts';
import { parkRun } from '../../../src/store/park-run.ts';
import { settlePullRequest, type PullRequestSettlement } from '../../../src/store/settle-pull-request.ts';
import { settleReview, type ReviewSettlement } from '../../../src/store/settle-review.ts';
import { settlePush } from '../../../src/store/settle-push.ts';
import { ensureWorker } from '../../../src/store/owners.ts';
import type { TestApi } from './test-api.ts';

/** Moves tasks as a worker does, by the store's own statements, without a sandbox or git. */
export type Driver = {
  /** Takes the next queued run: its task is `cloning`. */
  readonly claim: (queue?: RunQueue) => Promise<ClaimedRun>;
  /** The claimed run's task is `running`. */
  readonly start: (run: ClaimedRun) => Promise<void>;
  /** The agent says something: one event a text. */
  readonly say: (run: ClaimedRun, ...texts: readonly string[]) => Promise<void>;
  /** The agent reports what it has spent since the last time. */
  readonly spend: (run: ClaimedRun, spend: Partial<Spend>) => Promise<void>;
  /** The agent asks a person, and gives the question's id. */
  readonly ask: (run: ClaimedRun, more?: Partial<NewQuestion>) => Promise<string>;
  /** Its agent has been put away while the person is waited for. */
  readonly park: (run: ClaimedRun) => Promise<void>;
  /** The work is done; with `push`, the task is `creating_pr` until `deliver`. */
  readonly finish: (
    run: ClaimedRun,
    end?: { readonly patch?: string; readonly push?: string; readonly result?: string },
  ) => Promise<void>;
  /** The run was a review of finished work, and this is what it came to. */
  readonly review: (run: ClaimedRun, result: ReviewResult) => Promise<void>;
  readonly deliver: () => Promise<void>;
  /** What became of the pull request that the push before asked for; gives what it was to be. */
  readonly open: (settlement: PullRequestSettlement) => Promise<PullRequestPayload>;
  /** What became of the review that was to be posted; gives what was to be. */
  readonly post: (settlement: ReviewSettlement) => Promise<ReviewPayload>;
  readonly fail: (run: ClaimedRun, failure: Failure) => Promise<void>;
  /** The worker's side of a cancellation. */
  readonly cancel: (run: ClaimedRun, state?: 'preparing' | 'running') => Promise<void>;
};

const someWork: { readonly changes: ChangesSummary; readonly files: ChangedFiles } = {
  changes: { filesModified: 3, filesCreated: 1, filesDeleted: 0, insertions: 142, deletions: 38 },
  files: { files: [{ path: 'src/auth.ts', status: 'modified' }], more: 3 },
};

/** Two minutes less 0.3 s of work, as `finish` says too, and a minute on hold. */
const exitRecord = {
  code: 0,
  startedAt: '2026-02-26T18:38:10.300Z',
  endedAt: '2026-02-26T18:41:10.000Z',
  heldMs: 60_000,
};

const someQuestion = {
  tool: 'Bash',
  summary: 'rm -r build',
  arguments: { command: 'rm -r build' },
  argumentsHash: 'h',
  expiresInSeconds: 600,
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
  const note = async (run: ClaimedRun, findings: Partial<Findings>): Promise<void> => {
    const from = outputAt.get(run.runId) ?? run.outputAt;
    outputAt.set(run.runId, from + 1);
    const all = { session: undefined, version: undefined, spend: [], questions: [], ...findings };
    const batch = { events: [], findings: all };
    done(run, await appendFindings(database, run, { from, to: from + 1 }, batch));
  };
  return {
    async claim(queue = 'tasks') {
      const limits = { perRepository: 1_000, perOwner: 1_000 };
      const run = await claimRun(database, workerId, queue, { capabilities: [], limits });
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
    spend: async (run, spend) => note(run, { spend: [{ ...noSpend, model: 'm', ...spend }] }),
    async ask(run, more = {}) {
      const approvalId = systemIds.ordered();
      await note(run, { questions: [{ ...someQuestion, approvalId, requestId: approvalId, ...more }] });
      return approvalId;
    },
    async park(run) {
      assert.ok(await recordExit(database, run, exitRecord));
      const parked = { session: undefined, snapshot: undefined, timeLeftMs: 5_000, durationMs: 0 };
      const nextRunId = systemIds.ordered();
      done(run, await parkRun(database, { ...run, state: 'collecting' }, { ...parked, nextRunId }));
    },
    async finish(run, end = {}) {
      assert.ok(await recordExit(database, run, exitRecord));
      const kept = async (text: string) => blobs.put(systemIds.ordered(), Readable.from([Buffer.from(text)]));
      const work =
        end.patch === undefined
          ? undefined
          : { commit, bundle: await kept('bundle'), patch: await kept(end.patch), ...someWork };
      const push =
        end.push === undefined
          ? undefined
          : { effectId: systemIds.ordered(), branch: end.push, expected: null, pullRequest: undefined };
      const success = { result: end.result ?? 'All green.', durationMs: 119_700, work, push };
      done(run, await finishRun(database, { ...run, state: 'collecting' }, success));
    },
    async review(run, result) {
      assert.ok(await recordExit(database, run, exitRecord));
      const reviewed = { result, commit, from: 'text', answer: JSON.stringify(result) } as const;
      const end = { readOnly: { restored: undefined }, agentVersion: undefined, durationMs: 22_300 };
      done(run, await finishReview(database, { ...run, state: 'collecting' }, { ...reviewed, ...end }));
    },
    async deliver() {
      const effect = await leaseEffect(database, workerId, { kinds: ['push'] });
      assert.ok(effect?.kind === 'push', 'no push waits');
      done(effect, await settlePush(database, effect, { kind: 'pushed' }));
    },
    async open(settlement) {
      const effect = await leaseEffect(database, workerId, { kinds: ['pull_request'] });
      assert.ok(effect?.kind === 'pull_request', 'no pull request waits');
      done(effect, await settlePullRequest(database, effect, settlement));
      return effect.payload;
    },
    async post(settlement) {
      const effect = await leaseEffect(database, workerId, { kinds: ['review'] });
      assert.ok(effect?.kind === 'review', 'no review waits');
      done(effect, await settleReview(database, effect, settlement));
      return effect.payload;
    },
    async fail(run, failure) {
      done(run, await failRun(database, { ...run, state: 'running' }, failure, { durationMs: 1_000 }));
    },
    async cancel(run, state = 'running') {
      done(run, await cancelLiveRun(database, { ...run, state }, 1_000));
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
