import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Refusal } from '../domain/errors.ts';
import type { BlobFolder } from '../store/blob-folder.ts';
import type { Database } from '../store/database.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';

/**
 * The task's changes against its base as a patch, open for reading: whoever takes it reads it to its end
 * or destroys it.
 *
 * @throws Refusal `not_found` for the task, or while there is no patch: not finished, or nothing changed.
 */
export function createReadDiffService(deps: { readonly database: Database; readonly blobs: BlobFolder }) {
  return async (viewer: Viewer, reference: TaskReference): Promise<Readable> => {
    const task = await findTask(deps.database, viewer, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    if (task.patchBlobId === null) throw new Refusal('not_found', 'the task has no changes (yet)');
    const patch = deps.blobs.read(task.patchBlobId);
    try {
      // Opened before anything is answered, so that a file that is not there is still a status.
      await once(patch, 'open');
      return patch;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        throw new Refusal('not_found', "the file with this task's changes is not in the data folder", {
          cause: error,
        });
      }
      throw error;
    }
  };
}
