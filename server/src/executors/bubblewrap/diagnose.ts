import { readFileSync } from 'node:fs';

import type { Finding } from '../executor.ts';
import { installCommand, type Packages } from '../system-programs.ts';

/** What is known of a host on which a sandbox did not come up. */
export type HostFacts = {
  readonly osRelease: string;
  /** Kernel settings by name; undefined where this kernel does not have one. */
  readonly settings: Readonly<Record<(typeof settingNames)[number], string | undefined>>;
  readonly inContainer: boolean;
  /** Which of our folders it was about, where it was about one. */
  readonly folder: string;
  /** The user that bubblewrap ran as; undefined: the server's own. */
  readonly uid: number | undefined;
};

const settingNames = [
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
  'user.max_user_namespaces',
] as const;

const bubblewrapPackages: Packages = {
  debian: 'bubblewrap',
  fedora: 'bubblewrap',
  arch: 'bubblewrap',
  alpine: 'bubblewrap',
};
const setprivPackages: Packages = {
  debian: 'util-linux',
  fedora: 'util-linux',
  arch: 'util-linux',
  alpine: 'setpriv',
};
const gitPackages: Packages = { debian: 'git', fedora: 'git', arch: 'git', alpine: 'git' };

/** The programs that an executor needs and this host does not have. */
export function missingPrograms(
  missing: readonly ('bwrap' | 'setpriv')[],
  osRelease: string,
): readonly Finding[] {
  return missing.map((name) =>
    name === 'bwrap'
      ? {
          problem: 'bubblewrap is not installed: no sandbox can be made.',
          remedy: installCommand(bubblewrapPackages, osRelease),
        }
      : {
          problem: 'setpriv is not installed: as root, a sandbox cannot be given a user of its own.',
          remedy: installCommand(setprivPackages, osRelease),
        },
  );
}

/** A program that the sandbox needs and does not find inside. */
export function missingInside(name: string, osRelease: string): Finding {
  return {
    problem: `${name} is not found inside the sandbox, which sees /usr/local/bin, /usr/bin and /bin.`,
    remedy: name === 'git' ? installCommand(gitPackages, osRelease) : `install ${name} below /usr`,
  };
}

/** Why the sandbox did not come up, by what it wrote to stderr, and what mends it. */
export function diagnose(stderr: string, facts: HostFacts): Finding {
  const said = stderr.trim() === '' ? 'it said nothing' : stderr.trim();
  const lines: readonly (readonly [pattern: RegExp, finding: () => Finding])[] = [
    [/Can't find source path|Can't chdir|Permission denied.*mount point/, () => unreachable(said, facts)],
    [/Can't mount proc/, () => maskedProc(said, facts)],
    [/Unknown option (\S+)/, () => tooOld(said, facts)],
    [
      /namespace|uid map|gid map|RTM_NEWADDR|max_user_namespaces|capabilities|clone failed|pivot_root|make \/ slave/i,
      () => deniedNamespaces(said, facts),
    ],
  ];
  const found = lines.find(([pattern]) => pattern.test(stderr));
  if (found !== undefined) return found[1]();
  return {
    problem: `A trial run of the sandbox failed: ${said}`,
    remedy: 'mend what the message names, then run `slipway doctor` again',
  };
}

/** Reads what `diagnose` wants to know of this host. */
export function readHostFacts(): Pick<HostFacts, 'settings' | 'inContainer'> {
  const setting = (name: string): string | undefined =>
    readText(`/proc/sys/${name.replaceAll('.', '/')}`)?.trim();
  return {
    settings: {
      'kernel.unprivileged_userns_clone': setting('kernel.unprivileged_userns_clone'),
      'kernel.apparmor_restrict_unprivileged_userns': setting('kernel.apparmor_restrict_unprivileged_userns'),
      'user.max_user_namespaces': setting('user.max_user_namespaces'),
    },
    inContainer: readText('/.dockerenv') !== undefined || readText('/run/.containerenv') !== undefined,
  };
}

function deniedNamespaces(said: string, { settings, inContainer }: HostFacts): Finding {
  const problem = `This host does not let a sandbox have namespaces of its own: ${said}`;
  const set = (name: string, value: string): Finding => ({
    problem,
    remedy: `sysctl -w ${name}=${value} (as root; to keep it: echo '${name} = ${value}' > /etc/sysctl.d/60-slipway.conf)`,
  });
  if (settings['user.max_user_namespaces'] === '0') return set('user.max_user_namespaces', '15000');
  if (settings['kernel.unprivileged_userns_clone'] === '0')
    return set('kernel.unprivileged_userns_clone', '1');
  if (settings['kernel.apparmor_restrict_unprivileged_userns'] === '1') {
    return set('kernel.apparmor_restrict_unprivileged_userns', '0');
  }
  return {
    problem,
    remedy: inContainer
      ? "Docker's default seccomp profile denies user namespaces: start the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
      : 'allow unprivileged user namespaces: look for a security module or a seccomp profile that the server runs under',
  };
}

function maskedProc(said: string, { inContainer }: HostFacts): Finding {
  return {
    problem: `A sandbox cannot have a /proc of its own: ${said}`,
    remedy: inContainer
      ? 'the container hides parts of /proc: start it with --security-opt systempaths=unconfined (Docker) or --security-opt unmask=ALL (Podman)'
      : 'unmount what lies over parts of /proc, or run the server outside of the sandbox that it is in',
  };
}

function unreachable(said: string, { uid, folder }: HostFacts): Finding {
  return {
    problem: `The sandbox's user${uid === undefined ? '' : ` (${uid})`} cannot reach ${folder}: ${said}`,
    remedy: `put the data folder where other users can pass through (SLIPWAY_DATA_DIR=/var/lib/slipway), and the workspaces' (SLIPWAY_WORKSPACE_DIR), or chmod o+x the folders above ${folder}`,
  };
}

function tooOld(said: string, { osRelease }: HostFacts): Finding {
  return {
    problem: `bubblewrap is too old, 0.8.0 is needed: ${said}`,
    remedy: installCommand(bubblewrapPackages, osRelease),
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
