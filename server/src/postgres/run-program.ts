import { CommandNotFound, runCommand } from '../lib/child-process.ts';

export type Program = {
  readonly file: string;
  readonly args: readonly string[];
  /** The user and group to run as; undefined: the server's own. */
  readonly uid: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

export type ProgramResult = {
  /** Null when it did not end by itself. */
  readonly code: number | null;
  /** Such as EACCES, when it could not even be started. */
  readonly startError: string | undefined;
  readonly stdout: string;
  /** Both outputs, or in their absence what happened. */
  readonly output: string;
};

/** All that PostgreSQL's programs get to see: messages in English, times in UTC, nothing of the server's own. */
export const programEnvironment = { LC_ALL: 'C', TZ: 'UTC' } as const;

/**
 * Runs a short program to its end, from `/`, where any user may be. A failure of the program is a result;
 * only an abort rejects, with the signal's reason.
 */
export async function runProgram(program: Program): Promise<ProgramResult> {
  const { uid, ...rest } = program;
  const place = { env: programEnvironment, cwd: '/', maxOutputBytes: 1024 * 1024 };
  try {
    const result = await runCommand({ ...rest, ...place, ...(uid === undefined ? {} : { uid }) });
    const stdout = result.stdout.toString('utf8');
    const text = `${stdout}${result.stderr}`.trim();
    const ending = result.timedOut ? 'it took too long' : `it ended with ${result.signal ?? result.code}`;
    return { code: result.code, startError: undefined, stdout, output: text === '' ? ending : text };
  } catch (error) {
    if (!(error instanceof CommandNotFound)) throw error;
    const cause = error.cause as Partial<NodeJS.ErrnoException>;
    return {
      code: null,
      startError: cause.code ?? 'unknown',
      stdout: '',
      output: cause.message ?? error.message,
    };
  }
}
