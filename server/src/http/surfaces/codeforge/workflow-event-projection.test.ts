import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventData, EventType } from '../../../domain/event.ts';
import { runEventBody } from './workflow-event-projection.ts';

const at = new Date('2026-02-26T10:15:30.123Z');
const runId = '0199a3f0-81c2-7d54-8a1e-5b0c4f1f9a37';

type Cases = { readonly [Type in EventType]?: readonly [EventData[Type], string, object | null] };

const cases: Cases = {
  workflow_started: [{ workflow: 'triage' }, 'workflow_started', { workflow: 'triage', run_id: runId }],
  step_started: [{ step: 'mend', kind: 'task' }, 'step_started', { step: 'mend', type: 'task' }],
  step_task_created: [{ step: 'mend', taskId: 'b7' }, 'step_task_created', { step: 'mend', task_id: 'b7' }],
  step_completed: [{ step: 'mend' }, 'step_completed', { step: 'mend' }],
  step_failed: [
    { step: 'mend', error: 'nothing at $.x' },
    'step_failed',
    { step: 'mend', error: 'nothing at $.x' },
  ],
  step_cancelled: [{ step: 'mend' }, 'step_canceled', { step: 'mend' }],
  workflow_completed: [{}, 'workflow_completed', null],
  workflow_failed: [{ error: 'mend: nothing' }, 'workflow_failed', { error: 'mend: nothing' }],
  workflow_cancelled: [{}, 'workflow_canceled', null],
};

test('every event of a workflow run becomes the documented one, or one of ours', () => {
  for (const [type, [data, event, wanted]] of Object.entries(cases)) {
    assert.deepEqual(runEventBody({ type: type as EventType, data, at }, runId), {
      type: 'system',
      event,
      data: wanted,
      ts: '2026-02-26T10:15:30.123Z',
    });
  }
});

test('what is no event of a run, or one that a newer server wrote, is left out', () => {
  for (const type of ['task_created', 'from_the_future']) {
    assert.equal(runEventBody({ type: type as EventType, data: {}, at }, runId), undefined, type);
  }
});
