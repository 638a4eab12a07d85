import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Config } from '../config.ts';
import type { Finding } from '../executors/executor.ts';
import { findProgram, installCommand, readOsRelease } from '../executors/system-programs.ts';
import type { Check } from './host-check.ts';

const packages = {
  debian: 'openssh-client',
  fedora: 'openssh-clients',
  arch: 'openssh',
  alpine: 'openssh-client-default',
};

/** A check where repositories over ssh are allowed: git needs the program ssh, and the hosts' keys a file. */
export function sshChecks({ ssh }: Pick<Config, 'ssh'>): readonly Check[] {
  const { knownHostsFile } = ssh;
  if (knownHostsFile === undefined) return [];
  return [
    {
      name: 'ssh',
      run: async () => {
        const program = findProgram('ssh');
        const { hosts, finding } = readPinned(knownHostsFile);
        return {
          detail: `${program ?? ''}, keys of hosts in ${knownHostsFile}: ${hosts}`,
          findings: [
            ...(program === undefined ? [noProgram()] : []),
            ...(finding === undefined ? [] : [finding]),
            ...(hasAccount() ? [] : [noAccount]),
          ],
        };
      },
    },
  ];
}

function noProgram(): Finding {
  return {
    problem: 'ssh was not found: repositories over ssh cannot be reached',
    remedy: installCommand(packages, readOsRelease()),
  };
}

/** How many lines name a host's key. */
function readPinned(path: string): { readonly hosts: number; readonly finding?: Finding } {
  const remedy = `ssh-keyscan HOST >>${path}, and compare with what the host publishes`;
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    const hosts = lines.filter((line) => /^[^#\s]+\s+\S+\s+\S/u.test(line)).length;
    const problem = 'the file of SLIPWAY_SSH_KNOWN_HOSTS names no host';
    return hosts > 0 ? { hosts } : { hosts, finding: { problem, remedy } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      hosts: 0,
      finding: { problem: `the file of SLIPWAY_SSH_KNOWN_HOSTS cannot be read: ${reason}`, remedy },
    };
  }
}

const noAccount: Finding = {
  problem: 'this user has no entry in /etc/passwd, and ssh refuses to run without one',
  remedy: 'run the server as a user that has an account',
};

function hasAccount(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}
