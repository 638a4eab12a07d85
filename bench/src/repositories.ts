import { mkdir } from 'node:fs/promises';
import { createRepository, startGitServer } from '../../server/src/demo/git-server.ts';
import { runCommand } from '../../server/src/lib/child-process.ts';

/** What git is run with: an identity, and nothing that the user has configured. */
export const gitEnv: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Slipway bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'Slipway bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
};

const patienceMs = 120_000;
const filesPerFolder = 100;
const linesPerFile = 25;

/** Repositories of given sizes behind a real smart-HTTP git server on loopback. */
export type Forge = AsyncDisposable & {
  /** Makes a repository of so many files and returns its address. */
  readonly add: (name: string, files: number) => Promise<string>;
};

/** Serves what is made below `root`, an empty folder, until it is disposed of. */
export async function openForge(root: string, signal: AbortSignal): Promise<Forge> {
  await mkdir(root, { recursive: true });
  const server = await startGitServer({ root });
  return {
    async add(name, files) {
      const folder = await createRepository(root, name);
      await runGit(folder, ['fast-import', '--quiet', '--done'], importOf(files), signal);
      return `${server.url}/${name}`;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** A stream for `git fast-import`: one commit on `main` with text files of about a kilobyte, in folders. */
function importOf(files: number): string {
  const parts = [
    'commit refs/heads/main\ncommitter Slipway bench <bench@localhost> 1700000000 +0000\ndata 5\nFirst\n',
  ];
  for (let file = 0; file < files; file += 1) {
    const path = file === 0 ? 'README.md' : `src/${Math.floor(file / filesPerFolder)}/file-${file}.txt`;
    const text = Array.from(
      { length: linesPerFile },
      (_, line) => `line ${line} of file ${file}: ${((file * 31 + line) * 2_654_435_761).toString(36)}`,
    ).join('\n');
    parts.push(`M 100644 inline ${path}\ndata ${text.length + 1}\n${text}\n`);
  }
  parts.push('done\n');
  return parts.join('');
}

async function runGit(
  cwd: string,
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<void> {
  const done = await runCommand({
    file: 'git',
    args,
    env: gitEnv,
    cwd,
    input,
    maxOutputBytes: 65_536,
    timeoutMs: patienceMs,
    signal,
  });
  if (done.code !== 0) throw new Error(`git ${args[0]} failed: ${done.stderr}`);
}
