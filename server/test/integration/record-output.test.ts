import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { nothingRead, type AgentEvent, type AgentReading } from '../../src/agents/agent.ts';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createRedactor } from '../../src/secrets/redact.ts';
import { createBlobFolder } from '../../src/store/blob-folder.ts';
import type { Database } from '../../src/store/database.ts';
import { readEvents } from '../../src/store/events.ts';
import { readClaim } from '../../src/store/read-claim.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { recordOutput, recordStep, type OutputBatch } from '../../src/worker/record-output.ts';
import { RunStop } from '../../src/worker/run-stop.ts';
import { eventTypes, setStage, storeLiveRun, taskState, type Stage } from '../support/stored-tasks.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const token = 'ghp_0123456789abcdef';
const redactor = createRedactor([new Secret(token)]);
const said = (event: AgentEvent): AgentReading => ({ ...nothingRead, events: [event] });
const text = (content: string) => said({ type: 'text', content });

/** A database whose answers to one statement get lost on their way: done, and nobody was told. */
function losingAnswers(database: Database, name: string, times: number): Database {
  let left = times;
  const lost = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  return {
    ...database,
    statement: async (hot, values) => {
      const rows = await database.statement<never>(hot, values);
      if (hot.name !== name || left === 0) return rows;
      left -= 1;
      throw lost();
    },
    transaction: async (work) => {
      const result = await database.transaction(work);
      if (name !== 'transaction' || left === 0) return result;
      left -= 1;
      throw lost();
    },
  };
}

/** A running run, and what recording needs; `reached` are the fault points that were passed. */
async function makeRecording(t: TestContext, lossy?: { readonly name: string; readonly times: number }) {
  const stage: Stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const database =
    lossy === undefined ? stage.database : losingAnswers(stage.database, lossy.name, lossy.times);
  const reached: FaultPoint[] = [];
  const blobs = createBlobFolder(await temporaryFolder(t));
  const context = {
    database,
    blobs,
    ids: systemIds,
    wakeups: createWakeups(stage.database, 'here', silentLogger),
    faults: { reach: (point: FaultPoint) => void reached.push(point) },
    settings: { approvalSeconds: 60 },
  };
  const record = (batch: Omit<OutputBatch, 'redactor'>) =>
    recordOutput(context, run, { ...batch, redactor }, signal());
  const events = async () => (await readEvents(stage.database, run.taskId, 0, 1_000)).slice(1);
  return { stage, run, context, record, events, reached, blobs };
}

test('a batch whose answer was lost is recorded once, and the run is not taken for lost', async (t) => {
  const { record, events, run, stage, reached } = await makeRecording(t, { name: 'append-output', times: 2 });
  await record({ reading: text('one'), from: 0, to: 4 });
  await record({ reading: text('two'), from: 4, to: 8 });
  assert.deepEqual(
    (await events()).map((event) => (event.data as { content: string }).content),
    ['one', 'two'],
  );
  assert.equal((await readClaim(stage.database, run))?.outputAt, 8);
  assert.deepEqual(reached, ['work.appended', 'work.appended']);
});

test('a batch that is refused for good stops the work on the run', async (t) => {
  const { record, events, context, run } = await makeRecording(t);
  const lost = (error: unknown): boolean => error instanceof RunStop && error.kind === 'lost';
  await assert.rejects(record({ reading: text('x'), from: 7, to: 9 }), lost);
  const stale = { ...run, generation: run.generation + 1 };
  const batch = { reading: text('x'), from: 0, to: 2, redactor };
  await assert.rejects(recordOutput(context, stale, batch, signal()), lost);
  await assert.rejects(
    recordStep(context, stale, { type: 'clone_started', data: { repositoryUrl: 'x' } }, signal()),
    lost,
  );
  assert.deepEqual(await events(), []);
});

test("a step of the server's own whose answer was lost is recorded once", async (t) => {
  const { context, run, stage } = await makeRecording(t, { name: 'transaction', times: 2 });
  await recordStep(context, run, { type: 'clone_started', data: { repositoryUrl: 'x' } }, signal());
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'clone_started']);
});

test('a long text is kept whole as a blob, and the event has its beginning', async (t) => {
  const { record, events, blobs } = await makeRecording(t, { name: 'insert', times: 0 });
  const long = `${'ä'.repeat(40_000)}${token}`;
  await record({ reading: text(long), from: 0, to: 90_000 });
  const [event] = await events();
  const data = event?.data as { content: string; fullBytes: number };
  assert.equal(data.content, 'ä'.repeat(32_768));
  const kept = await readFile(blobs.path(event?.blobId ?? ''), 'utf8');
  assert.equal(kept, `${'ä'.repeat(40_000)}[secret]`);
  assert.equal(data.fullBytes, Buffer.byteLength(kept));
});

test('a secret reaches neither the text nor the raw line', async (t) => {
  const { record, events } = await makeRecording(t);
  const raw = { deep: [{ token }, `Basic ${Buffer.from(`u:${token}`).toString('base64')}`] };
  await record({ reading: said({ type: 'tool_result', content: `got ${token}`, raw }), from: 0, to: 1 });
  const [event] = await events();
  assert.doesNotMatch(JSON.stringify(event?.data), /ghp_|MDEyMzQ1Njc4/u);
  assert.equal((event?.data as { content: string } | undefined)?.content, 'got [secret]');
});

test('a long raw line behind a short text is kept whole as a blob', async (t) => {
  const { record, events, blobs } = await makeRecording(t);
  const raw = { data: 'x'.repeat(200_000) };
  await record({ reading: said({ type: 'tool_result', content: 'short', raw }), from: 0, to: 1 });
  const [event] = await events();
  assert.deepEqual(JSON.parse(await readFile(blobs.path(event?.blobId ?? ''), 'utf8')), raw);
  assert.equal((event?.data as { content: string } | undefined)?.content, 'short');
});

test('what lines told beside events goes into the record with them, once', async (t) => {
  const { record, events, run, stage } = await makeRecording(t, { name: 'transaction', times: 1 });
  const spend = {
    model: 'm',
    inputTokens: 10,
    outputTokens: 2,
    cacheReadTokens: 1,
    cacheWriteTokens: 0,
    microdollars: 7,
  };
  const question = { requestId: 'r1', tool: 'Bash', summary: `echo ${token}`, arguments: { command: 'x' } };
  const reading = { ...text('hi'), spend: [spend], questions: [question], session: 's1', version: '2.0' };
  await record({ reading, from: 0, to: 5 });
  assert.deepEqual(
    (await events()).map(({ type }) => type),
    ['agent_output', 'approval_requested'],
  );
  assert.equal(await taskState(stage, run.taskId), 'waiting_for_user');
  const spent = await stage.database.kysely.selectFrom('spend').selectAll().execute();
  assert.deepEqual(
    spent.map(({ seq, session, model, input_tokens, microdollars }) => ({
      seq,
      session,
      model,
      input_tokens,
      microdollars,
    })),
    [{ seq: 0, session: 's1', model: 'm', input_tokens: 10, microdollars: 7 }],
  );
  const [asked] = await stage.database.kysely.selectFrom('approvals').selectAll().execute();
  assert.equal(asked?.state, 'waiting');
  assert.equal(asked.summary, 'echo [secret]');
  assert.equal((await readClaim(stage.database, run))?.agentVersion, '2.0');
});
