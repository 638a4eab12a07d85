import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ForgeStage, SeenPullRequest } from './forge-stage.ts';
import { openWorkflowStage, type SeenRun, type WorkflowStage } from './workflow-stage.ts';

/** The built-in workflows from their start to what people see of them at the forge, all on one server. */

/** The steps of a run that is completed, by name. */
function completed(run: SeenRun): Readonly<Record<string, SeenRun['steps'][number]>> {
  assert.equal(run.status, 'completed', JSON.stringify(run));
  assert.deepEqual(new Set(run.steps.map(({ status }) => status)), new Set(['completed']));
  return Object.fromEntries(run.steps.map((step) => [step.step_name, step]));
}

/** The pull request that a run has opened. */
function openedBy(forge: ForgeStage, run: SeenRun): SeenPullRequest {
  const url = run.steps.at(-1)?.result?.['pr_url'];
  const found = forge.pullRequests().find((pull) => pull.url === url);
  assert.ok(found !== undefined, `${String(url)} is no pull request`);
  return found;
}

describe('the built-in workflows', { concurrency: true }, () => {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  let stage: WorkflowStage;
  before(async () => {
    stage = stack.use(await openWorkflowStage());
    const { github, gitlab, sentry, house } = stage;
    const keys = [
      { provider: 'github', token: github.token, scope: 'acme/engine' },
      { provider: 'gitlab', token: gitlab.token, scope: 'acme/tools' },
      { provider: 'sentry', token: sentry.addToken(), scope: 'acme/web' },
    ] as const;
    for (const key of keys) await house.client.keys.create({ name: `my-${key.provider}`, ...key });
  });

  test('an issue of GitHub becomes a pull request that closes it, with the key for the repository alone', async () => {
    const { github, run } = stage;
    const number = github.addIssue({ title: 'The sum is wrong', body: 'One and one is three.' });
    const done = await run('github-issue-fixer', {
      repo_url: github.repositoryUrl,
      issue_number: String(number),
      provider_key: 'my-github',
    });
    const { fetch_issue: fetched } = completed(done);
    assert.equal(fetched?.result?.['title'], 'The sum is wrong');
    const pull = openedBy(github, done);
    assert.match(pull.body, new RegExp(`^Fixes #${number}$`, 'mu'));
    const asked = await github.read(pull.branch, 'asked.txt');
    assert.match(asked, /The sum is wrong[^]*One and one is three\./u);
  });

  test('an issue of GitLab becomes a merge request that closes it', async () => {
    const { gitlab, run } = stage;
    const number = gitlab.addIssue({ title: 'It is slow', body: 'Since Monday.' });
    const done = await run('gitlab-issue-fixer', {
      repo_url: gitlab.repositoryUrl,
      issue_iid: String(number),
      key_name: 'my-gitlab',
      cli: 'script',
      command: 'echo "$SLIPWAY_PROMPT" >asked.txt',
    });
    completed(done);
    const pull = openedBy(gitlab, done);
    assert.match(pull.body, new RegExp(`^(?:Fixes|Closes) #${number}$`, 'mu'));
    assert.match(await gitlab.read(pull.branch, 'asked.txt'), /It is slow[^]*Since Monday\./u);
  });

  test('an error of Sentry becomes a pull request of an agent that was given the tool', async () => {
    const { github, sentry, run, house } = stage;
    const project = sentry.addProject(sentry.addOrganization('acme'), 'web');
    const { id } = sentry.addIssue(project, { title: 'TypeError: SERVERS is undefined' });
    const done = await run('sentry-fixer', {
      sentry_url: new URL(sentry.apiUrl).origin,
      issue_id: id,
      repo_url: github.repositoryUrl,
      key_name: 'my-sentry',
      provider_key: 'my-github',
    });
    const { fix_issue: fixed } = completed(done);
    const pull = openedBy(github, done);
    const asked = await github.read(pull.branch, 'asked.txt');
    assert.match(asked, /TypeError: SERVERS is undefined/u);
    const printed = await house.query<{ text: string }>(
      `select data::text as text from events where stream_id = $1 and data::text like '%given %'`,
      [fixed?.task_id],
    );
    // That word has the stand-in print its servers, in rot13: this is mcp.sentry.dev.
    assert.match(printed[0]?.text ?? '', /zpc\.fragel\.qri/u);
    sentry.assertNoViolations();
  });

  test('what a task has written is reviewed in the same workspace', async () => {
    const { github, run, house } = stage;
    const done = await run('code-review', {
      repo_url: github.repositoryUrl,
      prompt: 'Write down what was decided',
      provider_key: 'my-github',
    });
    completed(done);
    const [written, reviewed] = done.steps.map(({ task_id: id }) => id);
    assert.ok(written !== undefined && reviewed !== undefined && written !== reviewed);
    const review = await house.client.tasks.get(reviewed);
    assert.equal(review.review_result?.verdict, 'request_changes');
    assert.equal(review.review_result?.issues[0]?.file, 'asked.txt');
  });

  test('what is known about a repository is planned, written down and proposed', async () => {
    const { github, run } = stage;
    const done = await run('knowledge-update', {
      repo_url: github.repositoryUrl,
      provider_key: 'my-github',
      focus: 'how sums are made',
      cli: 'script',
      command: `echo 'first of all: sums'; mkdir -p docs/knowledge; cd docs/knowledge
        for name in overview architecture conventions; do echo "$name: $SLIPWAY_PROMPT" >"$name.md"; done`,
    });
    completed(done);
    const pull = openedBy(github, done);
    for (const name of ['overview', 'architecture', 'conventions']) {
      const text = await github.read(pull.branch, `docs/knowledge/${name}.md`);
      assert.match(text, /how sums are made[^]*first of all: sums/u);
    }
  });

  test('a key goes to no other host, whatever a parameter says', async () => {
    const { github, gitlab, run } = stage;
    const done = await run('sentry-fixer', {
      sentry_url: new URL(gitlab.repositoryUrl).origin,
      issue_id: '1',
      repo_url: github.repositoryUrl,
      key_name: 'my-sentry',
      provider_key: 'my-github',
    });
    assert.equal(done.status, 'failed');
    const [first, ...rest] = done.steps;
    assert.match(first?.error ?? '', /my-sentry is a sentry key for .*, and is not sent to/u);
    assert.deepEqual(new Set(rest.map(({ status }) => status)), new Set(['skipped']));
  });

  after(() => {
    stage.github.assertNoViolations();
    stage.gitlab.assertNoViolations();
  });
});
