import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { faultPoints } from '../src/domain/fault-points.ts';
import { runTransitions } from '../src/domain/run-state.ts';
import { taskTransitions } from '../src/domain/task-state.ts';
import { supervisorFaultPoints } from '../src/supervisor/protocol.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** `a --> b` lines of the diagram behind `<!-- states: name -->`; what begins or ends at `[*]` is no transition. */
function drawnTransitions(name: string): readonly string[] {
  const block = new RegExp(
    `<!-- states: ${name} -->\\s*\`\`\`mermaid\\nstateDiagram-v2\\n([^]*?)\`\`\``,
    'u',
  );
  const lines = block.exec(read('docs/architecture.md'))?.[1]?.split('\n') ?? [];
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.includes('[*]'));
}

function transitionsOf(table: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return Object.entries(table).flatMap(([from, targets]) => targets.map((to) => `${from} --> ${to}`));
}

for (const [name, table] of Object.entries({ task: taskTransitions, run: runTransitions })) {
  test(`the diagram of a ${name}'s states has every transition of the code once, and no other`, () => {
    assert.deepEqual(drawnTransitions(name).toSorted(), transitionsOf(table).toSorted());
  });
}

test('the page about tests names the fault points of the code, in their order', () => {
  const section = /^## Fault points$([^]*?)^`SLIPWAY_FAULT/mu.exec(read('docs/testing.md'))?.[1] ?? '';
  const named = [...section.matchAll(/`([a-z_]+\.[a-z]+)`/gu)].map(([, point]) => point);
  assert.deepEqual(named, [...faultPoints, ...supervisorFaultPoints]);
});

const pages = globSync('**/*.md', {
  cwd: root,
  exclude: (path) => /(?:^|\/)(?:node_modules|dist|data|\.git)$/u.test(path),
});

/** Where a page links to within the repository, without the heading. */
function linkedPaths(page: string): readonly string[] {
  const prose = read(page)
    .replaceAll(/^```[^]*?^```/gmu, '')
    .replaceAll(/`[^`\n]*`/gu, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/gu)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z][a-z+.-]*:/iu.test(target))
    .map((target) => target.split('#')[0] ?? '')
    .filter((path) => path !== '');
}

test('every relative link of every page leads to something', () => {
  const links = pages.flatMap((page) => linkedPaths(page).map((path) => ({ page, path })));
  assert.ok(links.length >= 40, `only ${links.length} links were found in ${pages.length} pages`);
  const broken = links.filter(({ page, path }) => !existsSync(resolve(root, dirname(page), path)));
  assert.deepEqual(broken, []);
});

test('the README has the two commands of a newcomer, marked for CI', () => {
  const readme = read('README.md');
  for (const [mark, command] of [
    ['demo', 'npm ci && npm run demo'],
    ['test', 'npm ci && npm test'],
  ] as const) {
    const block = new RegExp(`<!-- ci: ${mark} -->\\s*\`\`\`sh\\n([^]*?)\\n\`\`\``, 'u').exec(readme)?.[1];
    assert.equal(block, command);
  }
});

test('a decision has its three parts, its number, and at most sixty lines', () => {
  const decisions = pages.filter((page) => page.startsWith('docs/decisions/')).toSorted();
  assert.ok(decisions.length > 0);
  for (const [index, page] of decisions.entries()) {
    const text = read(page);
    const number = String(index + 1).padStart(4, '0');
    assert.match(page, new RegExp(`/${number}-[a-z0-9-]+\\.md$`, 'u'));
    assert.match(text, new RegExp(`^# ${number}: `, 'u'));
    const parts = [...text.matchAll(/^## (.*)$/gmu)].map(([, part]) => part);
    assert.deepEqual(parts, ['Context', 'Decision', 'Consequences'], page);
    assert.ok(text.split('\n').length <= 61, `${page} is too long`);
  }
});
