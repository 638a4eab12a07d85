import { isAbsolute, dirname } from 'node:path';
import { runCommand } from '../lib/child-process.ts';
import type { Command, CommandResult } from '../lib/child-process.ts';
import { diagnose, GitError } from './git-error.ts';
import { createRefLister } from './list-refs.ts';
import type { RefLister, RemoteRefs } from './list-refs.ts';
import { findMovedUrl } from './moved-repository.ts';
import { allowedScheme, openAccess } from './remote-access.ts';
import type { AccessOptions, Remote } from './remote-access.ts';
import { createSmartHttp } from './smart-http.ts';
import type { AskSmartHttp } from './smart-http.ts';

export type { Remote } from './remote-access.ts';

export type GitOptions = AccessOptions & {
  /** The git program: a path, or a name to be found in the usual folders. */
  readonly binary?: string;
  /** The longest time for one git command. */
  readonly timeoutMs: number;
  /** Variables of the operator that git's transport honours: proxies and certificate authorities. */
  readonly environment?: Readonly<Record<string, string>>;
};

export type GitCall = {
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** More `-c name=value`. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: NonNullable<Command['input']>;
  readonly maxOutputBytes?: number;
};

/**
 * Runs git for the server, only ever in repositories that the server made and no agent has touched. Its
 * environment is built, not inherited; hooks, prompts, helpers and every transport are off unless a call
 * needs one.
 */
export type Git = {
  /** A command without network. Any exit code is an answer; a timeout throws `GitError`. */
  readonly run: (args: readonly string[], call: GitCall) => Promise<CommandResult>;
  /** As `run`, but an exit code other than 0 throws the `GitError` that stderr tells, about `target`. */
  readonly check: (
    args: readonly string[],
    call: GitCall & { readonly target: string },
  ) => Promise<CommandResult>;
  /**
   * A command that talks to `remote`, with its credential served over a socket for as long as it runs. The
   * arguments are made from the address: where the host only redirects, from the one that it leads to, if that
   * is its own.
   */
  readonly talk: (
    remote: Remote,
    args: (url: string) => readonly string[],
    call: GitCall,
  ) => Promise<CommandResult>;
  /**
   * The refs of `remote` without a process, asked for with its credential; undefined where that cannot be had
   * so simply (another transport, a proxy, a refusal), and `talk` is to be asked. Throws `GitError` for an
   * address that is not allowed.
   */
  readonly listRefs: (remote: Remote, signal: AbortSignal) => Promise<RemoteRefs | undefined>;
};

const usualFolders = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin';
const defaultMaxOutputBytes = 64 * 1024 * 1024;

/** Every file lies in folders of the server: nothing here reads what an agent could have written. */
const safeConfig: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.askPass=',
  'credential.helper=',
  'credential.useHttpPath=false',
  'protocol.allow=never',
  'http.followRedirects=false',
  // A connection that gives less than this for a minute is dead.
  'http.lowSpeedLimit=100',
  'http.lowSpeedTime=60',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'transfer.bundleURI=false',
  'log.showSignature=false',
  'commit.gpgSign=false',
  'push.gpgSign=false',
];

/** Throws when the path of `socketFolder` is too long; makes the folder at the first credential. */
export function createGit(options: GitOptions): Git {
  const env = gitEnvironment(options);
  const smartHttp = createSmartHttp();
  const lister = createRefLister(smartHttp);
  const run = async (args: readonly string[], call: GitCall): Promise<CommandResult> => {
    const result = await runCommand({
      file: options.binary ?? 'git',
      args: [...[...safeConfig, ...(call.config ?? [])].flatMap((setting) => ['-c', setting]), ...args],
      env: { ...env, ...call.env },
      cwd: call.cwd,
      ...(call.input === undefined ? {} : { input: call.input }),
      maxOutputBytes: call.maxOutputBytes ?? defaultMaxOutputBytes,
      timeoutMs: options.timeoutMs,
      signal: call.signal,
    });
    if (!result.timedOut) return result;
    throw new GitError(
      'timeout',
      `git ${args[0] ?? ''} took longer than ${options.timeoutMs / 1000} s and was ended`,
    );
  };
  return {
    run,
    async check(args, call) {
      const result = await run(args, call);
      if (result.code !== 0 && !result.truncated) throw diagnose(result.stderr, call.target);
      return result;
    },
    talk: (remote, args, call) => talk(options, { run, smartHttp }, { remote, args, call }),
    listRefs: (remote, signal) => listRefs(options, lister, { remote, signal }),
  };
}

async function talk(
  options: GitOptions,
  { run, smartHttp }: { readonly run: Git['run']; readonly smartHttp: AskSmartHttp },
  { remote, args, call }: { remote: Remote; args: (url: string) => readonly string[]; call: GitCall },
): Promise<CommandResult> {
  const access = await openAccess(options, remote);
  const asked = {
    ...call,
    config: [...(call.config ?? []), ...access.config],
    env: { ...call.env, ...access.env },
  };
  try {
    const result = await run(args(remote.url), asked);
    if (result.code === 0 || !isRedirect(result.stderr) || remote.credential?.kind === 'ssh_key')
      return result;
    const { url, credential } = remote;
    const moved = await findMovedUrl(smartHttp, { url, credential }, call.signal);
    return moved === undefined ? result : await run(args(moved), asked);
  } finally {
    await access.close();
  }
}

async function listRefs(
  options: GitOptions,
  lister: RefLister,
  { remote, signal }: { readonly remote: Remote; readonly signal: AbortSignal },
): Promise<RemoteRefs | undefined> {
  const { url, credential } = remote;
  const scheme = allowedScheme(options, url);
  // Proxies and other authorities are for git to know.
  if (!scheme.startsWith('http') || Object.keys(options.environment ?? {}).length > 0) return undefined;
  return credential?.kind === 'ssh_key' ? undefined : lister({ url, credential, signal });
}

/** GitLab redirects an address without `.git`, and every forge what was renamed. git itself follows nowhere. */
function isRedirect(stderr: string): boolean {
  return /returned error: 30[12378]/u.test(stderr);
}

function gitEnvironment({ binary, environment }: GitOptions): Record<string, string> {
  return {
    ...environment,
    PATH: binary !== undefined && isAbsolute(binary) ? `${dirname(binary)}:${usualFolders}` : usualFolders,
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
  };
}
