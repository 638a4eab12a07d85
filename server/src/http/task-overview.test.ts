import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskStates } from '../domain/task-state.ts';
import type { TaskOverview } from '../services/show-task-overview.ts';
import { fourStatusOf, statesOfFour, taskOverviewBody } from './task-overview.ts';
import { fourStatuses } from './task-overview-schemas.ts';

const task: TaskOverview = {
  id: '77a2ffbd-11b6-4654-9325-89306d55bc89',
  state: 'completed',
  repositoryUrl: 'https://git.example.com/ada/engine.git',
  prompt: 'Add dark mode',
  result: null,
  agent: 'script',
  priority: 0,
  failure: null,
  branch: 'b',
  pullRequestNumber: null,
  pullRequestUrl: null,
  workspaceId: 'w',
  workspacesFolder: null,
  createdAt: new Date('2026-11-22T12:00:00Z'),
  startedAt: new Date('2026-11-22T12:00:05Z'),
  finishedAt: new Date('2026-11-22T12:05:30Z'),
};

test('each of the four words stands for the states that it is the word of', () => {
  const found = fourStatuses.flatMap((status) => statesOfFour(status));
  assert.deepEqual(found.toSorted(), taskStates.toSorted());
  for (const status of fourStatuses) {
    assert.ok(statesOfFour(status).every((state) => fourStatusOf(state) === status));
  }
});

test('a repository has an owner and a name, in whatever form its address is', () => {
  for (const [repositoryUrl, owner, name] of [
    ['https://git.example.com/ada/engine.git', 'ada', 'engine'],
    ['https://git.example.com/group/sub/engine', 'group/sub', 'engine'],
    ['git@git.example.com:ada/engine.git', 'ada', 'engine'],
    ['ssh://git@git.example.com:2222/ada/engine.git', 'ada', 'engine'],
    ['https://git.example.com/engine', '', 'engine'],
    ['file:///srv/git/engine.git', 'srv/git', 'engine'],
  ] as const) {
    const { repoOwner, repoName } = taskOverviewBody({ ...task, repositoryUrl });
    assert.deepEqual([repoOwner, repoName], [owner, name], repositoryUrl);
  }
});

test('times that a task had before it was taken up again are not told', () => {
  const pending = taskOverviewBody({ ...task, state: 'pending' });
  assert.deepEqual([pending.started_at, pending.completed_at], [null, null]);
  const running = taskOverviewBody({ ...task, state: 'awaiting_instruction' });
  assert.deepEqual([running.started_at, running.completed_at], ['2026-11-22T12:00:05.000Z', null]);
});

test('a failed task without a reason of its own still has an error', () => {
  const failure = { code: 'push_failed', phase: 'deliver', retryable: true, message: 'refused' } as const;
  const failed = taskOverviewBody({ ...task, state: 'failed', failure });
  assert.deepEqual([failed.error, failed.errorDetail?.stage, 'result' in failed], ['refused', 'pr', false]);
  assert.equal(taskOverviewBody({ ...task, state: 'failed' }).error, 'it failed, and nobody said why');
  assert.equal(taskOverviewBody({ ...task, state: 'cancelled', failure }).error, 'stopped by user');
});

test('a priority is told in a word', () => {
  const words = [-100, 0, 1].map((priority) => taskOverviewBody({ ...task, priority }).priority);
  assert.deepEqual(words, ['low', 'normal', 'high']);
});
