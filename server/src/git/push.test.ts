import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Secret } from '../lib/secret.ts';
import type { GitServerFault, GitServerOptions } from '../demo/git-server.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { pushBranch } from './push.ts';
import type { PushOutcome, PushRequest } from './push.ts';

const branch = 'slipway/work';

/** Two commits on top of main in a clean repository, and a push from there. */
async function readyToPush(t: TestContext, server: Partial<GitServerOptions> = {}) {
  const forge = await testForge(t, { server });
  const folder = join(forge.folder, 'clean');
  await gitByHand(forge.folder, 'clone', '--quiet', '--bare', forge.bare, folder);
  const make = (parent: string, text: string): Promise<string> =>
    gitByHand(folder, 'commit-tree', '-p', parent, '-m', text, 'main^{tree}');
  const first = await make('main', 'first');
  const second = await make(first, 'second');
  const push = (rest: Partial<PushRequest> = {}): Promise<PushOutcome> =>
    pushBranch({
      git: forge.git,
      folder,
      remote: { url: forge.url },
      commit: first,
      branch,
      expected: undefined,
      signal: testSignal(),
      ...rest,
    });
  const there = (): Promise<string> =>
    gitByHand(forge.bare, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
  const hook = (script: string): void => {
    mkdirSync(join(forge.bare, 'hooks'), { recursive: true });
    writeFileSync(join(forge.bare, 'hooks/pre-receive'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(forge.bare, 'hooks/pre-receive'), 0o755);
  };
  return { forge, first, second, push, there, hook };
}

test('a new branch is pushed in one conversation; pushed again, it is already there', async (t) => {
  const { forge, first, push, there } = await readyToPush(t);
  assert.deepEqual(await push(), { kind: 'pushed' });
  assert.equal(forge.server.requests.filter(({ method }) => method === 'GET').length, 1);
  assert.equal(await there(), first);
  assert.deepEqual(await push(), { kind: 'already_there' });
  assert.deepEqual(await push({ expected: '1'.repeat(40) }), { kind: 'already_there' });
});

test('a follow-up moves the branch from the commit pushed last, forwards or not', async (t) => {
  const { first, second, push, there } = await readyToPush(t);
  await push();
  assert.deepEqual(await push({ commit: second, expected: first }), { kind: 'pushed' });
  assert.deepEqual(await push({ commit: first, expected: second }), { kind: 'pushed' });
  assert.equal(await there(), first);
});

test("somebody else's branch of that name is taken, ours moved by somebody is moved, and both are left alone", async (t) => {
  const { forge, first, second, push, there } = await readyToPush(t);
  const theirs = await forge.commit({ 'theirs.txt': '' }, branch);
  assert.deepEqual(await push(), { kind: 'taken', by: theirs });
  assert.deepEqual(await push({ commit: second, expected: first }), { kind: 'moved', to: theirs });
  assert.equal(await there(), theirs);
  await gitByHand(forge.bare, 'update-ref', '-d', `refs/heads/${branch}`);
  assert.deepEqual(await push({ commit: second, expected: first }), { kind: 'moved', to: undefined });
});

test('a branch made while the push was under way is taken, not overwritten', async (t) => {
  let between: (() => Promise<string>) | undefined;
  let theirs = '';
  const faults = ({ method, url }: { method: string; url: string }): GitServerFault | undefined => {
    if (between === undefined || method !== 'POST' || !url.endsWith('git-receive-pack')) return undefined;
    void between().then((commit) => (theirs = commit));
    between = undefined;
    return { kind: 'delay', ms: 300 };
  };
  const { forge, push, there } = await readyToPush(t, { faults });
  const main = await gitByHand(forge.bare, 'rev-parse', 'main');
  between = async () => {
    await gitByHand(forge.bare, 'update-ref', `refs/heads/${branch}`, main);
    return main;
  };
  assert.deepEqual(await push(), { kind: 'taken', by: main });
  assert.equal(await there(), theirs);
});

test('a push that the forge refuses is rejected with its own words', async (t) => {
  const { push, hook, there } = await readyToPush(t);
  hook("printf 'GH006: \\033[31mprotected branch\\n' >&2; exit 1");
  const outcome = await push();
  assert.equal(outcome.kind, 'rejected');
  assert.match(
    outcome.kind === 'rejected' ? outcome.message : '',
    /pre-receive hook declined.*GH006: protected branch/u,
  );
  assert.equal(await there(), '');
  hook('i=0; while [ $i -lt 5000 ]; do echo noise noise noise >&2; i=$((i+1)); done; exit 1');
  const noisy = await push();
  assert.ok(noisy.kind === 'rejected' && noisy.message.length <= 2000);
});

test('a push whose answer was lost is recognised when it is repeated', async (t) => {
  let fault: GitServerFault | undefined = { kind: 'drop_reply' };
  const faults = ({ method }: { method: string }): GitServerFault | undefined =>
    method === 'POST' ? fault : undefined;
  const { first, push, there } = await readyToPush(t, { faults });
  await assert.rejects(push(), { code: 'unreachable', retryable: true });
  assert.equal(await there(), first);
  fault = undefined;
  assert.deepEqual(await push(), { kind: 'already_there' });
});

test('a forge that fails or cannot be reached is worth another try, a bad credential is not', async (t) => {
  let fault: GitServerFault | undefined;
  const { push } = await readyToPush(t, { faults: () => fault });
  fault = { kind: 'answer', status: 500 };
  await assert.rejects(push(), { code: 'unreachable', retryable: true });
  fault = { kind: 'drop' };
  await assert.rejects(push(), { code: 'unreachable', retryable: true });
  fault = { kind: 'answer', status: 403 };
  await assert.rejects(push(), { code: 'authentication', retryable: false });
  fault = { kind: 'answer', status: 404 };
  await assert.rejects(push(), { code: 'not_found', retryable: false });
  await assert.rejects(push({ remote: { url: 'http://127.0.0.1:1/x.git' } }), { code: 'unreachable' });
});

test('a push brings its credential where one is asked for', async (t) => {
  const password = 'tok_secret';
  const { forge, push, there, first } = await readyToPush(t, { credentials: { password } });
  await assert.rejects(push(), { code: 'authentication' });
  const wrong = { kind: 'password' as const, username: 'x', password: new Secret('wrong') };
  await assert.rejects(push({ remote: { url: forge.url, credential: wrong } }), (error) => {
    assert.ok(error instanceof Error && !error.message.includes('wrong'));
    return true;
  });
  const credential = { kind: 'password' as const, username: 'x', password: new Secret(password) };
  assert.deepEqual(await push({ remote: { url: forge.url, credential } }), { kind: 'pushed' });
  assert.equal(await there(), first);
});

test('a file:// remote takes pushes like any other', async (t) => {
  const { forge, push } = await readyToPush(t);
  const remote = { url: `file://${forge.bare}` };
  assert.deepEqual(await push({ remote }), { kind: 'pushed' });
  assert.deepEqual(await push({ remote }), { kind: 'already_there' });
});

test('aborting a push ends git', async (t) => {
  const { push } = await readyToPush(t, { faults: () => ({ kind: 'delay', ms: 20_000 }) });
  const controller = new AbortController();
  const pushing = push({ signal: controller.signal });
  setTimeout(() => controller.abort(new Error('no more')), 50);
  await assert.rejects(pushing, /no more/u);
});
