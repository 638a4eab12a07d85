import { watch } from 'node:fs';

/** Editors write a file in several steps, and tools many files. */
const calmMs = 200;

/**
 * Calls `onChange` when files below a folder have changed that `isMeant` (by the path below the folder), and then
 * nothing for a moment. What cannot be watched any more, such as a folder that is gone, is not told.
 */
export function watchFolder(
  folder: string,
  isMeant: (path: string) => boolean,
  onChange: () => void,
): Disposable {
  let calm: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true, persistent: false }, (_kind, path) => {
    if (path === null || !isMeant(path)) return;
    clearTimeout(calm);
    calm = setTimeout(onChange, calmMs);
  });
  watcher.on('error', () => undefined);
  return {
    [Symbol.dispose]() {
      clearTimeout(calm);
      watcher.close();
    },
  };
}
