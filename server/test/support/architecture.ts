import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { posix } from 'node:path';

/** A source file, by its path from the repository's root. */
export type SourceFile = { readonly path: string; readonly text: string };

/** What one room may import beside itself. */
export type Room = {
  /** Said where the row is broken. */
  readonly why: string;
  /** Rooms; `*` is every one. */
  readonly imports: readonly string[];
  /** Rooms of which only types may be imported. */
  readonly types?: readonly string[];
  /** npm packages; `*` is every one. */
  readonly packages?: readonly string[];
  /** Whether Node's own modules may be imported. */
  readonly node: boolean;
  /** What is imported has to reach no module of Node either, by whatever way. */
  readonly pure?: boolean;
};

export type Table = Readonly<Record<string, Room>>;

const root = join(import.meta.dirname, '../../..');
const maxLines = 400;
const roots = ['server/src/', 'client/src/'];
const ports = new Set(['agents', 'executors', 'forges']);
const mayExit = new Set(['server/src/main.ts', 'server/src/supervisor/main.ts']);
const environmentReader = 'server/src/config.ts';
const packageDoor = 'client/src/index.ts';

/** Every TypeScript file of the server and the client. */
export function readTree(): readonly SourceFile[] {
  return roots.flatMap((folder) =>
    globSync(`${folder}**/*.ts`, { cwd: root }).map((path) => ({
      path,
      text: readFileSync(join(root, path), 'utf8'),
    })),
  );
}

/**
 * The room of a file: its first folder. A port's own files are the port's room, an adapter's are
 * `port/adapter`; what composes is one room, and so is the configuration.
 */
export function roomOf(path: string): string {
  if (path.startsWith('client/')) return 'client';
  const [first = '', second = '', third] = path.slice('server/src/'.length).split('/');
  if (second === '') return first.replace(/\.ts$/u, '').replace(/^(compose|config)-.*$/u, '$1');
  return ports.has(first) && third !== undefined ? `${first}/${second}` : first;
}

/** Tests see every room, and what they import is nobody's arrow. */
function isTest(path: string): boolean {
  return /\.(?:test|contract)\.ts$/u.test(path);
}

/** Everything that the files do against the rules of the house, one line each, in the house's words. */
export function violationsOf(files: readonly SourceFile[], table: Table): readonly string[] {
  const parsed = new Map(files.map((file) => [file.path, parse(file)]));
  return [...parsed.values()].flatMap((file) => [
    ...shapeOf(file),
    ...(isTest(file.path) ? [] : [...arrowsOf(file, table, parsed), ...privilegesOf(file)]),
  ]);
}

type Import = { readonly target: string; readonly isType: boolean; readonly line: number };
type Parsed = SourceFile & { readonly code: string; readonly imports: readonly Import[] };

function parse(file: SourceFile): Parsed {
  const code = withoutComments(file.text);
  return { ...file, code, imports: importsOf(file.path, code) };
}

