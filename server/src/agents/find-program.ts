import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** Where the operator's program is, or what to do about it. */
export type FoundProgram =
  | {
      readonly kind: 'found';
      /** As it was named or found; may be a link. */
      readonly path: string;
      /** The file itself. */
      readonly realPath: string;
    }
  | { readonly kind: 'missing'; readonly problem: string; readonly remedy: string };

/** Behind PATH, which a service manager may have cut to nothing. */
const systemFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/opt/homebrew/bin'];

/**
 * Finds a program: the file that `setting` names, or else the first of `names` in the folders of PATH and
 * of the system. A setting without a slash is itself such a name. Looks again each time: what was installed
 * since the start is found.
 */
export function findProgram(
  setting: string | undefined,
  names: readonly string[],
  folders: readonly string[],
): FoundProgram {
  if (setting?.includes('/') === true) return atPath(resolve(setting));
  const wanted = setting === undefined ? names : [setting];
  const places = [...folders.filter((folder) => isAbsolute(folder)), ...systemFolders];
  for (const path of wanted.flatMap((name) => places.map((folder) => join(folder, name)))) {
    const found = atPath(path);
    if (found.kind === 'found') return found;
  }
  return {
    kind: 'missing',
    problem: `${wanted.join(', ')} was not found on PATH`,
    remedy: 'install it, or set the path of its program',
  };
}

function atPath(path: string): FoundProgram {
  const missing = (problem: string): FoundProgram => ({
    kind: 'missing',
    problem: `${path} ${problem}`,
    remedy: 'correct the path, or unset it to have the program looked for on PATH',
  });
  try {
    const realPath = realpathSync(path);
    if (!statSync(realPath).isFile()) return missing('is no file');
    accessSync(realPath, constants.X_OK);
    return { kind: 'found', path, realPath: nativeBehind(realPath) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return missing('does not exist');
    if (code === 'EACCES') return missing("cannot be run by the server's user");
    return missing(`cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * npm puts a launcher in Node in front of Codex's native program. Of a launcher that is killed the program
 * lives on, so the program itself is run. The package of the platform lies beside the launcher's, or in its
 * own `node_modules`, and has one folder of a target triple.
 */
function nativeBehind(realPath: string): string {
  const launcher = `${sep}@openai${sep}codex${sep}bin${sep}codex.js`;
  if (!realPath.endsWith(launcher)) return realPath;
  const scope = resolve(realPath, '../../..');
  const name = `codex-${process.platform}-${process.arch}`;
  const vendors = [join(scope, name, 'vendor'), join(scope, 'codex/node_modules/@openai', name, 'vendor')];
  for (const vendor of vendors.filter((folder) => existsSync(folder))) {
    for (const triple of readdirSync(vendor)) {
      const native = join(vendor, triple, 'bin/codex');
      if (existsSync(native)) return native;
    }
  }
  return realPath;
}
