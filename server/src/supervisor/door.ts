import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

import { readJsonLines } from '../lib/json-lines.ts';
import type { ExitRecord, FromSupervisor, ToSupervisor } from './protocol.ts';
import { parseToSupervisor } from './records.ts';

/** The supervisor's socket, and who is connected to it. */
export type Door = {
  /** Tells everybody how far the output has come: the first time at once, then at most every ten milliseconds. */
  readonly tellOutput: () => void;
  /** Tells everybody how many notices there are. */
  readonly tellNotices: () => void;
  /** Tells everybody how it ended, lets them go and closes the socket. */
  readonly tellExit: (exit: ExitRecord) => Promise<void>;
  readonly attended: () => boolean;
};

export type DoorEvents = {
  /** Both are asked when somebody comes, and when there is something to tell. */
  readonly outputBytes: () => number;
  readonly noticeCount: () => number;
  readonly onMessage: (message: ToSupervisor) => void;
  /** Somebody came or the last one left. */
  readonly onAttendance: () => void;
};

const coalesceMs = 10;
const maxLineBytes = 16 * 1024 * 1024;
/** A client that reads nothing for that long a backlog misses notices, of which the last one says all. */
const maxBacklogBytes = 64 * 1024;
const farewellMs = 250;

/** Opens the socket for the server's user alone. Rejects with the system's error. */
export async function openDoor(path: string, events: DoorEvents): Promise<Door> {
  const { outputBytes, noticeCount } = events;
  const clients = new Set<Socket>();
  const send = (client: Socket, message: FromSupervisor): void => {
    if (client.writableLength < maxBacklogBytes) client.write(`${JSON.stringify(message)}\n`);
  };
  const server = createServer((client) => {
    clients.add(client);
    events.onAttendance();
    client.on('error', () => {});
    client.on('close', () => {
      clients.delete(client);
      events.onAttendance();
    });
    send(client, { type: 'output', bytes: outputBytes() });
    if (noticeCount() > 0) send(client, { type: 'notices', count: noticeCount() });
    void listen(client, events.onMessage);
  });
  // What a dead supervisor left: the claim on the folder made sure that there is no living one.
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  chmodSync(path, 0o600);
  let pending: NodeJS.Timeout | undefined;
  let told = -1;
  const tell = (): void => {
    pending = undefined;
    const bytes = outputBytes();
    if (bytes === told) return;
    told = bytes;
    for (const client of clients) send(client, { type: 'output', bytes });
    pending = setTimeout(tell, coalesceMs);
  };
  return {
    tellOutput() {
      if (pending === undefined) tell();
    },
    tellNotices() {
      for (const client of clients) send(client, { type: 'notices', count: noticeCount() });
    },
    async tellExit(exit) {
      clearTimeout(pending);
      server.close();
      await Promise.all([...clients].map((client) => farewell(client, exit)));
      rmSync(path, { force: true });
    },
    attended: () => clients.size > 0,
  };
}

async function listen(client: Socket, onMessage: (message: ToSupervisor) => void): Promise<void> {
  try {
    for await (const value of readJsonLines(client, maxLineBytes)) {
      const message = parseToSupervisor(value);
      if (message !== undefined) onMessage(message);
    }
  } catch {
    // The connection broke, or said what is no message: the other side attaches again if it lives.
  }
  client.destroy();
}

function farewell(client: Socket, exit: ExitRecord): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => client.destroy(), farewellMs);
    client.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    client.end(`${JSON.stringify({ type: 'exit', exit } satisfies FromSupervisor)}\n`);
    if (client.destroyed) client.emit('close');
  });
}
