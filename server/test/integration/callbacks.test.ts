import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { callbackBody } from '../../src/domain/callback-body.ts';
import type { CallbackPayload } from '../../src/domain/effect-state.ts';
import { createOutbox } from '../../src/effects/outbox.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { expireCallback, readCallbackOutcome } from '../../src/store/callbacks.ts';
import { postponeEffect, releaseOwnEffects, type EffectOf } from '../../src/store/effects.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import {
  callbackRows,
  callbackSecret,
  comeDue,
  leaseCallback,
  makeHandler,
  startReceiver,
  storeWaitingCallback,
  type HandlerOptions,
  type Receiver,
} from '../support/callback-house.ts';
import { openTestDatabase } from '../support/database.ts';
import { until } from '../support/processes.ts';
import { age, furnish, setStage, storeWaitingPush } from '../support/stored-tasks.ts';

const never = new AbortController().signal;

/** A completed task whose callback waits, somebody to get it, and the handler. */
async function makeCallback(t: TestContext, options: HandlerOptions & { readonly url?: string } = {}) {
  const receiver = await startReceiver(t);
  const stage = await setStage(t);
  const taskId = await storeWaitingCallback(stage, options.url ?? receiver.url);
  const handler = makeHandler(stage.database, { allow: [receiver.host], ...options });
  const row = async () => {
    const [found] = await callbackRows(stage, taskId);
    assert.ok(found);
    return found;
  };
  const lease = async (): Promise<EffectOf<'callback'>> => {
    const effect = await leaseCallback(stage);
    assert.ok(effect, 'no callback is due');
    return effect;
  };
  return {
    ...handler,
    receiver,
    stage,
    taskId,
    row,
    lease,
    /** The next attempt, whenever it is due. */
    attempt: async (): Promise<void> => {
      await comeDue(stage, (await row()).id);
      await handler.handle(await lease(), never);
    },
    outcome: async () => readCallbackOutcome(stage.database, (await row()).id),
  };
}

/** What has to be the same at every attempt. */
const constantParts = ({ received }: Receiver): readonly string[] =>
  received.map(({ headers, body, url }) =>
    JSON.stringify([headers['webhook-id'], headers['x-signature-256'], headers['x-trace-id'], body, url]),
  );

test('a callback arrives as documented, signed in both ways, and the first 2xx is the end of it', async (t) => {
  const { receiver, attempt, row, outcome, reached, log, stage } = await makeCallback(t);
  receiver.behave = (_index, response) => void response.writeHead(204).end();
  await attempt();
  const [request, ...others] = receiver.received;
  assert.ok(request && others.length === 0);
  const { headers, body, url } = request;
  const { id, payload, state, deadline_at, lease_until, ended_at } = await row();
  assert.equal(url, '/hook?token=of-the-receiver');
  assert.equal(body, callbackBody(payload as CallbackPayload));
  assert.partialDeepStrictEqual(headers, {
    'content-type': 'application/json',
    'user-agent': 'Slipway/1.2.3',
    'x-codeforge-event': 'task.completed',
    'x-trace-id': 'trace',
    'webhook-id': id,
    'x-signature-256': `sha256=${createHmac('sha256', callbackSecret).update(body).digest('hex')}`,
  });
  const webhook = new Webhook(callbackSecret, { format: 'raw' });
  assert.deepEqual(webhook.verify(body, headers as Record<string, string>), JSON.parse(body));
  assert.deepEqual([state, deadline_at, lease_until], ['done', null, null]);
  assert.notEqual(ended_at, null);
  const { tried, log: kept } = await outcome();
  assert.deepEqual([tried, kept.map((entry) => [entry.status, entry.error])], [1, [[204, null]]]);
  assert.deepEqual([reached, log], [['callback.sent', 'callback.settled'], []]);
  assert.equal(await leaseCallback(stage), undefined);
});

test('without a secret nothing is signed, and the id is there all the same', async (t) => {
  const { receiver, attempt, row } = await makeCallback(t, { secret: undefined });
  await attempt();
  const headers = receiver.received[0]?.headers ?? {};
  assert.equal(headers['webhook-id'], (await row()).id);
  assert.deepEqual([headers['x-signature-256'], headers['webhook-signature']], [undefined, undefined]);
});

