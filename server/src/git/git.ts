import { isAbsolute, dirname } from 'node:path';
import { runCommand } from '../lib/child-process.ts';
import type { Command, CommandResult } from '../lib/child-process.ts';
import { prepareSocketFolder, serveCredential } from './credentials.ts';
import type { Credential, ServedCredential } from './credentials.ts';
import { diagnose, GitError } from './git-error.ts';
import { createRefLister } from './list-refs.ts';
import type { RefLister, RemoteRefs } from './list-refs.ts';

export type GitOptions = {
  /** The git program: a path, or a name to be found in the usual folders. */
  readonly binary?: string;
  /** A short folder for unix sockets, of the server alone. */
  readonly socketFolder: string;
  readonly allowFileRepositories: boolean;
  readonly allowHttp: boolean;
  /** The longest time for one git command. */
  readonly timeoutMs: number;
  /** Variables of the operator that git's transport honours: proxies and certificate authorities. */
  readonly environment?: Readonly<Record<string, string>>;
};

/** A repository elsewhere. The address holds no credential. */
export type Remote = { readonly url: string; readonly credential?: Credential };

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
   * arguments are made from the address: one without `.git` is tried with it when the host only redirects.
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
  const lister = createRefLister();
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
    talk: (remote, args, call) => talk(options, run, { remote, args, call }),
    listRefs: (remote, signal) => listRefs(options, lister, { remote, signal }),
  };
}

async function talk(
  options: GitOptions,
  run: Git['run'],
  { remote, args, call }: { remote: Remote; args: (url: string) => readonly string[]; call: GitCall },
): Promise<CommandResult> {
  const config = [...(call.config ?? []), ...allowedProtocol(options, remote.url)];
  const served = await serveOf(options.socketFolder, remote);
  try {
    if (served !== undefined) config.push(`credential.helper=${served.helper}`);
    const result = await run(args(remote.url), { ...call, config });
    if (result.code === 0 || remote.url.endsWith('.git') || !isRedirect(result.stderr)) return result;
    return await run(args(`${remote.url}.git`), { ...call, config });
  } finally {
    await served?.close();
  }
}

async function listRefs(
  options: GitOptions,
  lister: RefLister,
  { remote, signal }: { readonly remote: Remote; readonly signal: AbortSignal },
): Promise<RemoteRefs | undefined> {
  allowedProtocol(options, remote.url);
  // Proxies and other authorities are for git to know.
  if (!/^https?:/u.test(remote.url) || Object.keys(options.environment ?? {}).length > 0) return undefined;
  return lister({ url: remote.url, credential: remote.credential, signal });
}

async function serveOf(folder: string, { url, credential }: Remote): Promise<ServedCredential | undefined> {
  if (credential === undefined) return undefined;
  await prepareSocketFolder(folder);
  return serveCredential(folder, url, credential);
}

/** GitLab redirects an address without `.git`. Only the address given is ever talked to, with that ending or not. */
function isRedirect(stderr: string): boolean {
  return /returned error: 30[12378]/u.test(stderr);
}

function allowedProtocol(options: GitOptions, url: string): string[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol.slice(0, -1) ?? '';
  if (parsed !== undefined && (parsed.username !== '' || parsed.password !== '')) {
    throw new GitError('protocol_refused', 'the address of a repository must not contain a credential');
  }
  const isAllowed =
    scheme === 'https' ||
    (scheme === 'http' && options.allowHttp) ||
    (scheme === 'file' && options.allowFileRepositories);
  if (!isAllowed) {
    throw new GitError(
      'protocol_refused',
      `repositories over ${scheme === '' ? 'this kind of address' : `${scheme}://`} are not allowed. Use an https:// address, or have the operator allow it.`,
    );
  }
  return [`protocol.${scheme}.allow=always`];
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
