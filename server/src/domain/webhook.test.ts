import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fieldOf } from '../lib/json-fields.ts';
import { Refusal } from './errors.ts';
import { parseWebhookBody } from './webhook-body.ts';
import { lineOf, momentOf } from './webhook-fields.ts';
import { readGithubWebhook } from './webhook-github.ts';
import { readGitlabWebhook } from './webhook-gitlab.ts';
import type { WebhookReading } from './webhook.ts';

const sha = 'a'.repeat(40);

/** A value in whose place anything may stand, or nothing. */
function orAnything(value: unknown): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(value) },
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constant(undefined),
  );
}

const githubBody = fc.record({
  action: orAnything('opened'),
  repository: fc.oneof(fc.record({ clone_url: orAnything('https://github.com/a/b.git') }), fc.jsonValue()),
  pull_request: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        number: orAnything(1),
        title: orAnything('a title'),
        draft: orAnything(false),
        updated_at: orAnything('2026-02-26T12:00:00Z'),
        head: fc.record({ ref: orAnything('feature'), sha: orAnything(sha) }),
        base: fc.record({ ref: orAnything('main') }),
      }),
    },
    fc.jsonValue(),
  ),
});

const gitlabBody = fc.record({
  project: fc.oneof(fc.record({ git_http_url: orAnything('https://gitlab.com/a/b.git') }), fc.jsonValue()),
  object_attributes: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        action: orAnything('update'),
        state: orAnything('opened'),
        iid: orAnything(1),
        title: orAnything('Draft: a title'),
        oldrev: orAnything(sha),
        last_commit: fc.record({ id: orAnything(sha) }),
        source_branch: orAnything('feature'),
        target_branch: orAnything('main'),
        updated_at: orAnything('2026-02-26 12:00:00 UTC'),
      }),
    },
    fc.jsonValue(),
  ),
});

/** What holds of every reading: what is taken is whole, of limited length, and fit to be stored. */
function checkReading(read: () => WebhookReading): boolean {
  try {
    const reading = read();
    if (!('news' in reading)) return reading.ignored !== '';
    const { news } = reading;
    assert.match(news.headCommit, /^[0-9a-f]{40,64}$/u);
    assert.ok(Number.isSafeInteger(news.number) && news.number >= 1);
    for (const text of [news.repositoryUrl, news.sourceBranch, news.targetBranch]) assert.notEqual(text, '');
    const all = Object.values(news).filter((value) => typeof value === 'string');
    assert.ok(all.every((text) => text.isWellFormed() && !/\p{Cc}/u.test(text) && text.length <= 2_048));
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    assert.equal(error.code, 'invalid');
    assert.equal(Object.keys(error.fields ?? {}).length, 1, 'one field is named');
    return true;
  }
}

test('whatever a body has in the place of a field, it is read whole, ignored, or refused by that field', () => {
  fc.assert(fc.property(githubBody, (body) => checkReading(() => readGithubWebhook('pull_request', body))));
  fc.assert(
    fc.property(gitlabBody, (body) => checkReading(() => readGitlabWebhook('Merge Request Hook', body))),
  );
});

test('whatever the bytes are, they are an object or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        try {
          return typeof parseWebhookBody(bytes) === 'object';
        } catch (error) {
          return error instanceof Refusal && error.message === 'invalid JSON body';
        }
      },
    ),
  );
});

test('an object is the same as JSON and as the payload of a form', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
      const json = JSON.stringify(body);
      const form = new URLSearchParams({ payload: json }).toString();
      assert.deepEqual(parseWebhookBody(Buffer.from(json)), JSON.parse(json));
      assert.deepEqual(parseWebhookBody(Buffer.from(form)), JSON.parse(json));
    }),
  );
});

test('a field that only a prototype has is none', () => {
  const body = parseWebhookBody(Buffer.from('{"__proto__":{"action":"opened"}}'));
  assert.equal(fieldOf(body, 'action'), undefined);
  assert.deepEqual(readGithubWebhook('pull_request', body), {
    action: null,
    ignored: 'action (none) is not handled',
  });
});

test("a stranger's text becomes one line of at most so many characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      const line = lineOf(text);
      return line.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line) && line.length <= 300;
    }),
  );
  assert.equal(lineOf('  two\n\twords \u0000'), 'two words');
  assert.equal(lineOf(7), '');
});

test('times of both forges are the same times', () => {
  const noon = '2026-02-26T12:00:00.000Z';
  for (const text of [
    '2026-02-26T12:00:00Z',
    '2026-02-26 12:00:00 UTC',
    '2026-02-26T13:00:00+01:00',
    '2026-02-26 14:00:00 +0200',
    '2026-02-26T12:00:00.000Z',
  ]) {
    assert.equal(momentOf(text), noon, text);
  }
  for (const none of ['', 'yesterday', '2026-02-26', '2026-13-45T12:00:00Z', 1_772_107_200, null]) {
    assert.equal(momentOf(none), null, String(none));
  }
});
