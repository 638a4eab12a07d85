import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../lib/abort.ts';
import { isUuid } from '../lib/ids.ts';
import { findTreeOwners } from '../store/idle-workspaces.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { cleanRunFolders, cleanRunFoldersOf } from './clean-run-folders.ts';
import { cleanLeftover, type WorkspacesCleaned } from './clean-workspaces.ts';
import { createRoomMaker, mayNeedRoom, type RoomMaking } from './make-room.ts';
import { measureMissedWorkspaces, measureWorkspace } from './measure-workspaces.ts';

export type WorkspaceMinding = RoomMaking & {
  readonly wakeups: Pick<Wakeups, 'listen'>;
  /** How often room is made; a test does not wait. */
  readonly roomEveryMs?: number;
};

/** A deleted one that something still lives in is looked at again so often; then its duty does it. */
const looks = 20;
const lookEveryMs = 500;
const defaultRoomEveryMs = 15_000;

/**
 * Sees to single workspaces as soon as something happened to them: measures one whose run has ended, removes one
 * that was deleted. Beside all runs, in one loop, so that none waits for it; what it misses, the duties of the
 * host find.
 *
 * It makes room, too, which no duty can do: on a disk that is quite full, a database that lies there can take none.
 */
export async function mindWorkspaces(minding: WorkspaceMinding, signal: AbortSignal): Promise<void> {
  const wanted = new Map<string, number>();
  let woken = Promise.withResolvers<void>();
  const stopListening = minding.wakeups.listen(({ topic, id }) => {
    // It becomes a path, and whoever can notify can say anything.
    if (topic !== 'workspace' || !isUuid(id)) return;
    wanted.set(id, looks);
    woken.resolve();
  });
  const { roomEveryMs = defaultRoomEveryMs } = minding;
  const makeRoom = createRoomMaker(minding);
  let roomAt = performance.now() + roomEveryMs;
  try {
    while (!signal.aborted) {
      woken = Promise.withResolvers();
      const due = [...wanted];
      wanted.clear();
      for (const [id, left] of due) {
        const isDone = await seeTo(minding, id, signal);
        if (!isDone && left > 1 && !wanted.has(id)) wanted.set(id, left - 1);
      }
      if (performance.now() >= roomAt) {
        await room(minding, makeRoom, signal);
        roomAt = performance.now() + roomEveryMs;
      }
      await waitFor(woken.promise, wanted.size > 0 ? lookEveryMs : roomAt - performance.now(), signal);
    }
  } finally {
    stopListening();
  }
}

/** Sizes first, which the limit of all needs; a disk that is too full to keep them is so all the same. Never rejects. */
async function room(
  minding: WorkspaceMinding,
  makeRoom: (signal: AbortSignal) => Promise<WorkspacesCleaned>,
  signal: AbortSignal,
): Promise<void> {
  try {
    // What a killed process left of a run that is over would keep its tree.
    if (mayNeedRoom(minding)) await cleanRunFolders(minding, signal);
    if (minding.maxBytes !== Infinity) await measureMissedWorkspaces(minding, signal).catch(() => undefined);
    const done = await makeRoom(signal);
    if (done.removed + done.failed > 0) minding.logger.info(done, 'room was made');
  } catch (error) {
    if (!signal.aborted) minding.logger.warn({ error: String(error) }, 'no room could be made');
  }
}

/** False: it is to be looked at again soon. Never rejects. */
async function seeTo(minding: WorkspaceMinding, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await lstat(join(minding.folders.workspaces, id)).catch(() => undefined);
    if (found?.isDirectory() !== true) return true;
    const [owner] = await findTreeOwners(minding.database, [id]);
    if (owner === undefined) return true;
    const isElsewhere = owner.workerId !== null && owner.workerId !== minding.workerId;
    if (owner.isDeleted || isElsewhere) {
      // What a killed process left of a run that is over would keep it.
      await cleanRunFoldersOf(minding, id, signal);
      return (await cleanLeftover(minding, owner, signal)) !== 'left';
    }
    // One that is at work there again is measured at its end.
    if (!owner.isBusy) await measureWorkspace(minding, owner, signal);
  } catch (error) {
    if (!signal.aborted)
      minding.logger.debug(
        { workspaceId: id, error: String(error) },
        'a workspace was not seen to; its duty does it',
      );
  }
  return true;
}
