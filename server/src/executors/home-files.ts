import { posix } from 'node:path';

import { shellWord } from './shell-word.ts';

/**
 * The text of a shell script that writes files below `$HOME`, 0600 in folders of 0700, each in the place of
 * whatever was there; null removes it. It runs as the sandbox's user, inside: an agent may have left links in its home, and
 * there they lead to nothing that it could not write itself. They are replaced all the same, never followed:
 * of the path's folders too.
 *
 * Throws TypeError for a path that is not below the home, and for content that no shell can carry (a NUL).
 */
export function homeFilesScript(files: Readonly<Record<string, string | null>>): string {
  const lines = ['umask 077', 'cd "$HOME" || exit 1'];
  for (const [path, content] of Object.entries(files)) {
    refuseOutside(path);
    if (content === null) {
      lines.push(removal(shellWord(`./${path}`)));
      continue;
    }
    if (content.includes('\0')) throw new TypeError(`a NUL in the file ${path} of the home`);
    const names = path.split('/');
    for (const depth of names.keys()) {
      if (depth === 0) continue;
      const folder = shellWord(`./${names.slice(0, depth).join('/')}`);
      lines.push(
        `{ [ -d ${folder} ] && [ ! -h ${folder} ]; } || { rm -rf ${folder} && mkdir ${folder}; } || exit 1`,
      );
    }
    const file = shellWord(`./${path}`);
    lines.push(removal(file));
    // A builtin: the length of an argument is no limit, and nobody sees it.
    lines.push(`printf %s ${shellWord(content)} >${file} || exit 1`);
  }
  return `${lines.join('\n')}\n`;
}

/** Starts a program only where there is something. */
function removal(file: string): string {
  return `{ [ ! -e ${file} ] && [ ! -h ${file} ]; } || rm -rf ${file} || exit 1`;
}

/** The line of shell that runs such a script, which comes through a descriptor; it ends the shell where that fails. */
export function writeHomeFiles(descriptor: number): string {
  return (
    `( eval "$(cat <&${descriptor})" ) || ` +
    "{ echo 'The files of the home could not be written.' >&2; exit 126; }; " +
    `exec ${descriptor}<&-`
  );
}

function refuseOutside(path: string): void {
  const isBelow =
    path !== '' && !path.includes('\0') && !posix.isAbsolute(path) && posix.normalize(path) === path;
  if (!isBelow || path.split('/').includes('..') || path === '.' || path.endsWith('/'))
    throw new TypeError(`not a path below the home: ${path}`);
}
