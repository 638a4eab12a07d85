import { describe, test } from 'node:test';
import { openWorkflowLane, runThroughKills, stepPoints, taskPoints } from './workflow-through-kills.ts';

/** The kill test of workflows: wherever the server is killed with signal 9, each step is done once. */
describe('a workflow run whose server is killed again and again comes to its end', () => {
  test('at every point of its steps, and at every point of its task', async () => {
    await using stack = new AsyncDisposableStack();
    const stage = await openWorkflowLane(stack);
    await runThroughKills(stage, 'steps', stepPoints);
    await runThroughKills(stage, 'task', taskPoints);
  });
});