test('a receiver that answers 500 for ever gets four attempts with growing waits, then it is given up', async (t) => {
  const { receiver, attempt, row, outcome, log, stage } = await makeCallback(t);
  receiver.behave = (_index, response) => void response.writeHead(500).end('token=of-the-receiver');
  const stood: (readonly [string, number | null])[] = [];
  for (let index = 0; index < 4; index += 1) {
    await attempt();
    const { state, dueIn } = await row();
    stood.push([state, state === 'waiting' ? dueIn : null]);
  }
  assert.deepEqual(stood, [
    ['waiting', 5],
    ['waiting', 25],
    ['waiting', 125],
    ['failed', null],
  ]);
  await comeDue(stage, (await row()).id);
  assert.equal(await leaseCallback(stage), undefined);
  assert.equal(new Set(constantParts(receiver)).size, 1, 'id, bytes and signature are the same');
  assert.equal(receiver.received.length, 4);
  const { tried, log: kept } = await outcome();
  assert.equal(tried, 4);
  assert.deepEqual(
    kept.map(({ status, error }) => [status, error]),
    Array.from({ length: 4 }, () => [500, 'the receiver answered 500']),
  );
  assert.equal(log.length, 1, 'one line, at the end');
  assert.partialDeepStrictEqual(JSON.parse(log[0] ?? ''), {
    message: 'a callback could not be delivered',
    attempts: 4,
    error: 'the receiver answered 500',
  });
  assert.ok(!log.join().includes('of-the-receiver'), 'nothing of the address or of the answer');
});

test('redirects and other statuses are failures like any other, and lead nowhere', async (t) => {
  const { receiver, attempt, outcome } = await makeCallback(t);
  const answers = [302, 410, 404, 200];
  receiver.behave = (index, response) =>
    void response.writeHead(answers[index] ?? 500, { location: receiver.url }).end();
  for (const _answer of answers) await attempt();
  assert.equal(receiver.received.length, 4);
  assert.deepEqual(
    (await outcome()).log.map(({ error }) => error),
    [
      'the receiver answered 302; redirects are not followed',
      'the receiver answered 410',
      'the receiver answered 404',
      null,
    ],
  );
});

test('a receiver that acted and whose answer got lost gets the same message again', async (t) => {
  const { receiver, attempt, row, outcome } = await makeCallback(t);
  receiver.behave = (index, response, request) => {
    if (index === 0) request.socket.destroy();
    else response.writeHead(200).end();
  };
  await attempt();
  assert.equal((await row()).state, 'waiting');
  await attempt();
  assert.equal((await row()).state, 'done');
  const [first, second] = constantParts(receiver);
  assert.equal(receiver.received.length, 2);
  assert.equal(first, second);
  assert.match((await outcome()).log[0]?.error ?? '', /^127\.0\.0\.1 cannot be reached \(ECONNRESET\)$/u);
});

test('a receiver that answers nothing is waited for no longer than the time that it has', async (t) => {
  const { receiver, attempt, row, outcome } = await makeCallback(t, { limits: { totalMs: 50 } });
  receiver.behave = () => undefined;
  await attempt();
  assert.equal((await row()).state, 'waiting');
  const [entry] = (await outcome()).log;
  assert.equal(entry?.status, null);
  assert.match(entry.error ?? '', /in time$/u);
});

test('an address that is not on the internet fails at once, and says who may list it', async (t) => {
  const { receiver, attempt, row, outcome, log } = await makeCallback(t, { allow: [] });
  await attempt();
  assert.equal(receiver.received.length, 0);
  assert.equal((await row()).state, 'failed');
  const { tried, log: kept } = await outcome();
  assert.equal(tried, 0);
  assert.match(kept[0]?.error ?? '', /not on the public internet.*SLIPWAY_ALLOW_PRIVATE_ADDRESSES$/u);
  assert.equal(log.length, 1);
});

test('an attempt that a crash interrupted is made again, and does not count', async (t) => {
  const { receiver, stage, attempt, lease, row, outcome } = await makeCallback(t, { waitSeconds: [500] });
  receiver.behave = (_index, response) => void response.writeHead(500).end();
  await lease();
  await releaseOwnEffects(stage.database, stage.workerId);
  await attempt();
  assert.deepEqual([(await row()).state, (await outcome()).tried], ['waiting', 1]);
  await comeDue(stage, (await row()).id);
  await lease();
  await releaseOwnEffects(stage.database, stage.workerId);
  await attempt();
  assert.deepEqual([(await row()).state, (await outcome()).tried], ['failed', 2]);
  assert.equal(receiver.received.length, 2);
});

test('a server that dies over and over while it sends does not send for ever', async (t) => {
  const { receiver, stage, lease, handle, row, outcome } = await makeCallback(t, { waitSeconds: [500] });
  for (let death = 0; death < 4; death += 1) {
    await lease();
    await releaseOwnEffects(stage.database, stage.workerId);
  }
  await handle(await lease(), never);
  assert.equal(receiver.received.length, 0);
  assert.equal((await row()).state, 'failed');
  assert.match((await outcome()).log[0]?.error ?? '', /interrupted/u);
});

