import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScrapedMetric } from './prometheus-text.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
};
type Dashboard = {
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
};

/** The page for operators has every metric of our own as the server says it: name, type and words, and no other. */
export function assertDocumented(metrics: ReadonlyMap<string, ScrapedMetric>): void {
  const section = /<!-- metrics -->\n\n([^]*?)\n\n/u.exec(read('docs/operating.md'))?.[1] ?? '';
  const rows = section
    .split('\n')
    .slice(2)
    .map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\| |\|$/gu, '').trim()));
  const documented = rows.map(
    ([name = '', type, , words]) => `${name.replaceAll('`', '')} ${type}: ${words}`,
  );
  const exposed = [...metrics.values()]
    .filter(({ name }) => /^(?:slipway|codeforge)_/u.test(name))
    .map(({ name, type, help }) => `${name} ${type}: ${help}`);
  assert.deepEqual(documented.toSorted(), exposed.toSorted());
}

/** The dashboard can be imported and asks for nothing that the server does not have. */
export function assertDashboard(metrics: ReadonlyMap<string, ScrapedMetric>): void {
  const dashboard = JSON.parse(read('deploy/grafana/slipway.json')) as Dashboard;
  const variables = dashboard.templating.list.map(({ name }) => name);
  assert.equal(dashboard.templating.list[0]?.type, 'datasource');
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'two panels have one id');
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  assert.ok(panels.length >= 20);
  for (const { id, datasource, targets = [] } of panels) {
    assert.ok(targets.length > 0, `panel ${id} asks for nothing`);
    for (const { expr, datasource: own } of targets) {
      assert.deepEqual([datasource?.uid, own.uid], ['${datasource}', '${datasource}']);
      const names = [...expr.matchAll(/\b(?:slipway|codeforge|process|nodejs)_\w+/gu)].map(([name]) => name);
      assert.ok(names.length > 0, expr);
      for (const name of names) assert.ok(isExposed(metrics, name), `no server has ${name}`);
      for (const [, name = ''] of expr.matchAll(/\$(\w+)/gu))
        assert.ok(name === '__rate_interval' || variables.includes(name), `${name} is no variable`);
    }
  }
  assertApart(dashboard.panels);
}

function isExposed(metrics: ReadonlyMap<string, ScrapedMetric>, name: string): boolean {
  const histogram = metrics.get(name.replace(/_(?:bucket|sum|count)$/u, ''));
  return metrics.has(name) || histogram?.type === 'histogram';
}

function assertApart(panels: readonly Panel[]): void {
  for (const one of panels) {
    assert.ok(one.gridPos.x + one.gridPos.w <= 24, `panel ${one.id} is too far right`);
    for (const other of panels) {
      const [a, b] = [one.gridPos, other.gridPos];
      const overlap = a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
      assert.ok(one === other || !overlap, `panels ${one.id} and ${other.id} lie on each other`);
    }
  }
}
