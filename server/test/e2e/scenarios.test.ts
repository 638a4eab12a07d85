import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTree } from '../../src/lib/remove-tree.ts';
import { until } from '../support/processes.ts';
import { openHouse } from './scenario-house.ts';
import { runScenario } from './scenario.ts';
import { repositoryScenarios } from './scenarios-of-repositories.ts';
import { scriptScenarios } from './scenarios-of-scripts.ts';
import { treeScenarios } from './scenarios-of-trees.ts';

/** As many as the server works on at a time. */
const concurrency = 3;

test(
  'every task ends as documented, with nothing lost and nothing left',
  { concurrency: true },
  async (t) => {
    await using house = await openHouse();
    const waiting = [...repositoryScenarios, ...scriptScenarios, ...treeScenarios];
    const total = waiting.length;
    const times: string[] = [];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const scenario = next;
        await t.test(scenario.name, { timeout: 90_000 }, async () => {
          const began = performance.now();
          await runScenario(house, scenario);
          times.push(`${((performance.now() - began) / 1_000).toFixed(1)} s`);
        });
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    t.diagnostic(`${times.length} of ${total} scenarios`);
    await t.test(
      'what the tasks left in the data folder can be removed, by the same means as the server does it',
      async () => {
        const scratch = join(house.data, 'scratch');
        await until(
          'the scratch folder to be empty',
          async () => (await readdir(scratch)).length === 0,
          5_000,
        ).catch(async (error: unknown) => {
          throw new Error(`left in the scratch folder: ${(await readdir(scratch)).join(', ')}`, {
            cause: error,
          });
        });
        const workspaces = join(house.data, 'workspaces');
        assert.ok((await readdir(workspaces)).length > 20);
        await removeTree(workspaces, AbortSignal.timeout(30_000));
      },
    );
  },
);