test('what happened between the answer and its record is told again after a restart, with the same id', async (t) => {
  const { receiver, stage, lease, handle, row } = await makeCallback(t);
  const dying = await lease();
  // The process dies behind the answer: of its record nothing is written, since its lease is not its own any more.
  await releaseOwnEffects(stage.database, stage.workerId);
  const next = await lease();
  await handle(dying, never);
  assert.equal((await row()).state, 'leased', 'who lost the lease settles nothing');
  await handle(next, never);
  assert.equal((await row()).state, 'done');
  assert.equal(receiver.received.length, 2);
  assert.equal(new Set(constantParts(receiver)).size, 1);
});

test('a stop in the middle breaks the request off and leaves the callback to the next start', async (t) => {
  const { receiver, stage, lease, handle, row, attempt } = await makeCallback(t);
  const stopping = new AbortController();
  receiver.behave = (index, response) => {
    if (index === 0) stopping.abort(new Error('stopping'));
    else response.writeHead(200).end();
  };
  await assert.rejects(handle(await lease(), stopping.signal), /stopping/u);
  assert.equal((await row()).state, 'leased');
  await releaseOwnEffects(stage.database, stage.workerId);
  await attempt();
  assert.equal((await row()).state, 'done');
  assert.equal(new Set(constantParts(receiver)).size, 1);
});

test('an error that nobody foresaw keeps the attempts that there were', async (t) => {
  const { receiver, stage, attempt, lease, row, outcome } = await makeCallback(t);
  receiver.behave = (_index, response) => void response.writeHead(500).end();
  await attempt();
  const before = await outcome();
  assert.equal(before.log.length, 1);
  await comeDue(stage, (await row()).id);
  assert.ok(await postponeEffect(stage.database, await lease(), 5_000, 'an internal error'));
  assert.deepEqual(await outcome(), before);
});

test('the log keeps the newest twenty attempts', async (t) => {
  const waits = Array.from({ length: 24 }, () => 1_000);
  const { receiver, attempt, outcome } = await makeCallback(t, { waitSeconds: waits });
  receiver.behave = (index, response) => void response.writeHead(index < 4 ? 500 : 503).end();
  for (let index = 0; index < 24; index += 1) await attempt();
  const { tried, log } = await outcome();
  assert.equal(tried, 24);
  assert.deepEqual(
    log.map(({ status }) => status),
    Array.from({ length: 20 }, () => 503),
  );
});

test('a callback that no worker has tried until its deadline is given up, and no other', async (t) => {
  const { stage, taskId, row, lease } = await makeCallback(t);
  assert.equal(await expireCallback(stage.database), undefined);
  const { id } = await row();
  const week = 7 * 24 * 3_600;
  const effect = await lease();
  await age(stage, 'effects', 'deadline_at', { id, seconds: week + 1 });
  assert.equal(await expireCallback(stage.database), undefined, 'somebody is at it');
  await age(stage, 'effects', 'lease_until', { id, seconds: 60 });
  assert.equal(await expireCallback(stage.database), taskId);
  assert.deepEqual([(await row()).state, (await row()).generation], ['failed', effect.generation + 1]);
  assert.equal(await expireCallback(stage.database), undefined);
});

test('receivers that answer nothing do not hold up the delivery of work', async (t) => {
  const receiver = await startReceiver(t);
  receiver.behave = () => undefined;
  const { database, remove } = await openTestDatabase();
  const stage = await furnish(database);
  const stopping = new AbortController();
  const { handle } = makeHandler(database, { allow: [receiver.host] });
  const pushed: string[] = [];
  const outbox = createOutbox({
    workerId: stage.workerId,
    database,
    wakeups: createWakeups(database, 'here', silentLogger),
    logger: silentLogger,
    hold: () => () => undefined,
    handlers: {
      push: async (effect) => void pushed.push(effect.taskId),
      pull_request: () => Promise.reject(new Error('nobody asked for it')),
      review: () => Promise.reject(new Error('nobody asked for it')),
      workflow_step: () => Promise.reject(new Error('nobody asked for it')),
      callback: handle,
    },
    afterLease: () => undefined,
  });
  const running = outbox.run(stopping.signal);
  t.after(async () => {
    stopping.abort();
    await running;
    await remove();
  });
  for (let index = 0; index < 20; index += 1) await storeWaitingCallback(stage, receiver.url);
  await until('all places of callbacks', () => receiver.received.length === 16);
  const { taskId } = await storeWaitingPush(stage);
  await until('the push', () => pushed.includes(taskId));
  assert.equal(receiver.received.length, 16, 'as many at a time as there are places');
});
