import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { root } from './repository.ts';
import { findDebianPostgres, startThrowawayPostgres } from './throwaway-postgres.ts';

/**
 * `npm test`: all tests in one go. Words after it choose: a file, a folder, a glob, or a part of a path;
 * what begins with a dash goes to node (`npm test -- store --test-name-pattern=claim`). The store's tests are
 * run against PostgreSQL 15 too, the oldest that is supported, where Debian's is installed: those that are named,
 * else those where versions can differ.
 */
const places = [
  'server/src/**/*.test.ts',
  'server/test/**/*.test.ts',
  'client/**/*.test.ts',
  'bench/**/*.test.ts',
  'tools/*.test.ts',
];
const integration = 'server/test/integration/';
/** What can differ between versions of PostgreSQL: the tables, and the statements that are written by hand. */
const ofVersions =
  /\/(?:schema|migrations|plans|append-events|claim-run|create-task|move-run|review-task|webhooks)\.test\.ts$/u;
const oldestPostgres = 15;
/** For one test with its subtests: what hangs is ended, and named. */
const timeoutMs = 10 * 60_000;
/** Files at a time: one more than a small machine has cores, since those that kill processes mostly wait. */
const concurrency = 3;

/**
 * Every test file is a process, and many start servers: with the sources compiled once, a server's start takes
 * 0.3 s of a processor in place of 0.6.
 */
const compileCache = mkdtempSync(join(tmpdir(), 'slipway-compile-cache-'));
process.once('exit', () => rmSync(compileCache, { recursive: true, force: true }));

const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith('-'));
const files = choose(words.filter((word) => !word.startsWith('-')));
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exitCode = 1;
} else {
  const ofStore = files.filter((file) => file.startsWith(integration));
  const { skips, failed } = await runOnOldest(
    words.length === 0 ? ofStore.filter((file) => ofVersions.test(file)) : ofStore,
  );
  const code = ending.signal.aborted ? 130 : await runNode(files, { TEST_SKIPS: skips.join('\n') });
  if (failed)
    console.error(`The tests failed on PostgreSQL ${oldestPostgres}: see the first part of the output.`);
  process.exitCode = code === 0 && failed ? 1 : code;
}

/** The test files that the words mean; all where there is none. */
function choose(wanted: readonly string[]): readonly string[] {
  const exclude = (path: string): boolean => /(?:^|\/)(?:node_modules|dist)$/u.test(path);
  const all = globSync(places, { cwd: root, exclude }).toSorted();
  if (wanted.length === 0) return all;
  // npm changes the folder to the root; people mean theirs.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  return [...new Set(wanted.flatMap((word) => matching(all, word, from)))].toSorted();
}

function matching(all: readonly string[], word: string, from: string): readonly string[] {
  for (const base of [from, root]) {
    const path = resolve(base, word);
    if (!existsSync(path)) continue;
    const within = relative(root, path);
    return statSync(path).isDirectory() ? all.filter((file) => file.startsWith(join(within, '/'))) : [within];
  }
  if (!/[*?{[]/u.test(word)) return all.filter((file) => file.includes(word));
  const matched = [from, root].flatMap((base) => globSync(resolve(base, word)));
  return matched.map((path) => relative(root, path));
}

/** The store's tests on the oldest PostgreSQL, before the rest: the last lines are then those of all tests. */
async function runOnOldest(
  chosen: readonly string[],
): Promise<{ skips: readonly string[]; failed: boolean }> {
  const what = `${integration} on PostgreSQL ${oldestPostgres}`;
  if (chosen.length === 0) return { skips: [], failed: false };
  if (process.env['SLIPWAY_TEST_DATABASE_URL'] !== undefined) {
    return { skips: [`${what}: SLIPWAY_TEST_DATABASE_URL names the one server to test on`], failed: false };
  }
  const bin = findDebianPostgres(oldestPostgres);
  if (bin === undefined) {
    return {
      skips: [`${what}: its binaries are not installed (Debian: postgresql-${oldestPostgres})`],
      failed: false,
    };
  }
  console.log(`--- ${what} ---`);
  await using postgres = await startThrowawayPostgres(bin);
  const code = await runNode(chosen, { SLIPWAY_TEST_DATABASE_URL: postgres.url });
  console.log('\n--- all tests ---');
  return { skips: [], failed: code !== 0 };
}

/** Node's test runner over these files; gives its exit code. A signal to end is its own to handle. */
async function runNode(chosen: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const args = [
    '--test',
    '--test-global-setup=server/test/support/global-setup.ts',
    '--test-reporter=./tools/test-reporter.ts',
    '--test-reporter-destination=stdout',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutMs}`,
    ...flags,
    ...chosen,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...env },
  });
  const end = (): void => void child.kill('SIGINT');
  ending.signal.addEventListener('abort', end, { once: true });
  const [code] = (await once(child, 'close')) as [number | null];
  ending.signal.removeEventListener('abort', end);
  return code ?? 130;
}
