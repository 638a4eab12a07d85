import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  patience,
  refusalOf,
  wishFor,
  type ForgeTrial,
  type MakeTrial,
  type TrialFault,
  type TrialStep,
} from './forge.contract.ts';

const openStep: TrialStep = 'create_pull_request';

/** The suite about what goes wrong on the way to a forge and back, and within it. */
export function faultContract(make: MakeTrial<ForgeTrial>): void {
  lostContract(make);
  brokenContract(make);
  refusedContract(make);
  limitContract(make);
}

function lostContract(make: MakeTrial<ForgeTrial>): void {
  test('an answer that is lost after the pull request was opened leaves one, which is found', async (t) => {
    const { forge, makeRepository, fault } = await make(t);
    const repository = await makeRepository('app');
    fault(openStep, { kind: 'drop_reply' });
    const made = await forge.ensurePullRequest(wishFor(repository), patience());
    const again = await forge.ensurePullRequest(wishFor(repository), patience());
    assert.deepEqual(
      (await repository.pullRequests()).map(({ number }) => number),
      [made.number],
    );
    assert.equal(again.number, made.number);
  });

  test('an answer that breaks off after the pull request was opened leaves one', async (t) => {
    const { forge, makeRepository, fault } = await make(t);
    const repository = await makeRepository('app');
    fault(openStep, { kind: 'malformed' });
    const made = await forge.ensurePullRequest(wishFor(repository), patience());
    assert.deepEqual(
      (await repository.pullRequests()).map(({ number }) => number),
      [made.number],
    );
  });

  for (const kind of ['drop', 'bad_gateway'] as const) {
    test(`a request that did not arrive (${kind}) is told as such, sent once, and works later`, async (t) => {
      const { forge, makeRepository, fault, seen } = await make(t);
      const repository = await makeRepository('app');
      fault(openStep, { kind });
      const asked = forge.ensurePullRequest(wishFor(repository), patience());
      await refusalOf(asked, 'unavailable', repository.access.token);
      assert.equal(seen().filter(({ operation }) => operation === openStep).length, 1);
      assert.equal((await forge.ensurePullRequest(wishFor(repository), patience())).how, 'opened');
      assert.equal((await repository.pullRequests()).length, 1);
    });
  }

  test('an answer that is lost after labels were added leaves each of them once', async (t) => {
    const { forge, makeRepository, fault } = await make(t);
    const repository = await makeRepository('app');
    const { number } = await forge.ensurePullRequest(wishFor(repository), patience());
    fault('add_labels', { kind: 'drop_reply' });
    await forge.addLabels({ ...repository.access, number }, ['automated', 'bot'], patience());
    const [pull] = await repository.pullRequests();
    assert.deepEqual(pull?.labels.toSorted(), ['automated', 'bot']);
  });
}

function brokenContract(make: MakeTrial<ForgeTrial>): void {
  const brief: readonly (readonly [words: string, fault: TrialFault])[] = [
    ['an answer that is lost', { kind: 'drop_reply' }],
    ['a page of a proxy', { kind: 'bad_gateway' }],
    ['an answer that is cut', { kind: 'malformed' }],
    ['trouble of the forge', { kind: 'answer', status: 503 }],
  ];
  for (const [words, trouble] of brief) {
    test(`${words} is asked for again, where it is only read`, async (t) => {
      const { forge, makeRepository, fault } = await make(t);
      const { access } = await makeRepository('app');
      fault('find_repository', trouble, 2);
      assert.equal((await forge.findRepository(access, patience())).fullName, access.path);
    });

    test(`${words} three times over is told as the forge's trouble`, async (t) => {
      const { forge, makeRepository, fault, seen } = await make(t);
      const { access } = await makeRepository('app');
      fault('find_repository', trouble, 3);
      await refusalOf(forge.findRepository(access, patience()), 'unavailable', access.token);
      assert.equal(seen().length, 3);
    });
  }

  test('a call whose signal ends while the forge is silent ends with it', async (t) => {
    const { forge, makeRepository, fault } = await make(t);
    const { access } = await makeRepository('app');
    fault('find_repository', { kind: 'delay', ms: 50_000 });
    const leaving = new AbortController();
    const reason = new Error('enough');
    const asked = forge.findRepository(access, leaving.signal);
    setTimeout(() => leaving.abort(reason), 50);
    const start = performance.now();
    await assert.rejects(asked, reason);
    assert.ok(performance.now() - start < 10_000, 'it did not wait for the forge');
  });

  test('what was read before is asked for by its tag', async (t) => {
    const { forge, makeRepository, seen, otherToken } = await make(t);
    const { access } = await makeRepository('app');
    const first = await forge.findRepository(access, patience());
    assert.deepEqual(await forge.findRepository(access, patience()), first);
    await forge.findRepository({ ...access, token: otherToken }, patience());
    assert.deepEqual(
      seen().map(({ status }) => status),
      [200, 304, 200],
      'and never by what another token has read',
    );
  });
}

