import type { SandboxGitCommand } from '../../src/git/sandbox-scripts.ts';
import { runCommand, type CommandResult } from '../../src/lib/child-process.ts';
import { testSignal } from './git-repositories.ts';

export type ScriptRun = {
  readonly home?: string;
  readonly input?: string;
  readonly maxOutputBytes?: number;
  readonly timeoutMs?: number;
};

/** Runs a script that is meant for a sandbox without one: for tests that are about the script. */
export function runScript(
  command: SandboxGitCommand,
  { home = '/nonexistent', ...more }: ScriptRun = {},
): Promise<CommandResult> {
  const [file, ...args] = command.argv;
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, ...command.env };
  const limits = { maxOutputBytes: 65_536, timeoutMs: 20_000, signal: testSignal() };
  return runCommand({ file, args, env, cwd: '/', ...limits, ...more });
}
