import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectStates, effectTransitions } from './effect-state.ts';
import { canRunMove, liveRunStates, runStates, runTransitions, type RunState } from './run-state.ts';
import {
  canTaskMove,
  isRestingTaskState,
  restingTaskStates,
  taskStates,
  taskTransitions,
  type TaskState,
} from './task-state.ts';

/** The tables once more, written as arrows, so that a slip in one of them shows. */
const taskArrows = `
  draft > pending cancelled
  pending > cloning failed cancelled
  cloning > running failed cancelled
  running > completed failed cancelled paused waiting_for_user
  paused > awaiting_instruction failed cancelled
  waiting_for_user > running awaiting_instruction failed cancelled
  completed > awaiting_instruction creating_pr reviewing
  reviewing > completed failed
  awaiting_instruction > running reviewing failed cancelled
  creating_pr > pr_created completed failed
  pr_created > awaiting_instruction completed
  failed > pending creating_pr
  cancelled > pending`;

const runArrows = `
  queued > preparing cancelled
  preparing > running failed cancelled lost parked
  running > collecting failed cancelled lost parked
  collecting > succeeded failed cancelled lost parked`;

function arrowsOf(text: string): ReadonlySet<string> {
  return new Set(
    text
      .trim()
      .split('\n')
      .flatMap((line) => {
        const [from = '', targets = ''] = line.split('>').map((part) => part.trim());
        return targets.split(' ').map((to) => `${from} ${to}`);
      }),
  );
}

/** Every state that can be reached from `start`, itself included. */
function reachable(table: Readonly<Record<string, readonly string[]>>, start: string): ReadonlySet<string> {
  const seen = new Set([start]);
  for (const state of seen) for (const next of table[state] ?? []) seen.add(next);
  return seen;
}

test('a task moves along the arrows of its table and along no other of the whole product', () => {
  const arrows = arrowsOf(taskArrows);
  for (const from of taskStates) {
    for (const to of taskStates)
      assert.equal(canTaskMove(from, to), arrows.has(`${from} ${to}`), `${from} ${to}`);
  }
});

test('a run moves along the arrows of its table and along no other of the whole product', () => {
  const arrows = arrowsOf(runArrows);
  for (const from of runStates) {
    for (const to of runStates)
      assert.equal(canRunMove(from, to), arrows.has(`${from} ${to}`), `${from} ${to}`);
  }
});

test('every state can be reached from where tasks, runs and effects begin', () => {
  assert.deepEqual(
    reachable(taskTransitions, 'draft'),
    new Set<TaskState>(taskStates).union(new Set(['draft'])),
  );
  assert.deepEqual([...reachable(runTransitions, 'queued')].sort(), [...runStates].sort());
  assert.deepEqual([...reachable(effectTransitions, 'waiting')].sort(), [...effectStates].sort());
});

test('from every state a task can come to rest', () => {
  for (const state of taskStates) {
    const ends = [...reachable(taskTransitions, state)];
    assert.ok(
      ends.some((end) => restingTaskStates.some((resting) => resting === end)),
      state,
    );
  }
});

test('an ended run goes nowhere, a live one can be lost, failed, cancelled or parked', () => {
  const live: readonly RunState[] = liveRunStates;
  for (const state of runStates) {
    const targets: readonly RunState[] = runTransitions[state];
    if (live.includes(state)) {
      for (const end of ['lost', 'failed', 'cancelled', 'parked'] as const) assert.ok(targets.includes(end));
    } else if (state !== 'queued') {
      assert.deepEqual(targets, []);
    }
  }
});

test('only a queued run is ended without having been held, and only by cancelling it', () => {
  const live: readonly RunState[] = liveRunStates;
  const ends = runTransitions.queued.filter((state) => !live.includes(state));
  assert.deepEqual(ends, ['cancelled']);
});

test('a task rests where a person has to move it on', () => {
  assert.deepEqual(
    taskStates.filter((state) => isRestingTaskState(state)),
    ['completed', 'pr_created', 'failed', 'cancelled'],
  );
});

test('a settled effect is done again only where a person asks for it, and a dropped one never', () => {
  assert.deepEqual(effectTransitions.done, ['waiting']);
  assert.deepEqual(effectTransitions.dropped, []);
  assert.deepEqual(effectTransitions.failed, ['waiting']);
});
