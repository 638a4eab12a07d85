import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cliFolder, findCli } from '../server/test/live/installed-clis.ts';
import { runQuietly } from './repository.ts';

const agents = ['claude-code', 'codex'] as const;

/** What npm says where the registry cannot be reached: nobody's mistake here. */
const unreachable =
  /\bcode (?:ECONN[A-Z]+|E(?:NOTFOUND|AI_AGAIN|TIMEDOUT|SOCKETTIMEDOUT|NETUNREACH|HOSTUNREACH)|ERR_SOCKET_TIMEOUT|UND_ERR_[A-Z_]+)\b/u;

/**
 * Installs the pinned command lines into tools/agent-clis (770 MB) unless they are there as its lockfile says.
 * No install script is needed: the programs lie in optional packages, one a platform. Returns why they are not
 * there, in words for a skipped test; undefined: they are. Throws what npm said where it could have.
 */
export async function installClis(signal: AbortSignal): Promise<string | undefined> {
  if (!isInstalled()) {
    console.log('installing the pinned command lines of the agents (770 MB, once)');
    const { code, output } = await npm(
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    );
    signal.throwIfAborted();
    const reason = unreachable.exec(output)?.[0];
    if (code !== 0 && reason === undefined) throw new Error(`npm ci in tools/agent-clis failed:\n${output}`);
    if (code !== 0) return `the registry of npm cannot be reached (${reason})`;
  }
  const absent = agents.filter((agent) => findCli(agent) === undefined);
  return absent.length === 0
    ? undefined
    : `no program for this platform: ${absent.join(', ')} (npm leaves out optional packages where told to)`;
}

/** npm writes what it has installed beside the packages, after all of them. */
function isInstalled(): boolean {
  const [wanted, present] = [join(cliFolder, 'package-lock.json'), installed()];
  if (!existsSync(present) || agents.some((agent) => findCli(agent) === undefined)) return false;
  return statSync(present).mtimeMs >= statSync(wanted).mtimeMs || versionsMatch(wanted, present);
}

const installed = (): string => join(cliFolder, 'node_modules/.package-lock.json');

/** Git gives a lockfile the time of its checkout: then the versions count. */
function versionsMatch(wanted: string, present: string): boolean {
  const [all, here] = [packagesIn(wanted), packagesIn(present)];
  return Object.entries(here).every(([path, { version }]) => all[path]?.version === version);
}

type Packages = Readonly<Record<string, { readonly version?: string }>>;

function packagesIn(lockfile: string): Packages {
  return (JSON.parse(readFileSync(lockfile, 'utf8')) as { readonly packages: Packages }).packages;
}

/** The npm that runs this script, else the one on the path. */
function npm(...args: readonly string[]): ReturnType<typeof runQuietly> {
  const script = process.env['npm_execpath'];
  return script !== undefined && script.endsWith('.js')
    ? runQuietly(process.execPath, [script, ...args], cliFolder)
    : runQuietly('npm', args, cliFolder);
}
