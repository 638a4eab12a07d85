import { accessSync, constants, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where programs of the system are looked for: never the server's own PATH, which anything may have changed. */
const programFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/run/current-system/sw/bin',
];

/** The absolute path of a program of the system, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return programFolders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The same where the program has to be there. Throws what the operator has to do. */
export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`The program ${name} is not installed: see \`slipway doctor\`.`);
  return path;
}

/** What every command finds on its PATH. */
const systemPath = '/usr/local/bin:/usr/bin:/bin';

/** The PATH of a command: the system's folders, then these. Throws TypeError for one that cannot stand there. */
export function pathWith(folders: readonly string[] = [], system = systemPath): string {
  const wrong = folders.find((folder) => folder.includes(':'));
  if (wrong !== undefined) throw new TypeError(`a folder with a colon cannot be on PATH: ${wrong}`);
  return [system, ...folders].join(':');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How the host's folders beside `/usr` come about, for `Profile.systemFolders`. */
export function readSystemFolders(): readonly {
  readonly name: string;
  readonly linksTo: string | undefined;
}[] {
  return ['bin', 'sbin', 'lib', 'lib32', 'lib64'].flatMap((name) => {
    const stat = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return [{ name, linksTo: stat.isSymbolicLink() ? readlinkSync(`/${name}`) : undefined }];
  });
}

/** Package names by family of distribution, for a command that installs a program. */
export type Packages = {
  readonly debian: string;
  readonly fedora: string;
  readonly arch: string;
  readonly alpine: string;
};

/** The command that installs a package on this host, by the text of its os-release file. */
export function installCommand(packages: Packages, osRelease: string): string {
  const families = fieldsOf(osRelease, 'ID').concat(fieldsOf(osRelease, 'ID_LIKE'));
  const is = (...names: readonly string[]): boolean => families.some((family) => names.includes(family));
  if (is('debian', 'ubuntu')) return `apt-get update && apt-get install -y ${packages.debian}`;
  if (is('fedora', 'rhel', 'centos')) return `dnf install -y ${packages.fedora}`;
  if (is('arch')) return `pacman -S --noconfirm ${packages.arch}`;
  if (is('alpine')) return `apk add ${packages.alpine}`;
  if (is('suse', 'opensuse')) return `zypper install -y ${packages.fedora}`;
  return `install the package ${packages.debian} with the package manager of this system`;
}

/** The text of /etc/os-release, or nothing. */
export function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

function fieldsOf(osRelease: string, name: string): readonly string[] {
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(osRelease)?.[1] ?? '';
  return value
    .replaceAll(/["']/g, '')
    .split(' ')
    .filter((word) => word !== '');
}
