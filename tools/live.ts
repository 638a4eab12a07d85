import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellsIn, matrixOf, pageWith, type Cell } from './live-matrix.ts';
import { installClis } from './install-clis.ts';
import { root } from './repository.ts';

/**
 * `npm run test:live`: the agents' real programs against a scripted model, in real sandboxes. Installs the
 * pinned programs where they are missing, runs every scenario as this user, before that, where this is root,
 * as an ordinary one; prints scenario by agent, and compares that with docs/agents.md.
 *
 * `--write` puts the matrix there. `--each-once` is half of it, for where time is short: Claude Code as the ordinary
 * user and at GitHub, Codex as this one and at GitLab; a half is no matrix to compare. Other words that begin with a dash go to node
 * (`npm run test:live -- --test-name-pattern=cancel`): what is left out then is not compared.
 */
const page = join(root, 'docs/agents.md');
const agentFiles = ['claude-code', 'codex', 'servers'];
/** The server's own work: whose process the sandbox is makes no difference to it, so one round has it. */
const serverFiles = ['deliveries'];
/** For one scenario; the longest takes some seconds. */
const timeoutMs = 120_000;
/** Nobody, as the tests of the sandbox have it. */
const ordinary = 65_534;
const drop = [
  `--reuid=${ordinary}`,
  `--regid=${ordinary}`,
  '--clear-groups',
  '--inh-caps=-all',
  '--no-new-privs',
];

const words = process.argv.slice(2);
const ownFlags = ['--write', '--each-once'];
const flags = words.filter((word) => word.startsWith('-') && !ownFlags.includes(word));
const eachOnce = words.includes('--each-once');
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

process.exitCode = await main();

async function main(): Promise<number> {
  const missing = await installClis(ending.signal);
  const alone = whyAlone();
  const rounds: Round[] = [];
  const skips = alone === undefined ? [] : [`all of it once more as another user: ${alone}`];
  const [ofFirst, ofRest] = eachOnce
    ? [agentFiles.slice(0, 1), agentFiles.slice(1)]
    : [agentFiles, agentFiles];
  const asOrdinary = () => runRound({ asOrdinary: true, missing, skips: [], files: ofFirst });
  const asRoot = (files: readonly string[]) => runRound({ asOrdinary: false, missing, skips, files });
  if (alone !== undefined) {
    rounds.push(await asRoot(agentFiles));
  } else if (eachOnce) {
    console.log('--- side by side, as an ordinary user and as root ---');
    rounds.push(...(await Promise.all([asOrdinary(), asRoot(ofRest)])));
  } else {
    console.log('--- as an ordinary user ---');
    rounds.push(await asOrdinary());
    console.log('\n--- as root ---');
    if (!ending.signal.aborted) rounds.push(await asRoot(ofRest));
  }
  // Behind them, so that the matrix has its rows in one order.
  if (!ending.signal.aborted) {
    rounds.push(await runRound({ asOrdinary: false, missing, skips: [], files: serverFiles }));
  }
  if (ending.signal.aborted) return 130;
  const failed = rounds.some(({ code }) => code !== 0);
  const cells = rounds.flatMap((round) => round.cells);
  if (cells.length === 0) {
    console.log('\nNo scenario was run, so there is no matrix.');
    return failed ? 1 : 0;
  }
  const matrix = matrixOf(cells);
  console.log(`\n${matrix}\n`);
  if (failed) return 1;
  return flags.length > 0 || eachOnce || missing !== undefined || compare(matrix) ? 0 : 1;
}

type Round = { readonly code: number; readonly cells: readonly Cell[] };

async function runRound(how: {
  readonly asOrdinary: boolean;
  readonly missing: string | undefined;
  readonly skips: readonly string[];
  /** Of test/live, by their first word. */
  readonly files: readonly string[];
}): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-live-results-'));
  const results = join(folder, 'cells');
  writeFileSync(results, '');
  if (how.asOrdinary) {
    chmodSync(folder, 0o755);
    chownSync(results, ordinary, ordinary);
  }
  try {
    const code = await runNode(how, {
      // So both ways in which Codex offers its tools to a model are tried.
      ...(how.asOrdinary ? { SLIPWAY_LIVE_CODEX_MODEL: 'gpt-scripted' } : {}),
      ...(eachOnce ? { SLIPWAY_LIVE_EACH_ONCE: '1' } : {}),
      TEST_SKIPS: how.skips.join('\n'),
      SLIPWAY_LIVE_RESULTS: results,
      ...(how.missing === undefined ? {} : { SLIPWAY_LIVE_MISSING: how.missing }),
    });
    return { code, cells: cellsIn(readFileSync(results, 'utf8')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Two agents at a time, each one scenario after the other. */
async function runNode(
  { asOrdinary, files }: { readonly asOrdinary: boolean; readonly files: readonly string[] },
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const node = [
    process.execPath,
    '--test',
    '--test-reporter=./tools/test-reporter.ts',
    '--test-reporter-destination=stdout',
    '--test-concurrency=2',
    `--test-timeout=${timeoutMs}`,
    ...flags,
    ...files.map((name) => `server/test/live/${name}.live.ts`),
  ];
  const [file = '', ...args] = asOrdinary ? ['setpriv', ...drop, ...node] : node;
  const child = spawn(file, args, {
    cwd: root,
    stdio: 'inherit',
    env: { PATH: process.env['PATH'], TMPDIR: tmpdir(), ...env },
  });
  const end = (): void => void child.kill('SIGINT');
  ending.signal.addEventListener('abort', end, { once: true });
  const [code] = (await once(child, 'close')) as [number | null];
  ending.signal.removeEventListener('abort', end);
  return code ?? 130;
}

/** Why there is one round only; undefined: this is root, and another user can run the tests of this clone. */
function whyAlone(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is an ordinary user, and cannot become root';
  const look = `fs.readFileSync(${JSON.stringify(join(root, 'package.json'))})`;
  const { status } = spawnSync('setpriv', [...drop, process.execPath, '-e', look], { cwd: '/' });
  return status === 0 ? undefined : 'this clone lies where no other user can reach it';
}

/** Whether the page has this matrix; with `--write` it has it afterwards. */
function compare(matrix: string): boolean {
  const present = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const wanted = pageWith(present, matrix);
  if (wanted === present) return true;
  if (!words.includes('--write')) {
    console.error('docs/agents.md has another matrix: look at it, then npm run test:live -- --write');
    return false;
  }
  writeFileSync(page, wanted);
  console.log('wrote docs/agents.md');
  return true;
}
