import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root } from './repository.ts';

const fence = /^(?:```|~~~)[^]*?^(?:```|~~~)/gmu;
const link = /\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(\S+)/gmu;

/**
 * Looks through every page of the repository for links to files that do not exist, or to headings that a
 * page does not have. Returns one line a problem, and how many links it looked at.
 */
export function checkLinks(): { readonly problems: readonly string[]; readonly seen: number } {
  const problems: string[] = [];
  let seen = 0;
  const exclude = (path: string): boolean => /(?:^|\/)(?:node_modules|dist|data|\.git)$/u.test(path);
  for (const page of globSync('**/*.md', { cwd: root, exclude })) {
    for (const target of targetsOf(readFileSync(join(root, page), 'utf8'))) {
      seen += 1;
      const problem = problemOf(join(root, page), target);
      if (problem !== undefined) problems.push(`${page}: ${target} ${problem}`);
    }
  }
  return { problems, seen };
}

/** What a page links to within the repository. */
function targetsOf(text: string): readonly string[] {
  const prose = text.replaceAll(fence, '').replaceAll(/`[^`\n]*`(?!\])/gu, '');
  return [...prose.matchAll(link)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((target) => target !== '' && !/^[a-z][a-z+.-]*:|^\/\//iu.test(target));
}

function problemOf(page: string, target: string): string | undefined {
  const [path = '', heading] = target.split('#');
  const file = path === '' ? page : resolve(dirname(page), decodeURIComponent(path));
  if (!existsSync(file)) return 'does not exist';
  if (heading === undefined || !file.endsWith('.md')) return undefined;
  return headingsOf(readFileSync(file, 'utf8')).has(heading)
    ? undefined
    : 'names a heading that is not there';
}

/** The anchors that a forge gives to the headings of a page. */
function headingsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(fence, '').matchAll(/^#{1,6}\s+(.*?)\s*#*$/gmu)) {
    const words = heading.toLowerCase().replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1');
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/gu, '-');
    for (let copy = 0; ; copy += 1) {
      const name = copy === 0 ? anchor : `${anchor}-${copy}`;
      if (anchors.has(name)) continue;
      anchors.add(name);
      break;
    }
  }
  return anchors;
}
