import { after, before, test, type TestContext } from 'node:test';
import { findCli } from './installed-clis.ts';
import { openLiveHouse, type LiveHouse, type LiveSubject } from './live-house.ts';
import { keepCell } from './live-results.ts';
import { makeTrial, type LiveScenario } from './scenario.ts';
import { scenariosOfEnds } from './scenarios-of-ends.ts';
import { scenariosOfFaults } from './scenarios-of-faults.ts';
import { scenariosOfReviews } from './scenarios-of-reviews.ts';
import { scenariosOfSessions } from './scenarios-of-sessions.ts';
import { scenariosOfTrust } from './scenarios-of-trust.ts';
import { scenariosOfWork } from './scenarios-of-work.ts';

const scenarios: readonly LiveScenario[] = [
  ...scenariosOfWork,
  ...scenariosOfReviews,
  ...scenariosOfSessions,
  ...scenariosOfTrust,
  ...scenariosOfEnds,
  ...scenariosOfFaults,
];

/** The suite that every adapter passes with its real program. */
export function testAgentLive({ name, agent }: Omit<LiveSubject, 'program'>): void {
  const missing = process.env['SLIPWAY_LIVE_MISSING'];
  let house: LiveHouse | undefined;

  before(async () => {
    const program = findCli(name);
    if (missing === undefined && program !== undefined) house = await openLiveHouse({ name, agent, program });
  });
  after(async () => house?.[Symbol.asyncDispose]());

  for (const scenario of scenarios) {
    test(`${name}: ${scenario.name}`, async (t) => {
      if (house === undefined) t.skip(missing ?? 'its program is not installed for this platform');
      else await hold(t, house, scenario);
    });
  }
}

async function hold(t: TestContext, house: LiveHouse, scenario: LiveScenario): Promise<void> {
  const { name } = house.subject;
  const exception = scenario.exceptions?.[name];
  const row = { scenario: scenario.name, agent: name };
  try {
    await (exception ?? scenario).holds(makeTrial(t, house));
  } catch (error) {
    keepCell({ ...row, cell: 'FAILED' });
    throw error;
  }
  keepCell({ ...row, cell: exception?.words ?? 'passed' });
}