/** Comments become blanks, so that lines keep their numbers. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replaceAll(/[^\n]/gu, ' ');
  return text.replaceAll(/\/\*[^]*?\*\//gu, blank).replaceAll(/(?<=^|\s)\/\/.*$/gmu, blank);
}

const fromClause = /^[ \t]*(?:import|export)\b([^'";]*?)\bfrom\s*'([^']+)'/gmu;
const bareClause = /^[ \t]*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gmu;

function importsOf(path: string, code: string): readonly Import[] {
  const lineAt = (index: number): number => code.slice(0, index).split('\n').length;
  const resolved = (specifier: string): string =>
    specifier.startsWith('.') ? posix.join(dirname(path), specifier) : specifier;
  return [
    ...[...code.matchAll(fromClause)].map((match) => ({
      target: resolved(match[2] ?? ''),
      isType: isTypeClause(match[1] ?? ''),
      line: lineAt(match.index + match[0].lastIndexOf("'")),
    })),
    ...[...code.matchAll(bareClause)].map((match) => ({
      target: resolved(match[1] ?? match[2] ?? ''),
      isType: false,
      line: lineAt(match.index),
    })),
  ];
}

/** `import type { … }`, or braces in which every name is a type. */
function isTypeClause(clause: string): boolean {
  if (/^\s*type\s+[{*\w]/u.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/u.exec(clause)?.[1]?.split(',') ?? [''];
  return (
    names.filter((name) => name.trim() !== '').every((name) => /^\s*type\s/u.test(name)) &&
    names.length > 0 &&
    names[0] !== ''
  );
}

function arrowsOf(file: Parsed, table: Table, parsed: ReadonlyMap<string, Parsed>): readonly string[] {
  const name = roomOf(file.path);
  const room = table[name] ?? (name.includes('/') ? table[`${name.split('/')[0]}/*`] : undefined);
  if (room === undefined)
    return [`${file.path}: ${name}/ is no room of the house; give it a row in the table`];
  return file.imports.flatMap((one) => {
    const wrong = wrongArrow({ file, name, room, parsed }, one);
    return wrong === undefined ? [] : [`${file.path}:${one.line} ${wrong}: ${room.why}`];
  });
}

type Standing = {
  readonly file: Parsed;
  readonly name: string;
  readonly room: Room;
  readonly parsed: ReadonlyMap<string, Parsed>;
};

function wrongArrow({ file, name, room, parsed }: Standing, { target, isType }: Import): string | undefined {
  if (target.startsWith('node:')) return room.node ? undefined : `imports ${target}`;
  if (!target.includes('/src/')) return wrongPackage(room, target);
  const other = roomOf(target);
  if (name === 'client' || other === 'client')
    return name === other ? undefined : `imports ${other}/ by its path`;
  if (other === name) return wrongSurface(file.path, target);
  const isAllowed =
    room.imports.includes('*') || room.imports.includes(other) || isOwnPort(room, name, other);
  if (!isAllowed && !(room.types?.includes(other) === true)) return `imports ${other}/`;
  if (!isAllowed && !isType) return `imports more than types of ${other}/`;
  if (room.pure === true && !isType && reachesNode(target, parsed))
    return `imports ${target}, which needs Node`;
  return undefined;
}

/** `agents/*` may import `agents`, and no other port. */
function isOwnPort(room: Room, name: string, other: string): boolean {
  return room.imports.includes('its port') && name.startsWith(`${other}/`);
}

function wrongPackage(room: Room, target: string): string | undefined {
  if (target === 'server/package.json') return undefined;
  const [first = '', second = ''] = target.split('/');
  const name = first.startsWith('@') ? `${first}/${second}` : first;
  const packages = room.packages ?? [];
  return packages.includes('*') || packages.includes(name) ? undefined : `imports the package ${name}`;
}

/** Surfaces share the room and never see each other. */
function wrongSurface(path: string, target: string): string | undefined {
  const surface = /\/http\/surfaces\/([^/]+)\//u;
  const [mine, other] = [surface.exec(path)?.[1], surface.exec(target)?.[1]];
  return mine !== undefined && other !== undefined && mine !== other
    ? `imports its sibling surfaces/${other}/`
    : undefined;
}

function reachesNode(path: string, parsed: ReadonlyMap<string, Parsed>, seen = new Set<string>()): boolean {
  if (seen.has(path)) return false;
  seen.add(path);
  const imports = (parsed.get(path)?.imports ?? []).filter((one) => !one.isType);
  return imports.some(({ target }) => target.startsWith('node:') || reachesNode(target, parsed, seen));
}

const readsEnvironment = [
  /\bprocess\s*(?:\.\s*env\b|\[\s*['"]env)/u,
  /\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/u,
  /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(?:node:)?process'/u,
];

/** What only one place may do. */
function privilegesOf({ path, code }: Parsed): readonly string[] {
  const found: string[] = [];
  if (path !== environmentReader && readsEnvironment.some((pattern) => pattern.test(code))) {
    found.push(`${path} reads process.env: only config.ts does`);
  }
  if (!mayExit.has(path) && /\bprocess\s*\.\s*exit\s*\(/u.test(code)) {
    found.push(`${path} calls process.exit: only a program's main does`);
  }
  return found;
}

/** How a file looks, whatever it does. */
function shapeOf({ path, text, code }: Parsed): readonly string[] {
  const found: string[] = [];
  if (/^export default\b|\bas default\b/mu.test(code))
    found.push(`${path} has a default export: names are what is searched for`);
  if (path !== packageDoor && isBarrel(path, code))
    found.push(`${path} is a barrel: import from the file itself`);
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines > maxLines && !isGenerated(text))
    found.push(`${path} has ${lines} lines: a file has one idea and at most ${maxLines}`);
  const folders = path.split('/').length - 3;
  const deepest = path.startsWith('server/src/http/surfaces/') ? 3 : 2;
  if (folders > deepest) found.push(`${path} lies ${folders} folders deep: at most ${deepest}`);
  return found;
}

/** Nobody reads such a file from its top to its end. */
function isGenerated(text: string): boolean {
  return /^\/\/ Generated from .* by `npm run gen`/mu.test(text.slice(0, 200));
}

/** An `index.ts`, or a file that does nothing but pass on what others export. */
function isBarrel(path: string, code: string): boolean {
  if (path.endsWith('/index.ts')) return true;
  const rest = code.replaceAll(/^\s*export\b[^'";]*\bfrom\s*'[^']+';?/gmu, '').trim();
  return rest === '' && code.trim() !== '';
}
