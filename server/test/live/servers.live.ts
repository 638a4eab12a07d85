import { after, before, test } from 'node:test';
import { keepCell } from './live-results.ts';
import { openServerHouse, type ServerHouse } from './server-house.ts';
import { serverScenarios } from './server-scenarios.ts';

const missing = process.env['SLIPWAY_LIVE_MISSING'];
let house: ServerHouse | undefined;

before(async () => {
  if (missing === undefined) house = await openServerHouse();
});
after(async () => house?.[Symbol.asyncDispose]());

for (const agent of ['claude-code', 'codex'] as const) {
  for (const { name, holds } of serverScenarios) {
    test(`${agent}: ${name}`, async (t) => {
      if (house === undefined) {
        t.skip(missing ?? 'a program is not installed for this platform');
        return;
      }
      try {
        await holds(house, agent);
      } catch (error) {
        keepCell({ scenario: name, agent, cell: 'FAILED' });
        throw error;
      }
      keepCell({ scenario: name, agent, cell: 'passed' });
    });
  }
}