function refusedContract(make: MakeTrial<ForgeTrial>): void {
  const refusals = [
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [422, 'refused'],
  ] as const;
  for (const [status, code] of refusals) {
    test(`${status} while a pull request is opened is ${code}, said in words without the token`, async (t) => {
      const { forge, makeRepository, fault } = await make(t);
      const repository = await makeRepository('app');
      const { token } = repository.access;
      const words = `no, not\u001b[31m with\u0000 ${token?.reveal()} \u202e and ${'so on '.repeat(500)}`;
      fault(openStep, { kind: 'answer', status, words });
      await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), code, token);
      assert.deepEqual(await repository.pullRequests(), []);
    });
  }

  test('a conflict that is none of ours is told, and nothing is made', async (t) => {
    const { forge, makeRepository, fault, seen } = await make(t);
    const repository = await makeRepository('app');
    fault(openStep, { kind: 'answer', status: 409, words: 'Conflict' });
    const asked = forge.ensurePullRequest(wishFor(repository), patience());
    await refusalOf(asked, 'refused', repository.access.token);
    assert.equal(seen().filter(({ operation }) => operation === openStep).length, 1);
    assert.deepEqual(await repository.pullRequests(), []);
  });

  test('a token that ends in the middle is told as such, and another one goes on', async (t) => {
    const { forge, makeRepository, fault, otherToken } = await make(t);
    const repository = await makeRepository('app');
    fault(openStep, { kind: 'expire_token' });
    const { token } = repository.access;
    await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'unauthorized', token);
    const made = await forge.ensurePullRequest(wishFor(repository, { token: otherToken }), patience());
    assert.equal(made.how, 'opened');
  });
}

function limitContract(make: MakeTrial<ForgeTrial>): void {
  test('a rate limit says for how long, and the token is left alone until then', async (t) => {
    const { forge, makeRepository, fault, seen, otherToken } = await make(t);
    const repository = await makeRepository('app');
    fault(openStep, { kind: 'rate_limit', seconds: 90 });
    const wish = wishFor(repository);
    const error = await refusalOf(forge.ensurePullRequest(wish, patience()), 'rate_limited', wish.token);
    assert.ok(error.retryAfterMs !== undefined && error.retryAfterMs > 30_000, String(error.retryAfterMs));
    assert.ok(error.retryAfterMs <= 92_000, String(error.retryAfterMs));
    const before = seen().length;
    const later = await refusalOf(forge.findRepository(repository.access, patience()), 'rate_limited');
    assert.ok(later.retryAfterMs !== undefined && later.retryAfterMs <= error.retryAfterMs);
    assert.equal(seen().length, before, 'no request was made');
    const made = await forge.ensurePullRequest(wishFor(repository, { token: otherToken }), patience());
    assert.equal(made.how, 'opened', 'another token is not meant');
  });
}
