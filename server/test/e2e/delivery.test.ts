import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ApiError, type Task } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import { processesWith } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { ForgeStage, SeenPullRequest } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { openGitlabStage } from './gitlab-stage.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';

/** Deliveries as their callers see them, each story at both forges, on one server with the server's own token. */
const forges = [
  { name: 'GitHub', open: openGithubStage, tokenName: 'GITHUB_TOKEN' },
  { name: 'GitLab', open: openGitlabStage, tokenName: 'GITLAB_TOKEN' },
] as const;

type Stage = { readonly house: House; readonly forge: ForgeStage };
type Config = NonNullable<Parameters<House['client']['tasks']['create']>[0]['config']>;
type Submission = Omit<Parameters<House['client']['tasks']['create']>[0], 'repo_url' | 'prompt'>;

const limit = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

async function openStage(
  stack: AsyncDisposableStack,
  { open, tokenName }: (typeof forges)[number],
): Promise<Stage> {
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const forge = await open(join(folder, 'forge'));
  stack.defer(() => forge.stop());
  const house = await openHouse({
    settings: { ...smallLimits, ...forge.settings, [tokenName]: forge.token },
  });
  stack.defer(() => house[Symbol.asyncDispose]());
  return { house, forge };
}

const script = (command: string): Config => ({ cli: 'script', command });

async function run({ house, forge }: Stage, prompt: string, more: Submission): Promise<Task> {
  const { id } = await house.client.tasks.create({ repo_url: forge.repositoryUrl, prompt, ...more });
  return house.client.tasks.wait(id, limit());
}

/** A task whose work is done, for a person to publish. */
async function finished(stage: Stage, name: string, more: Submission = {}): Promise<Task> {
  const task = await run(stage, `Write ${name}`, { ...more, config: script(`echo 1 >> ${name}.txt`) });
  assert.equal(task.status, 'completed', task.error ?? '');
  return task;
}

async function publish(
  { house }: Stage,
  task: Task,
  body: Parameters<House['client']['tasks']['createPullRequest']>[1] = {},
): Promise<Task> {
  await house.client.tasks.createPullRequest(task.id, body, limit());
  return house.client.tasks.get(task.id);
}

/** What the call is refused with. */
async function refused(stage: Stage, task: Task, body = {}): Promise<{ status: number; message: string }> {
  try {
    await publish(stage, task, body);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return { status: error.status, message: error.message };
  }
  return assert.fail('the call succeeded');
}

async function followUp({ house }: Stage, task: Task): Promise<Task> {
  await house.client.tasks.instruct(task.id, 'once more');
  return house.client.tasks.wait(task.id, limit());
}

function pullRequestsOf({ forge }: Stage, task: Task): readonly SeenPullRequest[] {
  return forge.pullRequests().filter(({ branch }) => branch === task.branch);
}

function only(found: readonly SeenPullRequest[]): SeenPullRequest {
  assert.equal(found.length, 1);
  const [one] = found;
  assert.ok(one);
  return one;
}

