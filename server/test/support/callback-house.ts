import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { sql } from 'kysely';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { callbackLimits, createCallbackHandler, type CallbackDeps } from '../../src/effects/callback.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createGuardedClient, type GuardedLimits } from '../../src/lib/guarded-request.ts';
import { Secret } from '../../src/lib/secret.ts';
import { leaseEffect, type EffectOf } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import type { Database } from '../../src/store/database.ts';
import { age, storeLiveRun, successOf, type Stage } from './stored-tasks.ts';

/** A request that came in. */
export type Received = { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string };

/** Answers a request; `index` counts from 0. What answers nothing lets it wait. */
export type Behaviour = (index: number, response: ServerResponse, request: IncomingMessage) => void;

export type Receiver = {
  readonly host: string;
  readonly url: string;
  readonly received: readonly Received[];
  behave: Behaviour;
};

/** Somebody on loopback who gets callbacks; 200 unless told otherwise. */
export async function startReceiver(t: TestContext): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    void text(request).then((body) => {
      received.push({ url, headers, body });
      receiver.behave(received.length - 1, response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiver: Receiver = {
    host,
    url: `http://${host}/hook?token=of-the-receiver`,
    received,
    behave: (_index, response) => void response.writeHead(200).end(),
  };
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return receiver;
}

export const callbackSecret = 'a secret for callbacks';

export type HandlerOptions = Partial<Pick<CallbackDeps, 'secret' | 'waitSeconds'>> & {
  readonly allow?: readonly string[];
  readonly limits?: Partial<GuardedLimits>;
};

/** The handler as the server has it, with what it logs and reaches. Waits are long enough to be told apart. */
export function makeHandler(database: Database, options: HandlerOptions) {
  const log: string[] = [];
  const reached: FaultPoint[] = [];
  const record = (fields: object, message: string): void => {
    log.push(JSON.stringify({ message, ...fields }));
  };
  const handle = createCallbackHandler({
    database,
    send: createGuardedClient({
      allow: options.allow ?? [],
      limits: { ...callbackLimits, connectMs: 20_000, totalMs: 20_000, ...options.limits },
    }),
    secret: 'secret' in options ? options.secret : new Secret(callbackSecret),
    waitSeconds: options.waitSeconds ?? [500, 2_500, 12_500],
    version: '1.2.3',
    clock: systemClock,
    logger: { debug: record, info: record, warn: record, error: record },
    faults: { reach: (point) => void reached.push(point) },
  });
  return { handle, log, reached };
}

/** A completed task whose callback waits; gives the task's id. */
export async function storeWaitingCallback(stage: Stage, url: string): Promise<string> {
  const run = await storeLiveRun(stage, 'collecting', { callbackUrl: url });
  assert.ok(await finishRun(stage.database, run, successOf()));
  return run.taskId;
}

export async function leaseCallback(stage: Stage): Promise<EffectOf<'callback'> | undefined> {
  const effect = await leaseEffect(stage.database, stage.workerId, { kinds: ['callback'] });
  if (effect === undefined) return undefined;
  assert.ok(effect.kind === 'callback');
  return effect;
}

/** The rows of a task's callbacks, oldest first, each with the hundreds of seconds in which it is due. */
export async function callbackRows({ database }: Stage, taskId: string) {
  return database.kysely
    .selectFrom('effects')
    .selectAll()
    .select(sql<number>`round(extract(epoch from available_at - now()) / 100)::int`.as('dueIn'))
    .where('task_id', '=', taskId)
    .where('kind', '=', 'callback')
    .orderBy('created_at')
    .execute();
}

/** Lets the time pass until the callback is due. */
export async function comeDue(stage: Stage, effectId: string): Promise<void> {
  await age(stage, 'effects', 'available_at', { id: effectId, seconds: 100_000 });
}
