import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startModelServer } from '../../src/demo/model-server/model-server.ts';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import type { ForgeStage } from '../e2e/forge-stage.ts';
import { openKillLane } from '../e2e/kill-lane.ts';
import { reviewStages } from '../e2e/review-through-kills.ts';
import { agentSettings } from './agent-settings.ts';
import type { LiveAgentName } from './installed-clis.ts';

/** What differs between the two built-in workflows. */
const fixers = {
  GitHub: { workflow: 'github-issue-fixer', number: 'issue_number', closes: 'Fixes' },
  GitLab: { workflow: 'gitlab-issue-fixer', number: 'issue_iid', closes: 'Closes' },
} as const;

/**
 * From an issue to the pull request that closes it: the built-in workflow with an agent's real program, whose model
 * is told by the issue's own text what to write. Only `provider_key` is given, as in the documented example.
 */
export async function fixIssue(agent: LiveAgentName, forgeName: keyof typeof fixers): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const model = await startModelServer();
  stack.defer(() => model.close());
  const opened = Promise.withResolvers<ForgeStage>();
  const lane = await openKillLane(async (folder) => {
    const forge = await reviewStages[forgeName](join(folder, 'forge'));
    opened.resolve(forge);
    return {
      ...forge.settings,
      ...agentSettings(model),
    };
  });
  stack.defer(() => lane.close());
  const forge = await opened.promise;
  stack.defer(() => forge.stop());
  await lane.prepare('instruct.stored');
  const { keys, tasks, workflows } = lane.client();
  await keys.create({ name: 'my-key', provider: forge.name, token: forge.token });
  const issue = forge.addIssue({
    title: 'Nobody says hello',
    body: `There should be a file. ${scenarioMarker('write')}`,
  });
  const { workflow, number, closes } = fixers[forgeName];
  const started = await workflows.run(workflow, {
    repo_url: forge.repositoryUrl,
    [number]: String(issue),
    provider_key: 'my-key',
    cli: agent,
  });
  const run = await workflows.runs.wait(started.run_id, { signal: AbortSignal.timeout(60_000) });
  assert.equal(run.status, 'completed', `${JSON.stringify(run)}\n${lane.output()}`);
  const taskId = run.steps.find(({ step_type: type }) => type === 'task')?.task_id ?? '';
  const task = await tasks.get(taskId);
  assert.equal(await forge.read(task.branch ?? '', 'hello.txt'), 'hello from the scripted model\n');
  const [pull, ...more] = forge.pullRequests();
  assert.deepEqual(more, [], 'one pull request');
  assert.equal(pull?.branch, task.branch);
  assert.equal(pull?.title, `fix: Nobody says hello (#${issue})`);
  assert.match(pull?.body ?? '', new RegExp(`^${closes} #${issue}\\b`, 'u'));
  forge.assertNoViolations();
}
