import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { namesOf, script, type Enter } from './stage.ts';

export function taskTypesChapter(enter: Enter): void {
  describe('Task Types', () => {
    test('the four kinds are listed with the documented labels and descriptions', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', '/api/v1/task-types');
      assert.equal(status, 200);
      assert.deepEqual(json, {
        task_types: [
          { name: 'code', label: 'Code', description: 'Write or modify code based on the prompt' },
          {
            name: 'plan',
            label: 'Plan',
            description: 'Analyze the codebase and create an implementation plan without modifying files',
          },
          {
            name: 'review',
            label: 'Review',
            description: 'Review repository code quality, security, and architecture',
          },
          {
            name: 'pr_review',
            label: 'PR Review',
            description: 'Review a pull request / merge request diff and post comments',
          },
        ],
      });
    });

    test('a code task gives the agent the prompt as it is', async () => {
      const { run } = await enter();
      const task = await run({ prompt: 'Exactly this', config: {} });
      assert.match(task.result, /^turn 1 with: -p Exactly this --/u);
    });

    test('a plan is what the agent says, and changes no file', async () => {
      const { run, frames } = await enter();
      const config = script('echo "# The plan"; echo x > plan.md');
      const task = await run({ task_type: 'plan', config });
      assert.deepEqual([task.status, task.task_type, task.result], ['completed', 'plan', '# The plan']);
      assert.ok(!('changes_summary' in task));
      assert.ok(namesOf(await frames(task.id)).includes('workspace_restored'), 'what it changed is told');
    });

    test('a review task is asked about the whole repository, and has a review_result', async () => {
      const { run } = await enter();
      const task = await run({ task_type: 'review', prompt: 'Look for holes', config: {} });
      assert.deepEqual([task.status, task.task_type], ['completed', 'review'], task.error);
      assert.equal(task.review_result.verdict, 'request_changes');
      assert.ok(!('changes_summary' in task));
    });

    test('a pr_review task is about the changes of a pull request: the section about it has the tests', async () => {
      const { call, repositoryUrl } = await enter();
      const body = { repo_url: repositoryUrl, prompt: 'x', task_type: 'pr_review' };
      assert.equal((await call('POST', '/api/v1/tasks', { body })).status, 400);
    });
  });
}
