import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallestTask, testApi } from './test-api.ts';

const config = (fields: object) => ({ config: { ...smallestTask.config, ...fields } });
const pullRequest = (fields: object) => ({ task_type: 'pr_review', ...config({ pr_number: 42, ...fields }) });

test('what does not fit the kind of task is a 400 at its field', async (t) => {
  const { call } = await testApi(t);
  const cases: readonly (readonly [change: object, field: string, message: string])[] = [
    [{ task_type: 'pr_review' }, 'pr_number', 'pr_number is required for pr_review tasks'],
    [pullRequest({ pr_number: 0 }), 'pr_number', 'pr_number is required for pr_review tasks'],
    [pullRequest({ pr_number: null }), 'pr_number', 'pr_number is required for pr_review tasks'],
    [pullRequest({ pr_number: -1 }), 'pr_number', 'must be at least 1'],
    [pullRequest({ pr_number: 2_147_483_648 }), 'pr_number', 'must be at most 2147483647'],
    [pullRequest({ pr_number: '42' }), 'pr_number', 'must be an integer'],
    [pullRequest({ pr_number: 4.2 }), 'pr_number', 'must be an integer'],
    [pullRequest({ output_mode: 'shout' }), 'output_mode', 'must be one of post_comments, api_only'],
    [pullRequest({ output_mode: true }), 'output_mode', 'must be a string'],
    [config({ output_mode: 'post_comments' }), 'output_mode', 'post_comments is for pr_review tasks'],
    ...['plan', 'review', 'pr_review'].flatMap((kind) =>
      ['branch', 'pull_request'].map(
        (publish) =>
          [
            { ...pullRequest({}), task_type: kind, publish },
            'publish',
            `must be manual: a ${kind} task changes nothing`,
          ] as const,
      ),
    ),
    ...['plan', 'review', 'pr_review'].map(
      (kind) =>
        [
          { ...pullRequest({ test_command: 'npm test' }), task_type: kind },
          'test_command',
          'is for code tasks',
        ] as const,
    ),
    [config({ workspace_task_id: 7 }), 'workspace_task_id', 'must be a string'],
  ];
  for (const [change, field, message] of cases) {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...change } });
    assert.equal(answer.status, 400, `${JSON.stringify(change)} → ${answer.text}`);
    assert.deepEqual(answer.json.fields, { [field]: message });
  }
  const type = { task_type: 'dance', publish: 'branch', config: { output_mode: 'post_comments' } };
  const unknown = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...type } });
  assert.deepEqual(Object.keys(unknown.json.fields), ['task_type']);
});

test('what goes without saying may be said, or be empty', async (t) => {
  const { create } = await testApi(t);
  const bodies = [
    { task_type: 'plan', publish: 'manual' },
    { task_type: 'review', publish: '' },
    pullRequest({ pr_number: 2_147_483_647, output_mode: '', test_command: '' }),
    config({ pr_number: 42, output_mode: 'api_only', workspace_task_id: '' }),
  ];
  for (const body of bodies) await create(body);
});

test('every kind of task is kept as what it is, with what it is about', async (t) => {
  const { call, create } = await testApi(t);
  const shown = async (body: object) => {
    const {
      task_type: type,
      config: kept,
      publish,
    } = (await call('GET', `/api/v1/tasks/${await create(body)}`)).json;
    const { pr_number: number, output_mode: mode, source_branch: source, target_branch: target } = kept;
    return { type, publish, number, mode, source, target };
  };
  const nothing = { number: undefined, mode: undefined, source: undefined, target: undefined };
  for (const kind of ['code', 'plan', 'review']) {
    const wanted = { type: kind, publish: 'manual', ...nothing };
    assert.deepEqual(await shown({ task_type: kind }), wanted);
    const numbered = { task_type: kind, ...config({ pr_number: 42, output_mode: 'api_only' }) };
    assert.deepEqual(await shown(numbered), { ...wanted, number: 42 });
  }
  const branches = { source_branch: 'feature/login', target_branch: 'main' };
  assert.deepEqual(await shown(pullRequest({ ...branches, output_mode: 'post_comments' })), {
    type: 'pr_review',
    publish: 'manual',
    number: 42,
    mode: 'post_comments',
    source: 'feature/login',
    target: 'main',
  });
});
