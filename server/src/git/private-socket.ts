import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';

export type PrivateSocket = {
  readonly path: string;
  /** Ends the connections too, and removes the socket. */
  readonly close: () => Promise<void>;
};

/** `sun_path` has 108 bytes on Linux and 104 on macOS, one of them a NUL; names here have 17. */
const maxFolderBytes = 103 - 18;

/**
 * Listens on a unix socket that only this user can open, in `folder`, which is made where it is missing. Who
 * connects is served by `serve`, one call a connection. Throws when the folder's path is too long for a socket.
 */
export async function openPrivateSocket(
  folder: string,
  serve: (socket: Socket) => void,
): Promise<PrivateSocket> {
  if (Buffer.byteLength(folder) > maxFolderBytes) {
    throw new Error(`the folder for sockets has a path of more than ${maxFolderBytes} bytes: ${folder}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomBytes(6).toString('hex')}.sock`);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

/** As one word of a shell. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
