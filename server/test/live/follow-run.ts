import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachSupervisor, type Attached } from '../../src/supervisor/attach.ts';
import { readNotices } from '../../src/supervisor/notices.ts';
import { errorsFile, outputFile, type ExitRecord } from '../../src/supervisor/protocol.ts';
import type { Conversation } from '../../src/worker/conversation.ts';
import { openSpool } from '../../src/worker/output-reader.ts';
import { createAnswering } from './answering.ts';
import { longestRunMs, stopGraceMs, type Started } from './launch-run.ts';
import type { LiveHouse } from './live-house.ts';
import type { Ledger } from './live-ledger.ts';
import type { LiveEnd, LiveOptions } from './live-run.ts';

/** What a program has to leave after its last word. */
const exitGraceMs = 3_000;
/** Between the request to break off, in the program's own protocol, and the signal. */
const interruptGraceMs = 700;

export type Following = {
  readonly house: LiveHouse;
  readonly options: LiveOptions;
  readonly started: Started;
  readonly conversation: Conversation;
  readonly ledger: Ledger;
  readonly state: { supervisor?: Attached; cancelledAt?: number };
};

/** Reads, records in memory, answers: until the end is written down. */
export async function followRun(following: Following): Promise<LiveEnd> {
  const { started, conversation, ledger, state, options } = following;
  const { folder } = started;
  const signal = AbortSignal.timeout(longestRunMs + 10_000);
  const spool = openSpool(folder, 0);
  const answering = createAnswering(options.answer);
  const pump = async (last: boolean): Promise<void> => {
    for (;;) {
      const batch = await spool.next(last);
      if (batch === undefined) return;
      const reading = conversation.reader.read(batch.lines);
      conversation.learn(reading);
      ledger.add(reading);
      answering.ask(reading.questions);
    }
  };
  try {
    for (;;) {
      const supervisor = await attachSupervisor(folder, signal);
      if (supervisor.kind === 'ended') {
        await pump(true);
        return await endOf(following, supervisor.exit);
      }
      assert.ok(supervisor.kind === 'attached', 'the supervisor is gone without a record');
      state.supervisor = supervisor;
      const line = conversation.lineTo(supervisor, exitGraceMs);
      answering.attach(line);
      await pump(false);
      line.speak();
      for await (const message of supervisor.messages) {
        if (message.type === 'exit') break;
        if (message.type === 'output') await pump(false);
        line.speak();
      }
      supervisor.close();
    }
  } finally {
    await spool.close();
  }
}

async function endOf(following: Following, exit: ExitRecord): Promise<LiveEnd> {
  const { house, started, conversation, ledger, state } = following;
  const { folder, key, place, command } = started;
  const cancelMs = state.cancelledAt === undefined ? undefined : performance.now() - state.cancelledAt;
  const read = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
  const errors = read(errorsFile);
  const outcome = conversation.reader.outcome({
    code: exit.code,
    signal: exit.signal,
    errors: errors.slice(-4096),
    ...(exit.reason === 'finished' ? { finished: true } : {}),
  });
  const credentials = [key, `Bearer ${key}`];
  return {
    ...ledger.sums(),
    outcome,
    exit,
    output: read(outputFile),
    errors,
    notices: await readNotices(folder, 0),
    requests: house.model
      .requests()
      .filter(({ headers }) =>
        credentials.includes(String(headers['x-api-key'] ?? headers.authorization ?? '')),
      ),
    command,
    key,
    folder,
    place,
    cancelMs,
  };
}

/** As the worker does on a cancel: by protocol where there is one, then by signal, then with the sandbox. */
export function breakOff(supervisor: Attached, { reader }: Conversation, ended: Promise<unknown>): void {
  const interrupt = reader.interrupt();
  if (interrupt === undefined) {
    supervisor.stop(stopGraceMs);
    return;
  }
  supervisor.input({ ...interrupt, end: interrupt.end === true });
  const timer = setTimeout(() => supervisor.stop(stopGraceMs - interruptGraceMs), interruptGraceMs);
  const clear = (): void => clearTimeout(timer);
  ended.then(clear, clear);
}
