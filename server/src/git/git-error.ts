export type GitErrorCode =
  | 'unreachable'
  | 'not_found'
  | 'authentication'
  | 'branch_not_found'
  | 'pull_request_not_found'
  | 'empty_repository'
  | 'submodules'
  | 'lfs'
  | 'rejected'
  | 'branch_moved'
  | 'corrupt'
  | 'too_large'
  | 'timeout'
  | 'disk_full'
  | 'protocol_refused'
  | 'other';

/**
 * Something that git could not do. The message says what happened, to what (an address without
 * credentials) and what to do; `retryable` says whether the same call may work later.
 */
export class GitError extends Error {
  readonly code: GitErrorCode;
  readonly retryable: boolean;

  constructor(code: GitErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'GitError';
    this.code = code;
    this.retryable = options.retryable ?? retryableCodes.has(code);
  }
}

const retryableCodes: ReadonlySet<GitErrorCode> = new Set(['unreachable', 'timeout', 'disk_full']);

type Diagnosis = {
  readonly pattern: RegExp;
  readonly code: GitErrorCode;
  readonly retryable?: boolean;
  /** What happened, with the address in the place of `%`, and what to do. */
  readonly message: string;
  /** Not told: they name files of this host. */
  readonly withoutWords?: true;
};

/**
 * What ssh says, and behind it the hosts that run git. git adds to all of it that it could not read from the
 * remote, which is last below.
 */
const sshDiagnoses: readonly Diagnosis[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|Host key for \S+ has changed/u,
    code: 'unreachable',
    retryable: false,
    withoutWords: true,
    message:
      'the host of % shows another key than the one that is pinned: somebody may stand in between. If the host says that its key is new, have the operator replace it in the file of SLIPWAY_SSH_KNOWN_HOSTS.',
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/u,
    code: 'unreachable',
    retryable: false,
    withoutWords: true,
    message:
      'the key of the host of % is not pinned. Have the operator check it and add it to the file of SLIPWAY_SSH_KNOWN_HOSTS.',
  },
  {
    pattern: /Permission denied \([a-z,-]+\)|Too many authentication failures/u,
    code: 'authentication',
    message:
      '% refused the ssh key, or needs one. Register a key for this host (provider ssh), and have its public half added there.',
  },
  {
    pattern:
      /marked as read only|deploy key does not have write access|not allowed to push code to this project|Permission to \S+ denied/u,
    code: 'authentication',
    message: '% lets this key or token read only. Give it the right to write.',
  },
  {
    pattern: /ERROR: Repository not found|project you were looking for could not be found/u,
    code: 'not_found',
    message: '% is not a repository, or is not visible with this credential. Check the address and the key.',
  },
  {
    pattern: /Unable to negotiate with|no matching [a-z ]+ found/u,
    code: 'unreachable',
    retryable: false,
    message: '% and the ssh of this host have no algorithm in common.',
  },
  {
    pattern: /ssh: (?:command )?not found|cannot run ssh\b/u,
    code: 'protocol_refused',
    message: '% needs the program ssh, which is not installed on this host: see `slipway doctor`.',
  },
];

/** The words of git and curl in the C locale; the first that matches wins. */
const diagnoses: readonly Diagnosis[] = [
  ...sshDiagnoses,
  {
    pattern: /No space left on device|Disk quota exceeded/u,
    code: 'disk_full',
    message: 'the disk is full: % could not be stored. Free some space in the data folder.',
  },
  {
    pattern: /transport '[^']*' not allowed|Protocol "[^"]*" (?:not supported|disabled)/u,
    code: 'protocol_refused',
    message: 'the protocol of % is not allowed. Use an https:// address, or have the operator allow it.',
  },
  {
    pattern: /returned error: 30[12378]|unable to update url base from redirection/u,
    code: 'not_found',
    message: '% answers with a redirect, which is not followed. Use the address that it leads to.',
  },
  {
    pattern:
      /could not read (?:Username|Password)|Authentication failed|returned error: 40[13]|terminal prompts disabled|HTTP Basic: Access denied/u,
    code: 'authentication',
    message:
      '% refused the credential, or needs one. Check that the token is valid and may access the repository.',
  },
  {
    pattern:
      /repository '[^']*' not found|returned error: 404|does not appear to be a git repository|not a git repository/u,
    code: 'not_found',
    message:
      '% is not a repository, or is not visible with this credential. Check the address and the token.',
  },
  {
    pattern: /dubious ownership/u,
    code: 'protocol_refused',
    message: '% belongs to another user of this host. Give it to the user that the server runs as.',
  },
  {
    pattern: /certificate|SSL: no alternative|self.signed/iu,
    code: 'unreachable',
    retryable: false,
    message: '% shows a certificate that is not trusted. Install its authority on this host.',
  },
  {
    pattern: /mismatched algorithms|unsupported object format/u,
    code: 'other',
    message: '% names its objects by SHA-256, which is not supported yet.',
  },
  {
    pattern:
      /Could not resolve (?:host|proxy)|Failed to connect|Couldn't connect|unable to connect|Connection (?:refused|reset|timed out)|Recv failure|Send failure|Empty reply|early EOF|RPC failed|hung up unexpectedly|unexpected disconnect|expected flush after|Operation too slow|timed out|transfer closed|SSL_|GnuTLS|gnutls|returned error: (?:5\d\d|408|429)|Network is unreachable|Could not read from remote repository|HTTP\/2 stream/u,
    code: 'unreachable',
    message: '% could not be reached, or broke off. Check the address and the network; it is tried again.',
  },
  {
    pattern:
      /fsck error|error in object|bad object|corrupt|index-pack|invalid sha1|bad pack|inflate|unresolved deltas|unpack-objects|did not send all necessary objects|missing (?:blob|tree|commit|tag)|object file .* is empty|attempting to allocate/iu,
    code: 'corrupt',
    message: 'the objects of % are damaged.',
  },
];

/** Makes an error of what git wrote to stderr about `target` (an address without credentials). */
export function diagnose(stderr: string, target: string): GitError {
  const words = wordsOf(stderr);
  const found = diagnoses.find(({ pattern }) => pattern.test(stderr));
  if (found === undefined) return new GitError('other', `git failed on ${target}: ${words}`);
  const told = found.message.replace('%', () => target);
  const message = found.withoutWords === true ? told : `${told} (git: ${words})`;
  return new GitError(
    found.code,
    message,
    found.retryable === undefined ? {} : { retryable: found.retryable },
  );
}

/** The last lines of what git said, on one line, safe to show. */
export function wordsOf(stderr: string, maxCharacters = 500): string {
  const lines = stderr
    .split(/[\r\n]+/u)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const text = printable(lines.slice(-8).join(' | ')).replaceAll(/\/\/[^/@\s]*@/gu, '//');
  return text === '' ? 'no message' : text.slice(0, maxCharacters);
}

/** Without control characters (a remote's words may hold escape sequences). */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  return text.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/gu, '').replaceAll(/[\u0000-\u001f\u007f-\u009f]/gu, ' ');
}
