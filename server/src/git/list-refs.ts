import { isBranchName } from '../domain/branch-name.ts';
import { withTimeout } from '../lib/abort.ts';
import type { PasswordCredential } from './credentials.ts';
import type { AskSmartHttp } from './smart-http.ts';

/** What a remote's refs are at one moment, without their objects. */
export type RemoteRefs = {
  /** The branch that HEAD names; undefined where it names none, or one that is not there. */
  readonly defaultBranch: string | undefined;
  /** Commits by the branch's name. */
  readonly branches: ReadonlyMap<string, string>;
  /** Objects (commits or tag objects) by the tag's name. */
  readonly tags: ReadonlyMap<string, string>;
};

export type RefsRequest = {
  /** http or https, without a credential in it. */
  readonly url: string;
  readonly credential: PasswordCredential | undefined;
  readonly signal: AbortSignal;
};

export type RefListerLimits = { readonly timeMs: number; readonly bytes: number };

/** The bytes are those of 100,000 refs, or so. */
const usualLimits: RefListerLimits = { timeMs: 5_000, bytes: 8 * 1024 * 1024 };

const path = '/git-upload-pack';
const requestType = 'application/x-git-upload-pack-request';
const answerType = 'application/x-git-upload-pack-result';
const question = Buffer.from(
  [
    line('command=ls-refs'),
    '0001',
    line('symrefs'),
    line('ref-prefix HEAD'),
    line('ref-prefix refs/heads/'),
    line('ref-prefix refs/tags/'),
    '0000',
  ].join(''),
);

/** See `createRefLister`. */
export type RefLister = (asked: RefsRequest) => Promise<RemoteRefs | undefined>;

/**
 * What asks a remote for its refs, with one request of git's protocol version 2 (10 ms on loopback, where the
 * processes of an idle `git fetch` take 40). The rules are those of git here: the address as given and no
 * redirect, certificates of the system, the credential to that address alone and in no argument, environment
 * or file. It goes with the request, since being asked for it would cost as much as the answer.
 *
 * Undefined for anything but a whole and plain answer, a refusal too: git is for all else, and has the last
 * word. Throws the signal's reason only.
 */
export function createRefLister(smartHttp: AskSmartHttp, limits = usualLimits): RefLister {
  return async (asked) => {
    asked.signal.throwIfAborted();
    try {
      const answer = await ask(asked, limits, smartHttp);
      return answer === undefined ? undefined : readRefs(answer);
    } catch {
      asked.signal.throwIfAborted();
      return undefined;
    }
  };
}

async function ask(
  { url, credential, signal }: RefsRequest,
  limits: RefListerLimits,
  smartHttp: AskSmartHttp,
): Promise<Buffer | undefined> {
  const address = new URL(url);
  // git puts its path behind everything: such an address is for git to make sense of.
  if (address.search !== '' || address.hash !== '') return undefined;
  address.pathname = `${address.pathname.replace(/\/+$/u, '')}${path}`;
  const response = await smartHttp({
    address,
    credential,
    headers: { 'git-protocol': 'version=2', 'content-type': requestType, accept: answerType },
    body: question,
    signal: withTimeout(signal, limits.timeMs),
  });
  try {
    if (response.statusCode !== 200 || response.headers['content-type'] !== answerType) return undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limits.bytes) return undefined;
    }
    return Buffer.concat(chunks);
  } finally {
    response.destroy();
  }
}

/** A packet of the protocol (gitprotocol-common(5)): its length with these four digits, and a text line. */
function line(text: string): string {
  return `${(text.length + 5).toString(16).padStart(4, '0')}${text}\n`;
}

/**
 * Reads the whole answer to `ls-refs` (gitprotocol-v2(5)): `<id> <ref>[ <attribute>]…` in packets, and the
 * packet that ends them at the very end. Undefined when it is anything else, such as an error or objects
 * that are not named by SHA-1.
 */
export function readRefs(answer: Buffer): RemoteRefs | undefined {
  const branches = new Map<string, string>();
  const tags = new Map<string, string>();
  let headBranch: string | undefined;
  for (let at = 0; at < answer.length;) {
    const digits = answer.toString('latin1', at, at + 4);
    if (digits === '0000') {
      if (at + 4 !== answer.length) return undefined;
      const isThere = headBranch !== undefined && isBranchName(headBranch) && branches.has(headBranch);
      return { defaultBranch: isThere ? headBranch : undefined, branches, tags };
    }
    const end = at + Number.parseInt(digits, 16);
    if (!/^[0-9a-f]{4}$/u.test(digits) || end <= at + 4 || end > answer.length) return undefined;
    const [, id = '', name = '', attributes = ''] =
      /^([0-9a-f]{40}) (\S+)((?: \S+)*)\n?$/u.exec(answer.toString('utf8', at + 4, end)) ?? [];
    if (name === 'HEAD') headBranch = / symref-target:refs\/heads\/(\S+)/u.exec(attributes)?.[1];
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), id);
    else if (name.startsWith('refs/tags/')) tags.set(name.slice('refs/tags/'.length), id);
    else return undefined;
    at = end;
  }
  return undefined;
}
