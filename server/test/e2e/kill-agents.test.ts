import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { git } from '../../src/demo/example-repository.ts';
import { isStopped, until } from '../support/processes.ts';
import { readMark } from './installation-processes.ts';
import { openAgentLane, type AgentLane } from './kill-agents-lane.ts';
import { agentStories, type AgentEnding, type AgentKill, type AgentStory } from './kill-agents-matrix.ts';
import { createPerson, type Person } from './kill-agents-person.ts';
import { conversationPoints } from './kill-matrix.ts';

/**
 * The kill test of conversations: one task for each point that a story passes and each victim. A process
 * stops at the point, the victim is killed with signal 9, what died is started again, and the person of the
 * story goes on as if nothing had been. All that the task is has to be there once.
 */
describe(
  'whoever dies at whatever point of a conversation, all of it is there once',
  { concurrency: 2 },
  () => {
    for (const story of agentStories) {
      test(story.name, async (t) => {
        const lane = await openAgentLane(story.settings);
        const outcomes: string[] = [];
        try {
          for (const [index, kill] of story.kills.entries()) {
            await t.test(`${kill.point} (${kill.from}): kill -9 of the ${kill.victim}`, async () => {
              const began = performance.now();
              await lane.prepare(kill.point);
              await playOut(lane, story, index);
              const seconds = ((performance.now() - began) / 1_000).toFixed(1);
              outcomes.push(
                `${kill.point.padEnd(20)} ${kill.from.padEnd(8)} ${kill.victim.padEnd(11)} ${seconds} s`,
              );
            });
          }
        } finally {
          await lane.close();
        }
        for (const line of outcomes) t.diagnostic(line);
      });
    }
  },
);

test('every point that only conversations pass is in a story', () => {
  const walked = new Set(agentStories.flatMap(({ kills }) => kills.map(({ point }) => point)));
  assert.deepEqual(
    conversationPoints.filter((point) => !walked.has(point)),
    [],
  );
});

async function playOut(lane: AgentLane, story: AgentStory, index: number): Promise<void> {
  const kill = story.kills[index];
  if (kill === undefined) throw new Error('no such case');
  const armed = Promise.withResolvers<string>();
  const person = createPerson(lane, (moment) => {
    if (moment === kill.from) armed.resolve(lane.arm());
  });
  person.arrive('created');
  const telling = tell(story, person).then(() =>
    armed.reject(new Error(`the story never came to ${kill.from}`)),
  );
  const killing = armed.promise.then((mark) => killAt(lane, kill, { mark, next: story.kills[index + 1] }));
  await Promise.all([killing, telling]);
  await assertOnce(lane, story.ending, person, kill);
}

async function tell(story: AgentStory, person: Person): Promise<void> {
  await story.tell(person);
  await person.seeEnd(story.ending.iterations);
}

async function killAt(
  lane: AgentLane,
  { point, victim }: AgentKill,
  { mark, next }: { readonly mark: string; readonly next: AgentKill | undefined },
): Promise<void> {
  const stopped = await until(`the point ${point} to be reached`, () => readMark(mark));
  await until('the process to stand still', () => isStopped(stopped));
  switch (victim) {
    case 'server':
      await lane.kill();
      // A supervisor that stood still at a point of its own goes on without its server.
      if (isStopped(stopped)) process.kill(stopped, 'SIGCONT');
      await lane.prepare(next?.point ?? point);
      return;
    case 'postgres':
      process.kill(lane.postmaster(), 'SIGKILL');
      process.kill(stopped, 'SIGCONT');
      return;
    case 'supervisor': {
      const found = lane.supervisors();
      assert.notEqual(found.length, 0, 'no supervisor lives at this point');
      for (const pid of found) process.kill(pid, 'SIGKILL');
      if (isStopped(stopped)) process.kill(stopped, 'SIGCONT');
    }
  }
}

