import { unkeptSeconds, type TreeOwner } from '../store/idle-workspaces.ts';
import { foldersHere, letGo, type WorkspaceCleaning, type WorkspacesCleaned } from './clean-workspaces.ts';

export type RoomMaking = WorkspaceCleaning & {
  /** What all workspaces here may take together; Infinity: no limit. */
  readonly maxBytes: number;
  /** How full the disk may be, between 0 and 1; 1: as it likes. */
  readonly warningFullness: number;
  readonly criticalFullness: number;
  /** How full it is; undefined where that cannot be asked. */
  readonly fullness: () => number | undefined;
};

/** A disk that stays full is told of so often. */
const tellAgainMs = 60 * 60_000;
const filling = 'the disk of the workspaces is filling up';
const tight = 'the workspaces take too much, or their disk is too full, and none may be removed now';

/**
 * Gives what removes workspaces while they take more than they may together, or the disk is fuller than it may be:
 * the longest unused first, and none that anybody is at work in. What filled the disk goes first, if its run was
 * ended for that; then trees whose work is kept; one that no run goes on in, as after another failure, only then, and
 * not in its first hour.
 */
export function createRoomMaker(making: RoomMaking): (signal: AbortSignal) => Promise<WorkspacesCleaned> {
  const tell = createTelling(making);
  return async (signal) => {
    const count = { removed: 0, failed: 0 };
    if (!mayNeedRoom(making)) {
      // So it is mostly, and then costs one look at the disk.
      tell(false);
      return count;
    }
    const owners: TreeOwner[] = [];
    for await (const { owner } of foldersHere(making)) if (owner !== undefined) owners.push(owner);
    let bytes = owners.reduce((sum, { diskBytes }) => sum + (diskBytes ?? 0), 0);
    const isTight = (): boolean =>
      bytes > making.maxBytes || isAbove(making.fullness(), making.criticalFullness);
    for (const owner of candidates(making, owners)) {
      if (!isTight()) break;
      const outcome = await letGo(making, owner, { kind: 'room' }, signal);
      if (outcome === 'left') continue;
      count[outcome] += 1;
      if (outcome === 'removed') bytes -= owner.diskBytes ?? 0;
    }
    tell(isTight(), bytes);
    return count;
  };
}

/** Whether there is a limit for all to look after, or the disk is too full. */
export function mayNeedRoom({ maxBytes, fullness, criticalFullness }: RoomMaking): boolean {
  return maxBytes !== Infinity || isAbove(fullness(), criticalFullness);
}

function isAbove(fullness: number | undefined, mark: number): boolean {
  return fullness !== undefined && mark < 1 && fullness > mark;
}

/** In the order in which they may go. */
function candidates({ workerId }: RoomMaking, owners: readonly TreeOwner[]): readonly TreeOwner[] {
  const idle = owners.filter(({ isBusy }) => !isBusy).toSorted((a, b) => b.idleSeconds - a.idleSeconds);
  return [
    ...idle.filter((owner) => owner.filledDisk),
    ...idle.filter((owner) => owner.workerId === workerId),
    ...idle.filter(
      (owner) => owner.workerId === null && !owner.filledDisk && owner.idleSeconds > unkeptSeconds,
    ),
  ];
}

/** Says that the disk is filling, or that no room could be made: when it comes to that, and each hour that it stays so. */
function createTelling({ logger, clock, fullness, warningFullness, maxBytes }: RoomMaking) {
  let told: { readonly message: string; readonly at: number } | undefined;
  return (isTight: boolean, bytes?: number): void => {
    const full = fullness();
    const message = isTight ? tight : isAbove(full, warningFullness) ? filling : undefined;
    const isNews = message !== told?.message || clock.now() - (told?.at ?? 0) >= tellAgainMs;
    if (message === undefined) told = undefined;
    if (message === undefined || !isNews) return;
    told = { message, at: clock.now() };
    const fields = {
      ...(full === undefined ? {} : { diskPercent: Math.round(full * 100) }),
      ...(bytes === undefined ? {} : { workspaceBytes: bytes }),
      ...(maxBytes === Infinity ? {} : { workspaceMaxBytes: maxBytes }),
    };
    logger.warn(fields, message);
  };
}
