import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { childrenOf } from '../../src/lib/process-tree.ts';
import { removeTree } from '../../src/lib/remove-tree.ts';
import { until } from '../support/processes.ts';
import { openHouse } from './scenario-house.ts';
import { gonePatienceMs, runScenario } from './scenario.ts';
import { repositoryScenarios } from './scenarios-of-repositories.ts';
import { scriptScenarios } from './scenarios-of-scripts.ts';
import { testScenarios } from './scenarios-of-tests.ts';
import { treeScenarios } from './scenarios-of-trees.ts';

/** As many as the server works on at a time. */
const concurrency = 3;

test(
  'every task ends as documented, with nothing lost and nothing left',
  { concurrency: true },
  async (t) => {
    await using house = await openHouse();
    const waiting = [...repositoryScenarios, ...scriptScenarios, ...testScenarios, ...treeScenarios];
    const total = waiting.length;
    let ended = 0;
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const scenario = next;
        await t.test(scenario.name, { timeout: 90_000 }, async () => {
          await runScenario(house, scenario);
          ended += 1;
        });
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    t.diagnostic(`${ended} of ${total} scenarios ended as they should`);
    await t.test('when all of them are over, the server has no process left but its database', async () => {
      const database = await readFile(join(house.data, 'postgres/postmaster.pid'), 'utf8');
      const postmaster = Number.parseInt(database, 10);
      const others = (): readonly number[] =>
        childrenOf(house.server().pid).filter((pid) => pid !== postmaster);
      await until('supervisors, sandboxes and git to be gone', () => others().length === 0, gonePatienceMs);
    });
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