async function assertOnce(
  lane: AgentLane,
  ending: AgentEnding,
  person: Person,
  { victim, parksAgain }: AgentKill,
): Promise<void> {
  const task = await lane.client().tasks.get(person.taskId());
  assert.equal(task.status, 'completed', `${task.error ?? ''}\n${lane.output()}`);
  const runs = await lane.query<StoredRun>(runsText, [task.id]);
  const told = runs.map(({ cause, state }) => `${cause} ${state}`);
  if (victim === 'supervisor') assert.notDeepEqual(told, ending.runs, 'a run was lost');
  else assert.deepEqual(told, ending.runs, lane.output());
  const [last] = ending.asked.slice(-1);
  const prompts = parksAgain && last !== undefined ? [...ending.asked, last] : ending.asked;
  await assertBranch(lane, { ...ending, asked: prompts }, person);
  await assertQuestions(lane, ending, task.id, runs);
  assertSpend(ending, runs, victim);
  const open = await lane.query(
    `select id from effects where task_id = $1 and state in ('waiting', 'leased')`,
    [task.id],
  );
  assert.equal(open.length, 0, 'no effect is open');
  await until(
    'everything of the task to be gone',
    () => lane.agents().length === 0 && lane.supervisors().length === 0,
  );
}

type StoredRun = {
  readonly cause: string;
  readonly state: string;
  readonly asked: number;
  /** Last words that it told. */
  readonly results: number;
  readonly spends: number;
  readonly tokens: number;
  readonly microdollars: number;
};

const runsText = `select cause, state,
    (select count(*)::int from events where run_id = runs.id and type = 'approval_requested') as asked,
    (select count(*)::int from events where run_id = runs.id and type = 'agent_output'
      and data ->> 'type' = 'result') as results,
    (select count(*)::int from spend where run_id = runs.id) as spends,
    (select coalesce(sum(input_tokens), 0)::int from spend where run_id = runs.id) as tokens,
    (select coalesce(sum(microdollars), 0)::int from spend where run_id = runs.id) as microdollars
  from runs where task_id = $1 order by number`;

async function assertBranch(lane: AgentLane, ending: AgentEnding, person: Person): Promise<void> {
  const names = await git(lane.repository, 'branch', '--list', '--format=%(refname:short)');
  const branches = names.split('\n').filter((name) => name.includes(person.taskId().slice(0, 8)));
  assert.equal(branches.length, 1, `branches: ${branches.join(', ')}`);
  const branch = branches[0] ?? '';
  const commits = await git(lane.repository, 'rev-list', '--count', `main..${branch}`);
  assert.equal(Number(commits), ending.iterations, 'one commit an iteration');
  const asked = (await git(lane.repository, 'show', `${branch}:asked.txt`)).trimEnd().split('\n');
  assert.equal(asked.length, ending.asked.length, asked.join('\n'));
  for (const [at, pattern] of ending.asked.entries()) assert.match(asked[at] ?? '', pattern);
  if (ending.answer === undefined) return;
  assert.equal(await git(lane.repository, 'show', `${branch}:answer.txt`), ending.answer);
}

/** A question is asked once, unless the run that asked it was lost, and decided once. */
async function assertQuestions(
  lane: AgentLane,
  ending: AgentEnding,
  taskId: string,
  runs: readonly StoredRun[],
): Promise<void> {
  const lost = runs.filter(({ state }) => state === 'failed' || state === 'lost').length;
  const asked = runs.reduce((sum, run) => sum + run.asked, 0);
  assert.ok(runs.every((run) => run.asked <= 1));
  if (lost === 0) assert.equal(asked, ending.questions);
  else assert.ok(asked <= ending.questions + lost, `asked ${asked} times`);
  const rows = await lane.query<{ state: string; decided: number }>(
    `select state, (select count(*)::int from events where stream_id = $1 and type = 'approval_decided'
        and data ->> 'approvalId' = approvals.id::text) as decided
      from approvals where task_id = $1 order by number`,
    [taskId],
  );
  assert.ok(rows.every(({ state, decided }) => state !== 'waiting' && decided <= 1));
  if (lost === 0) assert.equal(rows.filter(({ decided }) => decided === 1).length, ending.questions);
}

/** Every last word is in the ledger once, and nothing else is. */
function assertSpend(ending: AgentEnding, runs: readonly StoredRun[], victim: AgentKill['victim']): void {
  for (const run of runs) {
    assert.ok(run.results <= 1);
    assert.equal(run.spends, run.results);
    assert.equal(run.tokens, 100 * run.results);
  }
  const microdollars = runs.reduce((sum, run) => sum + run.microdollars, 0);
  if (victim !== 'supervisor') assert.equal(microdollars, ending.microdollars);
}
