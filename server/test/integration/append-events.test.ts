import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../../src/domain/event.ts';
import { appendEvents, appendOutputEvents, appendStepOnce } from '../../src/store/append-events.ts';
import { readEvents, type StoredEvent } from '../../src/store/events.ts';
import { readClaim } from '../../src/store/read-claim.ts';
import { sweepRun } from '../../src/store/sweep.ts';
import { age, eventTypes, setStage, storeLiveRun, storeTask, type Stage } from '../support/stored-tasks.ts';
import { systemIds } from '../../src/lib/ids.ts';

const says = (content: string): NewEvent => ({
  type: 'agent_output',
  data: { type: 'text', content, agent: 'script' },
});

const contentsOf = (events: readonly StoredEvent[]): readonly string[] =>
  events
    .filter((event) => event.type === 'agent_output')
    .map((event) => (event.data as { content: string }).content);

const readAll = ({ database }: Stage, streamId: string) => readEvents(database, streamId, 0, 100_000);

test('a batch that is sent twice is written once, and the offset moves with it', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const append = (from: number, to: number, ...texts: string[]) =>
    appendOutputEvents(stage.database, run, { from, to }, texts.map(says));
  assert.equal(await append(0, 10, 'a', 'b'), true);
  assert.equal(await append(0, 10, 'a', 'b'), false);
  assert.equal(await append(5, 12, 'from a wrong place'), false);
  assert.equal(await append(10, 11), true, 'a batch of lines that are no events moves on all the same');
  assert.equal(await append(11, 20, 'c'), true);
  assert.deepEqual(contentsOf(await readAll(stage, run.taskId)), ['a', 'b', 'c']);
  assert.equal((await readClaim(stage.database, run))?.outputAt, 20);
  await eventTypes(stage, run.taskId);
});

test('who lost the run writes nothing', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const stale = { ...run, generation: run.generation - 1 };
  assert.equal(await appendOutputEvents(stage.database, stale, { from: 0, to: 1 }, [says('x')]), false);
  await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 60 });
  assert.equal((await sweepRun(stage.database, systemIds.ordered()))?.ended, 'lost');
  assert.equal(await appendOutputEvents(stage.database, run, { from: 0, to: 1 }, [says('x')]), false);
  assert.equal(await readClaim(stage.database, run), undefined);
  assert.deepEqual(contentsOf(await readAll(stage, run.taskId)), []);
});

test('two who send the same batch at the same moment write it once', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  for (let at = 0; at < 50; at += 1) {
    const send = () => appendOutputEvents(stage.database, run, { from: at, to: at + 1 }, [says(String(at))]);
    const written = await Promise.all([send(), send(), send()]);
    assert.equal(written.filter(Boolean).length, 1);
  }
  assert.equal(contentsOf(await readAll(stage, run.taskId)).length, 50);
});

test('sixteen writers on one stream leave no gap, and a reader with a cursor sees each event once, in order', async (t) => {
  const stage = await setStage(t, 20);
  const { taskId } = await storeTask(stage);
  const writers = 16;
  const each = 40;
  let writing = true;
  const seen: StoredEvent[] = [];
  const reader = (async (): Promise<void> => {
    let cursor = 0;
    for (;;) {
      const last = !writing;
      const batch = await readEvents(stage.database, taskId, cursor, 7);
      seen.push(...batch);
      cursor = batch.at(-1)?.id ?? cursor;
      if (last && batch.length === 0) return;
    }
  })();
  const write = async (writer: number): Promise<void> => {
    for (let index = 0; index < each; index += 1) {
      const events = Array.from({ length: 1 + (index % 3) }, (_, part) => says(`${writer}/${index}/${part}`));
      await stage.database.transaction((tx) => appendEvents(tx, taskId, null, events));
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  writing = false;
  await reader;
  assert.deepEqual(
    seen.map((event) => event.seq),
    seen.map((_event, index) => index + 1),
  );
  assert.ok(seen.every((event, index) => index === 0 || event.id > (seen[index - 1]?.id ?? 0)));
  const contents = contentsOf(seen);
  assert.equal(new Set(contents).size, contents.length);
  const expected = Array.from({ length: each }, (_, index) => 1 + (index % 3)).reduce((sum, n) => sum + n, 0);
  assert.equal(contents.length, writers * expected);
});

test('a transaction that is rolled back leaves no hole in the numbers', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  const append = (text: string, fail: boolean) =>
    stage.database.transaction(async (tx) => {
      await appendEvents(tx, taskId, null, [says(text)]);
      if (fail) throw new Error('rolled back');
    });
  await append('a', false);
  await assert.rejects(append('b', true), /rolled back/u);
  await append('c', false);
  await eventTypes(stage, taskId);
  assert.deepEqual(contentsOf(await readAll(stage, taskId)), ['a', 'c']);
});

test('texts that PostgreSQL cannot store are stored with marks in their place', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const events = [says('a\u0000b'), says('\ud800 half'), says('\\u0000 as text'), says('🚀')];
  assert.ok(await appendOutputEvents(stage.database, run, { from: 0, to: 9 }, events));
  assert.deepEqual(contentsOf(await readAll(stage, run.taskId)), [
    'a\ufffdb',
    '\ufffd half',
    '\\u0000 as text',
    '🚀',
  ]);
});

test("a step of the server's own is written once for a run, however often and by how many it is repeated", async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'preparing');
  const step: NewEvent = { type: 'clone_started', data: { repositoryUrl: 'https://forge.example/x' } };
  const all = await Promise.all(Array.from({ length: 6 }, () => appendStepOnce(stage.database, run, step)));
  assert.deepEqual(
    all,
    Array.from({ length: 6 }, () => true),
  );
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'clone_started']);
  const stale = { ...run, generation: run.generation + 1 };
  assert.equal(await appendStepOnce(stage.database, stale, step), false);
});
