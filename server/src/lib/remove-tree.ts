import { runCommand } from './child-process.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };
const timeoutMs = 10 * 60_000;

/**
 * Removes a file or a folder with all that is in it; nothing happens when there is none. For folders that a
 * stranger filled: the system's `rm` walks by descriptors, so a folder that turns into a link meanwhile is
 * not followed, and neither 10,000 levels (`fs.rm` ends at 4,096 bytes of path) nor folders without
 * permissions stop it. Throws the signal's reason, or an Error with what could not be removed.
 */
export async function removeTree(path: string, signal: AbortSignal): Promise<void> {
  const run = (file: string, ...args: readonly string[]) =>
    runCommand({ file, args: [...args, '--', path], env, cwd: '/', maxOutputBytes: 0, timeoutMs, signal });
  if ((await run('rm', '-rf')).code === 0) return;
  // An ordinary user cannot empty a folder that its owner, the same user, has closed.
  await run('chmod', '-R', 'u+rwx');
  const again = await run('rm', '-rf');
  if (again.code === 0) return;
  throw new Error(
    `cannot remove ${path}: ${again.timedOut ? 'it took too long' : again.stderr.trim().slice(0, 500)}`,
  );
}
