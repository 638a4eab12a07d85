import type { Client } from 'pg';
import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from './database.ts';

/**
 * Who may be woken: workers by a queued run, a wish to cancel or an answer to a question, the outbox by an
 * effect, readers by events of a stream, whoever has a workspace's folder by the end of a run there or by its
 * deletion.
 */
export type WakeTopic = 'run' | 'cancel' | 'answer' | 'effect' | 'stream' | 'workspace';
export type Wake = { readonly topic: WakeTopic; readonly id: string };

/**
 * Wake-ups between processes. They are hints: whoever is woken reads the tables again from their own
 * cursor, and polls every second or two in case one got lost (a crash between commit and NOTIFY).
 * Listeners of this process are called at once; others by a NOTIFY that is sent after the commit, at most
 * one every 10 ms (in the transaction itself it cost five sixths of the throughput).
 */
export type Wakeups = {
  readonly wake: (topic: WakeTopic, id: string) => void;
  /** Returns what ends the listening. */
  readonly listen: (listener: (wake: Wake) => void) => () => void;
  /** Listens to other processes until the signal is aborted; reconnects by itself. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** A step of a workflow run may have ended: who follows it reads on, and who begins steps looks for the next one. */
export function wakeWorkflow(wakeups: Pick<Wakeups, 'wake'>, runId: string): void {
  wakeups.wake('stream', runId);
  wakeups.wake('effect', runId);
}

const channel = 'slipway';
const coalesceMs = 10;
/** A NOTIFY payload may have 8,000 bytes; a wake-up is below 50. */
const wakesPerNotify = 100;

export function createWakeups(database: Database, origin: string, logger: Logger): Wakeups {
  const listeners = new Set<(wake: Wake) => void>();
  const waiting = new Map<string, Wake>();
  let timer: NodeJS.Timeout | undefined;

  const deliver = (wake: Wake): void => {
    for (const listener of listeners) listener(wake);
  };

  const flush = async (): Promise<void> => {
    timer = undefined;
    const wakes = [...waiting.values()];
    waiting.clear();
    try {
      for (let start = 0; start < wakes.length; start += wakesPerNotify) {
        const batch = wakes.slice(start, start + wakesPerNotify).map((wake) => [wake.topic, wake.id]);
        await database.statement({ name: 'wake', text: 'select pg_notify($1, $2)' }, [
          channel,
          JSON.stringify([origin, ...batch]),
        ]);
      }
    } catch (error) {
      logger.debug({ error: String(error) }, 'wake-ups were not sent; readers find out by polling');
    }
  };

  return {
    wake(topic, id) {
      const wake = { topic, id };
      deliver(wake);
      waiting.set(`${topic} ${id}`, wake);
      timer ??= setTimeout(() => void flush(), coalesceMs);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      while (!signal.aborted) {
        await listenOnce(database, origin, deliver, signal).catch((error: unknown) => {
          if (!signal.aborted) logger.debug({ error: String(error) }, 'listening for wake-ups broke off');
        });
        await delay(500, signal).catch(() => undefined);
      }
    },
  };
}

/** Listens on a connection of its own until it breaks or the signal is aborted. */
async function listenOnce(
  database: Database,
  origin: string,
  deliver: (wake: Wake) => void,
  signal: AbortSignal,
): Promise<void> {
  let client: Client | undefined;
  const broken = Promise.withResolvers<void>();
  const stop = (): void => broken.resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    client = await database.connect(stop);
    client.on('end', stop);
    client.on('notification', (message) => {
      for (const wake of parseWakes(message.payload ?? '', origin)) deliver(wake);
    });
    await client.query(`listen ${channel}`);
    await broken.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    await client?.end().catch(() => undefined);
  }
}

const topics: readonly string[] = [
  'run',
  'cancel',
  'answer',
  'effect',
  'stream',
  'workspace',
] satisfies WakeTopic[];

/** Reads a payload; what this process sent itself, or what is not ours, gives nothing. */
function parseWakes(payload: string, origin: string): readonly Wake[] {
  let message: unknown;
  try {
    message = JSON.parse(payload);
  } catch {
    return [];
  }
  if (!Array.isArray(message) || message[0] === origin) return [];
  return message
    .slice(1)
    .filter(isWakePair)
    .map(([topic, id]) => ({ topic, id }));
}

function isWakePair(item: unknown): item is [WakeTopic, string] {
  return Array.isArray(item) && topics.includes(String(item[0])) && typeof item[1] === 'string';
}
