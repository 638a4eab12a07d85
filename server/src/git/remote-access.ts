import { SshKeyRefused } from '../lib/openssh-key.ts';
import { readSshKey } from '../lib/ssh-key.ts';
import type { SshKey } from '../lib/ssh-key.ts';
import { serveCredential } from './credentials.ts';
import type { Credential } from './credentials.ts';
import { GitError } from './git-error.ts';
import { serveSshKey } from './ssh-agent.ts';
import { sshEnvironment, sshUserOf } from './ssh-command.ts';

/** A repository elsewhere. The address holds no credential. */
export type Remote = { readonly url: string; readonly credential?: Credential };

/** Which remotes may be talked to, and what that takes. */
export type AccessOptions = {
  /** A short folder for unix sockets, of the server alone. */
  readonly socketFolder: string;
  readonly allowFileRepositories: boolean;
  readonly allowHttp: boolean;
  /** The absolute path of a file with the keys of ssh hosts; undefined: nothing is reached over ssh. */
  readonly sshKnownHosts?: string;
};

/** What one git command needs to reach its remote, for as long as it runs. */
export type Access = {
  /** For `-c`. */
  readonly config: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

type Scheme = 'https' | 'http' | 'ssh' | 'file';

/**
 * Opens the way to a remote: its transport and no other, its credential behind a socket. Throws `GitError`:
 * `protocol_refused`, and `authentication` for a credential that is of no use there.
 */
export async function openAccess(options: AccessOptions, remote: Remote): Promise<Access> {
  const scheme = allowedScheme(options, remote.url);
  const allowed = `protocol.${scheme}.allow=always`;
  if (scheme === 'ssh') return openSsh(options, remote, allowed);
  const { credential } = remote;
  if (credential === undefined) return { config: [allowed], env: {}, close: async () => {} };
  if (credential.kind === 'ssh_key') {
    throw new GitError(
      'authentication',
      `${remote.url} needs a token, and the credential is an ssh key. Give a token, or the address for ssh.`,
    );
  }
  const { helper, close } = await serveCredential(options.socketFolder, remote.url, credential);
  return { config: [allowed, `credential.helper=${helper}`], env: {}, close };
}

async function openSsh(options: AccessOptions, remote: Remote, allowed: string): Promise<Access> {
  const { url, credential } = remote;
  const user = sshUserOf(url);
  if (user === undefined || options.sshKnownHosts === undefined)
    throw new GitError('protocol_refused', 'the address for ssh names no user: write ssh://git@host/path');
  if (credential === undefined) {
    const env = sshEnvironment(options.sshKnownHosts, undefined);
    return { config: [allowed], env, close: async () => {} };
  }
  if (credential.kind === 'password') {
    throw new GitError(
      'authentication',
      `${url} needs an ssh key, and the credential is a token. Register a key (provider ssh), or give the https:// address.`,
    );
  }
  const key = readKey(credential.privateKey.reveal(), url);
  const { path, close } = await serveSshKey(options.socketFolder, { user, key });
  return { config: [allowed], env: sshEnvironment(options.sshKnownHosts, path), close };
}

function readKey(text: string, url: string): SshKey {
  try {
    return readSshKey(text);
  } catch (error) {
    if (!(error instanceof SshKeyRefused)) throw error;
    throw new GitError('authentication', `the ssh key for ${url} ${error.message}.`);
  }
}

/** The scheme of an address that may be talked to. Throws `GitError` `protocol_refused`. */
export function allowedScheme(options: AccessOptions, url: string): Scheme {
  const scheme = schemeOf(url);
  const isAllowed =
    scheme === 'https' ||
    (scheme === 'http' && options.allowHttp) ||
    (scheme === 'ssh' && options.sshKnownHosts !== undefined) ||
    (scheme === 'file' && options.allowFileRepositories);
  if (!isAllowed) {
    throw new GitError(
      'protocol_refused',
      `repositories over ${scheme === '' ? 'this kind of address' : `${scheme}://`} are not allowed. Use an https:// address, or have the operator allow it.`,
    );
  }
  return scheme;
}

/** Throws `GitError` for an address with a credential in it: over ssh the user's name is none. */
function schemeOf(url: string): string {
  if (sshUserOf(url) !== undefined) return 'ssh';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && (parsed.username !== '' || parsed.password !== '')) {
    throw new GitError('protocol_refused', 'the address of a repository must not contain a credential');
  }
  return parsed?.protocol.slice(0, -1) ?? '';
}
