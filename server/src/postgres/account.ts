import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * PostgreSQL refuses to run as root. A root server runs it as a user (and group) of its own, without a
 * name: in the range that systemd leaves unused and inside the 65,536 ids of a container. Not `nobody`,
 * which other programs share: whoever is this user may connect and read the data.
 */
export const serverUid = 65521;

/** `initdb` wants a user that the host has a name for (`nobody`); what it made is handed to `serverUid` afterwards. */
export const setUpUid = 65534;

/**
 * Who PostgreSQL runs as over `clusterFolder`: undefined for the server's own user, as always when that
 * is not root. An existing cluster keeps its owner, so one made by an ordinary user can be opened by root.
 */
export async function chooseUid(clusterFolder: string): Promise<number | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const owner = (await stat(clusterFolder).catch(() => undefined))?.uid ?? 0;
  return owner === 0 ? serverUid : owner;
}

/** The first folder on the way to `path` (itself included; no symlinks in it) that the user cannot pass. */
export async function firstClosedFolder(path: string, uid: number): Promise<string | undefined> {
  const above = dirname(path);
  if (above !== path) {
    const closed = await firstClosedFolder(above, uid);
    if (closed !== undefined) return closed;
  }
  const found = await stat(path);
  const bit = found.uid === uid ? 0o100 : found.gid === uid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? path : undefined;
}
