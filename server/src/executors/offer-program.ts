import { open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';

import type { Place } from './executor.ts';
import { copyFolder, copyProgram } from './program-copies.ts';

/** What a command needs to run a program of the host, beside its arguments. */
export type OfferedProgram = {
  /** The program's path as the command sees it. */
  readonly program: string;
  /** For `SandboxCommand.readOnly`. */
  readonly readOnly: readonly string[];
  /** For `SandboxCommand.pathFolders`. */
  readonly pathFolders: readonly string[];
};

export type ProgramFolders = {
  /** A folder of ours that sandboxes' users can pass through: copies lie in it. */
  readonly stateFolder: string;
  /** Never shown, nor a folder that holds it. */
  readonly dataFolder: string;
  /** Where workspaces lie, the same; undefined: in the data folder. */
  readonly workspaceFolder?: string;
};

/** The folders of the host that every sandbox has. */
const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'];
/** Folders whose entries belong to different people or purposes: none of them is "beside" a program. */
const sharedParents = ['/', '/home', '/Users', '/var', '/private', '/mnt', '/media'];

/** What a copy may hold: a package of a program with its parts; and what lies beside a script of no package. */
const packageBounds = { bytes: 2 * 1024 ** 3, entries: 50_000 };
const siblingBounds = { bytes: 16 * 1024 ** 2, entries: 500 };

/**
 * What a sandbox in this place needs to run a program, which `findProgram` found, with what it needs beside
 * it. A native program is shown with its folder, one of an npm package with the package; a script with its
 * package's folder, or all of `node_modules` where it was installed into one, and with our own Node, which
 * its first line or the script may ask for. A folder that holds more than a program (a home, /tmp, the data
 * folder) is never shown: then it is the one file.
 *
 * Where the place's user cannot reach the program, it is copied once below the state folder and offered
 * from there. Throws the file system's error, and an error for people where a copy would be too large.
 */
export async function offerProgram(
  found: { readonly path: string; readonly realPath: string },
  place: Place,
  folders: ProgramFolders,
): Promise<OfferedProgram> {
  const { realPath } = found;
  const interpreter = await interpreterOf(realPath);
  if (place.tree === place.treeInside) {
    // Nothing is hidden, and a program may go by the name that it was called by.
    const needsNode = interpreter !== undefined && !isInSystem(process.execPath);
    return { program: found.path, readOnly: [], pathFolders: needsNode ? [dirname(process.execPath)] : [] };
  }
  const isScript = interpreter !== undefined;
  const shown = await showProgram(realPath, isScript, place, folders);
  if (!isScript) return { ...shown, pathFolders: [] };
  const node = await showFile(process.execPath, place, folders);
  const named = isInSystem(interpreter) || !(await isReachable(interpreter, place)) ? [] : [interpreter];
  return {
    program: shown.program,
    readOnly: [...shown.readOnly, ...node.readOnly, ...named],
    pathFolders: isInSystem(node.program) ? [] : [dirname(node.program)],
  };
}

type Shown = Pick<OfferedProgram, 'program' | 'readOnly'>;

async function showProgram(
  path: string,
  isScript: boolean,
  place: Place,
  folders: ProgramFolders,
): Promise<Shown> {
  if (isInSystem(path)) return { program: path, readOnly: [] };
  const broad = (folder: string): boolean => isBroad(folder, folders);
  const ofPackage = await packageFolder(path, broad);
  const isInstalled = path.includes(`${sep}node_modules${sep}`);
  if (await isReachable(path, place)) {
    const installed =
      isScript && isInstalled ? path.slice(0, path.indexOf(`${sep}node_modules${sep}`)) : undefined;
    const candidates = [
      installed === undefined ? undefined : join(installed, 'node_modules'),
      isScript || isInstalled ? ofPackage : undefined,
      dirname(path),
    ];
    const folder = candidates.find((candidate) => candidate !== undefined && !broad(candidate));
    return { program: path, readOnly: [folder ?? path] };
  }
  if (ofPackage !== undefined && (isScript || isInstalled)) {
    return copied(await copyFolder(ofPackage, path, { ...folders, bounds: packageBounds }), ofPackage, path);
  }
  const beside = isScript && !broad(dirname(path)) ? dirname(path) : undefined;
  const copy =
    beside === undefined ? undefined : await copyFolder(beside, path, { ...folders, bounds: siblingBounds });
  return copy === undefined || beside === undefined ? showCopy(path, folders) : copied(copy, beside, path);
}

function copied(copy: string | undefined, folder: string, path: string): Shown {
  if (copy === undefined) {
    throw new Error(
      `${folder} is too large to be copied, and a sandbox's user cannot reach it; put the program where other users can pass through`,
    );
  }
  return { program: join(copy, path.slice(folder.length)), readOnly: [copy] };
}

/** One file by itself. */
async function showFile(path: string, place: Place, folders: ProgramFolders): Promise<Shown> {
  if (isInSystem(path)) return { program: path, readOnly: [] };
  return (await isReachable(path, place)) ? { program: path, readOnly: [path] } : showCopy(path, folders);
}

async function showCopy(path: string, folders: ProgramFolders): Promise<Shown> {
  const copy = await copyProgram(path, folders.stateFolder);
  return { program: join(copy, basename(path)), readOnly: [copy] };
}

/** The nearest folder above with a package.json, below all that is broad. */
async function packageFolder(path: string, broad: (folder: string) => boolean): Promise<string | undefined> {
  for (let folder = dirname(path); !broad(folder); folder = dirname(folder)) {
    const found = await stat(join(folder, 'package.json')).catch(() => undefined);
    if (found?.isFile() === true) return folder;
  }
  return undefined;
}

function isInSystem(path: string): boolean {
  return systemFolders.some((folder) => path.startsWith(`${folder}/`));
}

function isBroad(folder: string, { dataFolder, workspaceFolder = dataFolder }: ProgramFolders): boolean {
  const within = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`);
  return (
    sharedParents.includes(dirname(folder)) ||
    within(homedir(), folder) ||
    [dataFolder, workspaceFolder].some((ours) => within(ours, folder) || within(folder, ours))
  );
}

/** Whether the place's user may read and run the file: every folder on the way lets others through. */
async function isReachable(path: string, { uid }: Place): Promise<boolean> {
  if (uid === undefined) return true;
  const file = await stat(path).catch(() => undefined);
  if (file === undefined || (file.mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** The program that runs a script, by its first line; undefined: it is no script. One without such a line is a shell's. */
async function interpreterOf(path: string): Promise<string | undefined> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
  const head = buffer.subarray(0, bytesRead);
  const named = /^#![ \t]*(\S+)/u.exec(head.toString('latin1'))?.[1];
  if (named !== undefined) return named;
  return head.includes(0) ? undefined : '/bin/sh';
}
