import type { StreamNews } from '@slipway/client';
import type { Cli } from './command.ts';
import { durationText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

/** What every event of a stream has. */
type Happening = { readonly event: string; readonly ts: string };

/** How the events of a stream are told. */
export type Telling<Event extends Happening> = {
  readonly json: boolean;
  /** An event as lines for people; empty where there is nothing to say. */
  readonly textOf: (event: Event) => string;
  /** How the subject stands behind an event, by how it stood before; for the status line. */
  readonly statusAfter: (status: string | undefined, event: string) => string | undefined;
  /** Tells nothing before the first event that this is true for, and is called until then. */
  readonly startsAt?: ((event: Event) => boolean) | undefined;
  /** Stops behind the first event that is told and that this is true for. */
  readonly endsAt?: ((event: Event) => boolean) | undefined;
};

/** A stream that has sent all past events and stays silent for so long has no more of them. */
const quietMs = 1_000;

/**
 * Prints events as they come until the stream is at its end, or `endsAt` says so, and gives the event that it
 * ended at: lines for people, above a status line on a terminal, or one JSON object a line. Rejects with the reason
 * of the command's signal, or with the client's errors.
 */
export async function tellStream<Event extends Happening>(
  cli: Cli,
  stream: AsyncIterable<StreamNews<Event, string, unknown>>,
  telling: Telling<Event>,
): Promise<Event | undefined> {
  const progress = createProgress(cli, telling);
  let started = telling.startsAt === undefined;
  try {
    for await (const news of stream) {
      progress.take(news);
      if (news.kind === 'event') {
        started ||= telling.startsAt?.(news.event) ?? true;
        if (started) await print(cli, news, telling);
        if (started && telling.endsAt?.(news.event) === true) return news.event;
      }
      if (news.kind !== 'done') continue;
      if (telling.json) await cli.out.json({ type: 'done', status: news.status });
      return undefined;
    }
    throw new Error('a stream ended without its end');
  } finally {
    progress.stop();
  }
}

/**
 * Prints the events up to now. The stream does not say where the past ends, so this stops at its end, at the first
 * event younger than the connection, or when it falls silent.
 */
export async function tellPast<Event extends Happening>(
  cli: Cli,
  open: (signal: AbortSignal) => AsyncIterable<StreamNews<Event, string, unknown>>,
  telling: Telling<Event>,
): Promise<void> {
  const quiet = new AbortController();
  const signal = AbortSignal.any([cli.signal, quiet.signal]);
  let timer: NodeJS.Timeout | undefined;
  let until = Number.POSITIVE_INFINITY;
  try {
    for await (const news of open(signal)) {
      clearTimeout(timer);
      if (news.kind === 'done') return;
      // The server's clock tells full seconds.
      if (news.kind === 'connected') until = Date.parse(news.at ?? '') + 1000 || until;
      if (news.kind === 'event') {
        if (Date.parse(news.event.ts) > until) return;
        await print(cli, news, telling);
      }
      timer = setTimeout(() => quiet.abort(), quietMs);
    }
  } catch (error) {
    if (!quiet.signal.aborted || cli.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** One event on stdout: its text, or the wire's object with the id to resume from. */
async function print<Event extends Happening>(
  cli: Cli,
  { id, event }: { readonly id: string | undefined; readonly event: Event },
  telling: Telling<Event>,
): Promise<void> {
  if (telling.json) {
    await cli.out.json({ ...(id === undefined ? {} : { id }), ...event });
    return;
  }
  const text = telling.textOf(event);
  if (text !== '') await cli.out.line(text);
}

type Progress = {
  readonly take: (news: StreamNews<Happening, string, unknown>) => void;
  readonly stop: () => void;
};

/**
 * What is going on, kept in sight: on a terminal the status line (state and time, once a second), elsewhere
 * only the loss of the connection, on stderr.
 */
function createProgress(
  cli: Cli,
  { json, statusAfter }: Pick<Telling<Happening>, 'json' | 'statusAfter'>,
): Progress {
  const { out } = cli;
  const isLive = out.isTerminal && !json;
  const startedAt = cli.deps.clock.now();
  let status: string | undefined;
  let lost = false;

  function draw(): void {
    const time = durationText(cli.deps.clock.now() - startedAt);
    const state = lost ? 'connection lost, trying again' : (status ?? 'connecting').replaceAll('_', ' ');
    // Plain text: the line is cut to the terminal's width, which must not cut a colour in two.
    out.status(`… ${state} · ${time}`);
  }

  function take(news: StreamNews<Happening, string, unknown>): void {
    if (news.kind === 'interrupted' && !lost && !isLive) {
      out.note(`slipway: ${printableLine(news.reason)}; trying again`);
    }
    lost = news.kind === 'interrupted';
    if (news.kind === 'connected') status = printableLine(news.status);
    if (news.kind === 'event') status = statusAfter(status, news.event.event);
    if (isLive) draw();
  }

  const timer = isLive ? setInterval(draw, 1000) : undefined;
  return {
    take,
    stop() {
      clearInterval(timer);
      out.status(undefined);
    },
  };
}
