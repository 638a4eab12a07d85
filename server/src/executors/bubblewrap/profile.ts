/** What a sandbox's arguments depend on. Paths are the host's unless they say `Inside`. */
export type Profile = {
  readonly tree: string;
  readonly treeInside: string;
  readonly home: string;
  readonly homeInside: string;
  /** Files and folders to be seen read-only at their own paths. */
  readonly readOnly: readonly string[];
  /** The unix socket that leads outside, where the command has one. */
  readonly wayOut: string | undefined;
  /** The root folder's system entries as this host has them, `/usr` itself aside. */
  readonly systemFolders: readonly SystemFolder[];
  /** Our own versions of files in /etc, by their name there. */
  readonly etc: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly temporaryBytes: number;
  readonly statusDescriptor: number;
  readonly seccompDescriptor: number | undefined;
};

/** `/bin` and its like: links into `/usr` on most systems, folders on a few. */
export type SystemFolder = { readonly name: string; readonly linksTo: string | undefined };

/** One line of the profile, named by what it keeps up: each has a test that fails without it. */
export type ProfileLine = { readonly name: ProfileLineName; readonly args: readonly string[] };

export type ProfileLineName =
  | 'user namespace'
  | 'process namespace'
  | 'network namespace'
  | 'ipc namespace'
  | 'host name'
  | 'cgroup namespace'
  | 'no nested namespaces'
  | 'dies with its owner'
  | 'own session'
  | 'empty environment'
  | 'environment'
  | 'system'
  | 'etc'
  | 'own processes'
  | 'devices'
  | 'shared memory size'
  | 'temporary files'
  | 'run folder'
  | 'way out'
  | 'tree'
  | 'home'
  | 'read only'
  | 'devices read only'
  | 'root read only'
  | 'system call filter'
  | 'status';

/** What a program may need of the host's /etc, none of it secret. Everything else there does not exist inside. */
const sharedEtc = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'ssl',
  'pki',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'alternatives',
  'localtime',
  'timezone',
  'services',
  'protocols',
  'mime.types',
  'java',
];

/** Where a command's way out lies inside. */
export const wayOutInside = '/run/slipway/way-out.sock';

/** Room for sockets and pid files. */
const runBytes = 16 * 1024 * 1024;

/**
 * The arguments of bubblewrap for one sandbox, in order. An allow-list: what no line names does not exist
 * inside. Pure, so that a test can leave a line out and show what comes through then.
 */
export function profileLines(profile: Profile): readonly ProfileLine[] {
  return [...namespaceLines(), ...environmentLines(profile), ...mountLines(profile), ...endLines(profile)];
}

/** The lines as one list of arguments. */
export function profileArguments(lines: readonly ProfileLine[]): readonly string[] {
  return lines.flatMap(({ args }) => args);
}

function namespaceLines(): readonly ProfileLine[] {
  return [
    { name: 'user namespace', args: ['--unshare-user', '--uid', '1000', '--gid', '1000'] },
    { name: 'process namespace', args: ['--unshare-pid'] },
    { name: 'network namespace', args: ['--unshare-net'] },
    { name: 'ipc namespace', args: ['--unshare-ipc'] },
    { name: 'host name', args: ['--unshare-uts', '--hostname', 'sandbox'] },
    { name: 'cgroup namespace', args: ['--unshare-cgroup-try'] },
    { name: 'no nested namespaces', args: ['--disable-userns'] },
    { name: 'dies with its owner', args: ['--die-with-parent'] },
    { name: 'own session', args: ['--new-session'] },
  ];
}

function environmentLines({ env }: Profile): readonly ProfileLine[] {
  const settings = Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]);
  return [
    { name: 'empty environment', args: ['--clearenv'] },
    { name: 'environment', args: settings },
  ];
}

function mountLines(profile: Profile): readonly ProfileLine[] {
  const system = profile.systemFolders.flatMap(({ name, linksTo }) =>
    linksTo === undefined ? ['--ro-bind', `/${name}`, `/${name}`] : ['--symlink', linksTo, `/${name}`],
  );
  const ours = Object.entries(profile.etc).flatMap(([name, path]) => ['--ro-bind', path, `/etc/${name}`]);
  const shared = sharedEtc.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]);
  const temporary = (bytes: number, mode: string, path: string): readonly string[] => [
    '--perms',
    mode,
    '--size',
    String(bytes),
    '--tmpfs',
    path,
  ];
  return [
    { name: 'system', args: ['--ro-bind', '/usr', '/usr', ...system] },
    { name: 'etc', args: ['--dir', '/etc', ...shared, ...ours] },
    { name: 'own processes', args: ['--proc', '/proc'] },
    { name: 'devices', args: ['--dev', '/dev'] },
    { name: 'shared memory size', args: temporary(profile.temporaryBytes, '1777', '/dev/shm') },
    { name: 'temporary files', args: temporary(profile.temporaryBytes, '1777', '/tmp') },
    { name: 'run folder', args: temporary(runBytes, '0755', '/run') },
    ...(profile.wayOut === undefined
      ? []
      : [{ name: 'way out', args: ['--ro-bind', profile.wayOut, wayOutInside] } as const]),
    { name: 'tree', args: ['--bind', profile.tree, profile.treeInside, '--chdir', profile.treeInside] },
    { name: 'home', args: ['--bind', profile.home, profile.homeInside] },
    { name: 'read only', args: profile.readOnly.flatMap((path) => ['--ro-bind', path, path]) },
  ];
}

function endLines({ seccompDescriptor, statusDescriptor }: Profile): readonly ProfileLine[] {
  return [
    // Both are tmpfs without a size, made by bubblewrap: writable, they would be a way to the host's memory.
    { name: 'devices read only', args: ['--remount-ro', '/dev'] },
    { name: 'root read only', args: ['--remount-ro', '/'] },
    ...(seccompDescriptor === undefined
      ? []
      : [{ name: 'system call filter', args: ['--seccomp', String(seccompDescriptor)] } as const]),
    { name: 'status', args: ['--json-status-fd', String(statusDescriptor)] },
  ];
}
