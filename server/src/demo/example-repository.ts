import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../lib/child-process.ts';
import { createRepository } from './git-server.ts';

/** What the demo asks for, and the script that stands in for an agent: it needs no model and no key. */
export const examplePrompt = 'Fix the sum so that its test passes';
const repair = "sed 's/total - number/total + number/' sum.sh > fixed.sh && mv fixed.sh sum.sh";
export const exampleCommand = [
  'echo "Running the test before the change:"',
  'sh test.sh || true',
  'echo "sum.sh subtracts where it should add."',
  repair,
  'echo "Running it again:"',
  'sh test.sh',
].join('\n');

/** What the scripted model has its agent run, in place of a thought of its own. */
export const fixCommand = `${repair} && sh test.sh`;

const files = {
  'README.md': '# Sum\n\nAdds its arguments: `sh sum.sh 2 3` prints 5. `sh test.sh` tests it.\n',
  'sum.sh': 'total=0\nfor number in "$@"; do\n  total=$((total - number))\ndone\necho "$total"\n',
  'test.sh':
    'result=$(sh "$(dirname "$0")/sum.sh" 2 3)\n' +
    'if [ "$result" = 5 ]; then\n  echo "ok: 2 + 3 = 5"\nelse\n  echo "not ok: 2 + 3 gave $result"\n  exit 1\nfi\n',
};

const patienceMs = 30_000;

/** Makes `<root>/<name>`: a bare repository with a bug and a test that fails because of it. */
export async function createExampleRepository(root: string, name: string): Promise<void> {
  const bare = await createRepository(root, name);
  const tree = join(root, `${name}.tree`);
  await mkdir(tree);
  for (const [path, content] of Object.entries(files)) await writeFile(join(tree, path), content);
  await git(tree, 'init', '--quiet', '--initial-branch=main');
  await git(tree, 'add', '--all');
  await git(tree, 'commit', '--quiet', '--message', 'Add sum');
  await git(tree, 'push', '--quiet', bare, 'main');
  await rm(tree, { recursive: true });
}

/** Runs git with an identity of the demo's own, whatever the user has configured. */
export async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const done = await runCommand({
    file: 'git',
    args: ['-c', 'user.name=Slipway demo', '-c', 'user.email=demo@localhost', ...args],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
    cwd,
    maxOutputBytes: 1024 * 1024,
    timeoutMs: patienceMs,
    signal: AbortSignal.timeout(patienceMs),
  });
  if (done.code !== 0) throw new Error(`git ${args[0]} failed: ${done.stderr}`);
  return done.stdout.toString('utf8');
}
