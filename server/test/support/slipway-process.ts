import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../src/main.ts');
/** The runner's: compiled sources, for the many servers that tests start. */
const compileCache = process.env['NODE_COMPILE_CACHE'];
const readyPatienceMs = 30_000;
const stopPatienceMs = 20_000;

/** A real `slipway serve` or `slipway work`, as its operator would start it. */
export type SlipwayProcess = {
  readonly pid: number;
  /** Of `serve`: where it listens. */
  readonly url: string;
  /** What it has printed so far, stdout and stderr. */
  readonly output: () => string;
  /** SIGTERM, and waits for the end. */
  readonly stop: () => Promise<void>;
  /** kill -9, and waits for the end. */
  readonly kill: () => Promise<void>;
};

export type SlipwaySettings = Readonly<Record<string, string>>;

/** Whom a process belongs to; only root can choose. */
export type User = { readonly uid: number; readonly gid: number };

/**
 * Starts the process and waits until it says that it is ready. Its environment is the settings, nothing else;
 * it belongs to `user`, who then has no other groups, or to this process's own. One that `standsStill` before
 * it is ready is waited for no longer; it has no address yet.
 */
export async function startSlipway(
  command: 'serve' | 'work',
  settings: SlipwaySettings,
  user?: User,
  standsStill: () => boolean = () => false,
): Promise<SlipwayProcess> {
  const child = spawn(process.execPath, [program, command], {
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/nonexistent',
      SLIPWAY_PORT: '0',
      SLIPWAY_TASKS_PER_MINUTE: '0',
      SLIPWAY_LOG_LEVEL: 'info',
      ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let output = '';
  const ready = Promise.withResolvers<string>();
  const onData = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    const url = /listening on (\S+)/u.exec(output)?.[1];
    if (url !== undefined) ready.resolve(url);
    else if (/works on \d+ tasks/u.test(output)) ready.resolve('');
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  child.once('exit', (code) => ready.reject(new Error(`slipway ${command} ended with ${code}:\n${output}`)));
  const watch = setInterval(() => {
    if (standsStill()) ready.resolve('');
  }, 50);
  const patience = setTimeout(() => {
    child.kill('SIGKILL');
    ready.reject(new Error(`slipway ${command} was not ready in time:\n${output}`));
  }, readyPatienceMs);
  try {
    const url = await ready.promise;
    return {
      pid: child.pid ?? 0,
      url,
      output: () => output,
      stop: () => end(child, 'SIGTERM'),
      kill: () => end(child, 'SIGKILL'),
    };
  } finally {
    clearTimeout(patience);
    clearInterval(watch);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
  await ended;
  clearTimeout(patience);
}

/** The administrator's token that a server has left in its data folder. */
export async function readToken(dataFolder: string): Promise<string> {
  return (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim();
}
