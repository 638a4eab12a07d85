import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startSentry } from '../../test/stand-ins/sentry/sentry.ts';
import { Secret } from '../lib/secret.ts';
import { createSentry } from './create-sentry.ts';
import { SentryError, type SentryErrorCode } from './sentry.ts';

const never = new AbortController().signal;
const page = { cursor: undefined };

async function stand(t: TestContext, limits = { timeMs: 10_000, bytes: 1_000 }) {
  const standIn = await startSentry();
  t.after(() => standIn.close());
  const token = new Secret(standIn.addToken());
  const sentry = createSentry({ apiUrl: standIn.apiUrl, version: '0.0.0-test', limits });
  return { standIn, sentry, token };
}

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const failsWith = (code: SentryErrorCode, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SentryError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words);
  return true;
};

test('a Sentry that is slow is given up', async (t) => {
  const { standIn, sentry, token } = await stand(t, { timeMs: 50, bytes: 1_000 });
  standIn.faults.plan({}, { kind: 'delay', ms: 60_000 });
  const slow = sentry.listOrganizations(token, page, never);
  await assert.rejects(slow, failsWith('unavailable', /no answer within 0\.05 s/u));
});

test('a Sentry that says too much is given up', async (t) => {
  const { standIn, sentry, token } = await stand(t);
  standIn.faults.plan({}, { kind: 'huge', bytes: 1_001 });
  const huge = sentry.listOrganizations(token, page, never);
  await assert.rejects(huge, failsWith('unavailable', /more than 1000 bytes/u));
  standIn.assertNoViolations();
});

test('a caller who leaves ends the request', async (t) => {
  const { standIn, sentry, token } = await stand(t);
  standIn.faults.plan({}, { kind: 'delay', ms: 60_000 });
  const leaving = new AbortController();
  const asked = sentry.listOrganizations(token, page, leaving.signal);
  leaving.abort(new Error('the caller has left'));
  await assert.rejects(asked, /the caller has left/u);
});

test('a redirect is not followed, and takes the token nowhere', async (t) => {
  let visits = 0;
  const elsewhere = await listen(t, (_, response) => {
    visits += 1;
    response.end('[]');
  });
  for (const status of [301, 302, 307, 308]) {
    const door = await listen(t, (_, response) => {
      response.writeHead(status, { location: `${elsewhere}/api/0/organizations/` }).end();
    });
    const sentry = createSentry({ apiUrl: `${door}/api/0`, version: '0.0.0-test' });
    const asked = sentry.listOrganizations(new Secret('sntryu_x'), page, never);
    await assert.rejects(asked, failsWith('unavailable', /it redirects, which is not followed/u));
  }
  assert.equal(visits, 0);
});

test('the words of Sentry are told on one line, without the token and not without an end', async (t) => {
  const token = 'sntryu_which-is-repeated';
  const door = await listen(t, ({ headers }, response) => {
    const detail = `bad\n${headers.authorization ?? ''}\u001b[2J ${'x'.repeat(5_000)}`;
    response.writeHead(400).end(JSON.stringify({ detail }));
  });
  const sentry = createSentry({ apiUrl: door, version: '0.0.0-test' });
  await assert.rejects(sentry.listOrganizations(new Secret(token), page, never), (error) => {
    assert.ok(failsWith('refused', /bad Bearer \[secret\]/u)(error));
    const { message } = error as SentryError;
    assert.ok(!message.includes(token) && message.length < 600 && !/\p{Cc}/u.test(message), message);
    return true;
  });
});

test('a project without a number is no project that issues can be searched in', async (t) => {
  const { standIn, sentry, token } = await stand(t);
  standIn.faults.plan({}, { kind: 'answer', status: 200, body: { slug: 'web' } });
  const search = { org: 'acme', project: 'web', query: '', sort: undefined, limit: 50, ...page };
  await assert.rejects(
    sentry.listIssues(token, search, never),
    failsWith('unavailable', /its id is missing/u),
  );
  assert.equal(standIn.requests.length, 1);
});
