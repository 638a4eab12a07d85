import { statfs } from 'node:fs/promises';
import { composeExecutor } from '../compose-executor.ts';
import type { Config } from '../config.ts';
import { openDataFolder } from '../data-folder.ts';
import { findProgram } from '../executors/system-programs.ts';
import { missingForWayOut } from '../executors/way-out.ts';
import { createGit } from '../git/git.ts';
import { silentLogger } from '../lib/logger.ts';
import { locateBinaries } from '../postgres/binaries.ts';
import { openDatabase } from '../store/database.ts';
import { agentChecks } from './doctor-agents.ts';
import { sshChecks } from './doctor-ssh.ts';
import type { Answer, Check } from './host-check.ts';

const oldestNode = 24;
const oldestGit = [2, 30] as const;
const smallestFreeBytes = 1024 ** 3;
const oldestPostgres = 150_000;
const patienceMs = 30_000;

/** `slipway doctor`: everything that a server needs of this machine, each with the command that mends it. */
export async function doctor(
  config: Config,
  dataFolder: string,
  print: (line: string) => void,
): Promise<number> {
  let problems = 0;
  for (const check of checksOf(config, dataFolder)) {
    const { detail, findings, hints = [] } = await answerOf(check);
    const word = findings.length > 0 ? 'missing' : hints.length > 0 ? 'optional' : 'ok';
    print(`${word.padEnd(8)} ${check.name.padEnd(12)} ${detail}`);
    for (const finding of [...findings, ...hints])
      print(`           ${finding.problem}\n             ${finding.remedy}`);
    problems += findings.length;
  }
  print(
    problems === 0
      ? 'Everything is there.'
      : `${problems} ${problems === 1 ? 'thing is' : 'things are'} missing.`,
  );
  return problems === 0 ? 0 : 1;
}

async function answerOf(check: Check): Promise<Answer> {
  try {
    return await check.run();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { detail: '', findings: [{ problem, remedy: 'see the message above' }] };
  }
}

function checksOf(config: Config, dataFolder: string): readonly Check[] {
  return [
    { name: 'node', run: checkNode },
    { name: 'git', run: () => checkGit(dataFolder) },
    ...sshChecks(config),
    { name: 'data', run: () => checkData(config, dataFolder) },
    ...workspaceDisk(config, dataFolder),
    { name: 'database', run: () => checkDatabase(config) },
    { name: 'isolation', run: () => checkIsolation(config, dataFolder) },
    ...agentChecks(config),
  ];
}

async function checkNode(): Promise<Answer> {
  const found = Number(process.versions.node.split('.')[0]);
  return {
    detail: process.version,
    findings:
      found >= oldestNode
        ? []
        : [
            {
              problem: `Node ${oldestNode} or newer is needed`,
              remedy: 'in a clone, run npm ci: it brings its own',
            },
          ],
  };
}

async function checkGit(dataFolder: string): Promise<Answer> {
  const remedy =
    'Debian, Ubuntu: apt-get install -y git; Fedora: dnf install git; macOS: xcode-select --install';
  const git = createGit({
    socketFolder: dataFolder,
    allowFileRepositories: false,
    allowHttp: false,
    timeoutMs: patienceMs,
  });
  const answer = await git
    .run(['--version'], { cwd: '/', signal: AbortSignal.timeout(patienceMs) })
    .catch(() => undefined);
  const text = answer?.stdout.toString('utf8').trim() ?? '';
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/u.exec(text)?.slice(1) ?? []).map(Number);
  if (text === '') return { detail: '', findings: [{ problem: 'git was not found', remedy }] };
  const old = major < oldestGit[0] || (major === oldestGit[0] && minor < oldestGit[1]);
  return {
    detail: text,
    findings: old ? [{ problem: `git ${oldestGit.join('.')} or newer is needed`, remedy }] : [],
  };
}

async function checkData(config: Config, dataFolder: string): Promise<Answer> {
  const { root } = await openDataFolder(dataFolder, config.data);
  return checkRoom(root, 'SLIPWAY_DATA_DIR');
}

/** Only where the operator has them elsewhere. */
function workspaceDisk({ data }: Config, dataFolder: string): readonly Check[] {
  if (data.workspaceFolder === undefined) return [];
  const run = async (): Promise<Answer> =>
    checkRoom((await openDataFolder(dataFolder, data)).workspaces, 'SLIPWAY_WORKSPACE_DIR');
  return [{ name: 'workspaces', run }];
}

async function checkRoom(folder: string, setting: string): Promise<Answer> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  const detail = `${folder}, ${Math.floor(free / 1024 ** 3)} GiB free`;
  const findings =
    free >= smallestFreeBytes
      ? []
      : [
          {
            problem: 'less than 1 GiB is free',
            remedy: `free space, or set ${setting} to a larger disk`,
          },
        ];
  return { detail, findings };
}

async function checkDatabase(config: Config): Promise<Answer> {
  if (config.database.url === undefined) {
    locateBinaries(process.platform, process.arch);
    return { detail: 'the embedded PostgreSQL', findings: [] };
  }
  const database = openDatabase({ url: config.database.url }, 1, silentLogger);
  try {
    const rows = await database.statement<{ number: number; version: string }>(
      {
        name: 'doctor',
        text: `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
      },
      [],
    );
    const row = rows[0];
    const old = row === undefined || row.number < oldestPostgres;
    return {
      detail: `PostgreSQL ${row?.version ?? ''} at DATABASE_URL`,
      findings: old
        ? [{ problem: 'PostgreSQL 15 or newer is needed', remedy: 'point DATABASE_URL at one' }]
        : [],
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      detail: '',
      findings: [
        { problem: `DATABASE_URL cannot be reached: ${reason}`, remedy: 'start it, or correct the address' },
      ],
    };
  } finally {
    await database.close();
  }
}

async function checkIsolation(config: Config, dataFolder: string): Promise<Answer> {
  const folder = await openDataFolder(dataFolder, config.data);
  const executor = composeExecutor(config, folder, silentLogger);
  const findings = await executor.check(AbortSignal.timeout(patienceMs));
  const bridge = findProgram('socat');
  const detail = `${config.worker.isolation}${bridge === undefined ? '' : `, ${bridge}`}`;
  return { detail, findings, hints: missingForWayOut() };
}