for (const place of forges) {
  describe(`deliveries to ${place.name}`, { concurrency: false }, () => {
    const stack = new AsyncDisposableStack();
    let opened: Promise<Stage> | undefined;
    const enter = (): Promise<Stage> => (opened ??= openStage(stack, place));
    after(() => stack.disposeAsync());

    test('a task that publishes by itself ends with its pull request', async () => {
      const stage = await enter();
      const task = await run(stage, 'Say hello to @everybody', {
        publish: 'pull_request',
        config: {
          ...script('echo hello > hello.txt; echo "Said hello, closes #1"'),
          labels: ['bot'],
          draft: true,
        },
      });
      assert.equal(task.status, 'pr_created', task.error ?? '');
      const seen = only(pullRequestsOf(stage, task));
      assert.deepEqual([task.pr_number, task.pr_url], [seen.number, seen.url]);
      assert.deepEqual([seen.base, seen.isDraft, seen.isOpen], ['main', true, true]);
      assert.deepEqual(seen.labels, ['bot']);
      assert.ok(seen.title.endsWith('Say hello to @everybody'));
      assert.ok(!/@everybody|#1/u.test(seen.body), 'nobody is called by a text that nobody has read');
      assert.equal(await stage.forge.read(seen.branch, 'hello.txt'), 'hello\n');
    });

    test('a person publishes, instructs, and publishes again: one branch, one pull request', async () => {
      const stage = await enter();
      const task = await finished(stage, 'twice');
      const first = await publish(stage, task, { title: 'First', description: 'One.' });
      assert.equal(first.status, 'pr_created');
      const again = await followUp(stage, task);
      assert.equal(again.status, 'completed', again.error ?? '');
      const second = await publish(stage, task);
      const seen = only(pullRequestsOf(stage, second));
      assert.deepEqual([second.pr_number, second.branch], [first.pr_number, first.branch]);
      assert.deepEqual([seen.title, seen.body], ['First', 'One.'], 'what people see is left as it is');
      assert.equal(await stage.forge.read(seen.branch, 'twice.txt'), '1\n1\n');
      await followUp(stage, task);
      await publish(stage, task, { title: 'Third' });
      assert.equal(only(pullRequestsOf(stage, second)).title, 'Third');
    });

    test('a pull request that was closed or merged meanwhile is followed by a new one', async () => {
      const stage = await enter();
      const task = await finished(stage, 'closed');
      await publish(stage, task);
      await stage.forge.close(
        only(stage.forge.pullRequests().filter(({ branch }) => branch.includes(task.id.slice(0, 8)))),
      );
      await followUp(stage, task);
      const second = await publish(stage, task);
      assert.equal(pullRequestsOf(stage, second).length, 2);
      const open = pullRequestsOf(stage, second).filter(({ isOpen }) => isOpen);
      assert.equal(only(open).number, second.pr_number);
      await stage.forge.merge(only(open));
      await stage.forge.deleteBranch(second.branch ?? '');
      await followUp(stage, task);
      const third = await publish(stage, task);
      assert.equal(pullRequestsOf(stage, third).length, 3);
      assert.equal(third.branch, second.branch, 'the branch came back');
      assert.equal(await stage.forge.read(third.branch ?? '', 'closed.txt'), '1\n1\n1\n');
    });

    test('a branch that somebody pushed to is not overwritten', async () => {
      const stage = await enter();
      const task = await finished(stage, 'moved');
      const first = await publish(stage, task);
      await stage.forge.commit(first.branch ?? '', { 'theirs.txt': 'x\n' });
      await followUp(stage, task);
      const { status, message } = await refused(stage, task);
      assert.equal(status, 500);
      assert.match(message, /^PR creation failed: .*somebody else moved/u);
      assert.equal(await stage.forge.read(first.branch ?? '', 'theirs.txt'), 'x\n');
      assert.equal((await stage.house.client.tasks.get(task.id)).status, 'failed');
    });

    test('a branch that is protected by now is not pushed to, in the words of the forge', async () => {
      const stage = await enter();
      const task = await finished(stage, 'protected');
      const first = await publish(stage, task);
      await stage.forge.protect(first.branch ?? '');
      await followUp(stage, task);
      const { status, message } = await refused(stage, task);
      assert.equal(status, 500);
      assert.match(message, /^PR creation failed: push failed: .*protected branch/iu);
    });

    test('a branch to merge into that is not there is told', async () => {
      const stage = await enter();
      const task = await finished(stage, 'base');
      const { status, message } = await refused(stage, task, { target_branch: 'nowhere' });
      assert.equal(status, 500);
      assert.match(message, /^PR creation failed: .*nowhere/u);
      assert.equal(
        stage.forge.pullRequests().some(({ base }) => base === 'nowhere'),
        false,
      );
    });

    test('a forge that is away or wants to be left alone is asked again', async () => {
      const stage = await enter();
      const task = await finished(stage, 'patient');
      stage.forge.goAway(4);
      stage.forge.limitRate(1);
      assert.equal((await publish(stage, task)).status, 'pr_created');
    });

    test('answers that are lost behind what they tell leave one pull request', async () => {
      const stage = await enter();
      const task = await finished(stage, 'lost');
      stage.forge.dropReplies();
      const published = await publish(stage, task, { labels: ['bot', 'lost'] });
      assert.deepEqual([...only(pullRequestsOf(stage, published)).labels].sort(), ['bot', 'lost']);
    });

    test('a token is taken from the task, then from the key that it names, then from the server', async () => {
      const stage = await enter();
      const { house, forge } = stage;
      const expired = await run(stage, 'Nothing', {
        access_token: forge.expiredToken,
        config: script('true'),
      });
      assert.equal(expired.status, 'failed');
      assert.match(expired.error ?? '', /^clone failed: .*refused the credential/u);
      await house.client.keys.create({ name: 'reader', provider: forge.name, token: forge.readOnlyToken });
      const reading = await finished(stage, 'reader', { provider_key: 'reader' });
      const { status, message } = await refused(stage, reading);
      assert.equal(status, 500);
      assert.match(message, /^PR creation failed: push failed/u);
      const missing = await run(stage, 'Nothing', { provider_key: 'nobody', config: script('true') });
      assert.match(missing.error ?? '', /^clone failed: .*nobody/u);
    });

    test('a repository that was renamed in between gets its work', async () => {
      const stage = await enter();
      const task = await finished(stage, 'renamed');
      await stage.forge.rename();
      const published = await publish(stage, task);
      assert.equal(only(pullRequestsOf(stage, published)).number, published.pr_number);
      assert.equal((await finished(stage, 'later')).status, 'completed', 'the old address can be cloned too');
    });

    test('a repository that was archived in between is told', async () => {
      const stage = await enter();
      const task = await finished(stage, 'archived');
      stage.forge.archive();
      const { status, message } = await refused(stage, task);
      assert.equal(status, 500);
      assert.match(message, /^PR creation failed: .*(?:archived|read.only)/iu);
    });

    test('no token is anywhere but sealed, and nothing was asked that the forge does not document', async () => {
      const stage = await enter();
      const { house, forge } = stage;
      await stage.house.restart('stop');
      for (const token of [forge.token, forge.readOnlyToken, forge.expiredToken]) {
        assert.ok(!house.server().output().includes(token), 'a token is in the log');
        const rows = await house.query('select 1 from events where data::text like $1', [`%${token}%`]);
        assert.equal(rows.length, 0, 'a token is in an event');
        const found = await git(house.data, 'grep', '--no-index', '-lF', '--', token, '.').catch(() => '');
        assert.equal(found, '', 'a token is in the data folder');
        assert.deepEqual(processesWith(token), [], 'a token is on a command line');
      }
      assert.ok(readFileSync(join(house.data, 'admin-token'), 'utf8'), 'the folder was looked into');
      forge.assertNoViolations();
    });
  });
}
