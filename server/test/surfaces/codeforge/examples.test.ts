import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiDescription } from '../../../src/http/describe-api.ts';
import { exampleCheckOf, findMessages, type Message } from './described-messages.ts';
import { testApi } from './test-api.ts';

/** Descriptions that are documents of their own, which an example would only repeat in part. */
const withoutExample: readonly string[] = ['getApiDescription 200'];

const isSuccess = ({ status }: Message): boolean => status === undefined || status.startsWith('2');

test('every JSON body that is taken, and every one that is given, has an example that is as described', async (t) => {
  const { call } = await testApi(t);
  const description: ApiDescription = (await call('GET', '/api/docs/json')).json;
  const problemOf = exampleCheckOf(description);
  const messages = findMessages(description);
  assert.ok(messages.length > 60, `only ${messages.length} messages`);
  assert.deepEqual(
    messages.filter((message) => isSuccess(message) && message.example === undefined).map(({ name }) => name),
    withoutExample,
    'these have no example',
  );
  for (const message of messages.filter(({ example }) => example !== undefined)) {
    assert.equal(problemOf(message), undefined, message.name);
  }
});

test('an error has an example too, with its status in its words', async (t) => {
  const { call } = await testApi(t);
  const description: ApiDescription = (await call('GET', '/api/docs/json')).json;
  const errors = findMessages(description).filter((message) => !isSuccess(message));
  const known: Readonly<Record<string, string>> = {
    '400': 'Bad Request',
    '401': 'unauthorized',
    '404': 'Not Found',
    '409': 'Conflict',
    '429': 'rate_limit_exceeded',
    '503': 'Service Unavailable',
  };
  for (const [status, error] of Object.entries(known)) {
    const found = errors.filter((message) => message.status === status && message.isErrorBody);
    assert.ok(found.length > 0, status);
    for (const { name, example } of found) {
      assert.equal((example as { error?: string } | undefined)?.error, error, name);
    }
  }
});

test('an example that is missing or not as described is found', async (t) => {
  const { call } = await testApi(t);
  const description: ApiDescription = (await call('GET', '/api/docs/json')).json;
  const problemOf = exampleCheckOf(description);
  const created = findMessages(description).find(({ name }) => name === 'createTask 201');
  assert.ok(created);
  const example = created.example as object;
  assert.equal(problemOf(created), undefined);
  assert.match(problemOf({ ...created, example: { ...example, more: 1 } }) ?? '', /additional/u);
  assert.match(problemOf({ ...created, example: { ...example, id: 'abc' } }) ?? '', /uuid/u);
  assert.match(problemOf({ ...created, example: {} }) ?? '', /required/u);
});
