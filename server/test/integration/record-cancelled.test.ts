import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveRunStates } from '../../src/domain/run-state.ts';
import { silentTracer } from '../../src/lib/tracer.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { createMeter } from '../../src/telemetry/meter.ts';
import { recordCancelled } from '../../src/worker/fail-attempt.ts';
import { createRunTelemetry } from '../../src/worker/run-telemetry.ts';
import { setStage, storeLiveRun, taskState } from '../support/stored-tasks.ts';

test('a cancelled run is recorded as that, also where the step before it had just moved the run on', async (t) => {
  const stage = await setStage(t);
  const telemetry = createRunTelemetry({ meter: createMeter(), tracer: silentTracer });
  const context = { database: stage.database, telemetry };
  for (const state of liveRunStates) {
    for (const known of liveRunStates) {
      const run = await storeLiveRun(stage, state);
      await cancelTask(stage.database, run.taskId, ['cloning', 'running']);
      await recordCancelled(context, { ...run, state: known });
      assert.equal(await taskState(stage, run.taskId), 'cancelled', `${state}, known as ${known}`);
    }
  }
});

test('a run that somebody else holds by now is left alone', async (t) => {
  const stage = await setStage(t);
  const telemetry = createRunTelemetry({ meter: createMeter(), tracer: silentTracer });
  const run = await storeLiveRun(stage, 'running');
  await cancelTask(stage.database, run.taskId, ['running']);
  await recordCancelled({ database: stage.database, telemetry }, { ...run, generation: run.generation - 1 });
  assert.equal(await taskState(stage, run.taskId), 'running');
});
