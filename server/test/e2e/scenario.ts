import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamEvent, Task, TaskConfig, TaskInput } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import type { FailureCode } from '../../src/domain/failure.ts';
import { until } from '../support/processes.ts';
import type { House } from './scenario-house.ts';
import type { RepositoryName } from './scenario-repositories.ts';

/** One task on one repository, and how it has to end. */
export type Scenario = {
  /** A sentence of behaviour. */
  readonly name: string;
  /** `sum` where none is named. */
  readonly repository?: RepositoryName;
  /** The repository's address, where it is not the forge's. */
  readonly url?: (house: House) => string | Promise<string>;
  /** What the script agent runs. `LABEL` becomes nine digits of this task alone: a duration for `sleep`, too. */
  readonly command: string;
  readonly prompt?: string;
  readonly publish?: TaskInput['publish'];
  readonly accessToken?: string;
  readonly config?: TaskConfig;
  readonly end: End;
  /** Before the task is created. */
  readonly before?: (house: House) => void;
  /** When it has been created and is being followed. */
  readonly during?: (started: Started) => Promise<void>;
  /** What else has to hold at its end. */
  readonly also?: (outcome: Outcome) => void | Promise<void>;
};

/** `commits`: how many are on the branch that was pushed; 0: there is no branch. */
export type End =
  | { readonly status: 'completed'; readonly commits: number }
  | {
      readonly status: 'failed';
      /** One of several, where it depends on the host who notices first. */
      readonly code: FailureCode | readonly FailureCode[];
      readonly error: RegExp;
    }
  | { readonly status: 'cancelled' };

export type Started = { readonly house: House; readonly id: string; readonly label: string };

export type Numbered = Extract<StreamEvent, { kind: 'event' }>;

export type Outcome = Started & {
  readonly task: Task;
  /** As they came live. */
  readonly events: readonly Numbered[];
  /** The bare repository on the forge. */
  readonly bare: string;
  /** The branch that was pushed; empty where there is none. */
  readonly branch: string;
  /** All that the agent printed, as the events have it. */
  readonly output: string;
};

/** So long may something of a run be alive after its end. */
export const gonePatienceMs = 3_000;
const closing: readonly string[] = ['task_completed', 'task_failed', 'task_canceled'];
const endPatienceMs = 60_000;

/** Runs the scenario to its end and asserts what holds for every task, whatever happened in it. */
export async function runScenario(house: House, scenario: Scenario): Promise<Outcome> {
  scenario.before?.(house);
  const started = await start(house, scenario);
  const following = follow(house, started.id);
  const [, live] = await Promise.all([scenario.during?.(started), following]);
  await assertNothingLeft(house, started);
  const task = await house.client.tasks.get(started.id);
  const bare = join(house.repositories, `${scenario.repository ?? 'sum'}.git`);
  const branch = await branchOf(bare, started.id);
  const output = live.map((each) => outputOf(each)).join('\n');
  const outcome = { ...started, task, events: live, bare, branch, output };
  await assertEnd(outcome, scenario.end);
  await assertNothingLost(outcome);
  await scenario.also?.(outcome);
  return outcome;
}

/** Creates the task. */
export async function start(house: House, scenario: Omit<Scenario, 'end' | 'name'>): Promise<Started> {
  const label = String(randomInt(100_000_000, 999_999_999));
  const testCommand = scenario.config?.test_command;
  const url = (await scenario.url?.(house)) ?? `${house.forge.url}/${scenario.repository ?? 'sum'}.git`;
  const input = {
    repo_url: url,
    prompt: scenario.prompt ?? 'Change a file',
    publish: scenario.publish ?? 'branch',
    config: {
      cli: 'script',
      command: scenario.command.replaceAll('LABEL', label),
      ...scenario.config,
      ...(testCommand === undefined ? {} : { test_command: testCommand.replaceAll('LABEL', label) }),
    },
    // The client's type does not have it yet.
    ...(scenario.accessToken === undefined ? {} : { access_token: scenario.accessToken }),
  } satisfies TaskInput & { access_token?: string };
  const created = await house.client.tasks.create(input);
  return { house, id: created.id, label };
}

/** Every event from the beginning, or behind one, until the task has ended. */
export async function follow(house: House, id: string, lastEventId?: string): Promise<readonly Numbered[]> {
  const events: Numbered[] = [];
  const signal = AbortSignal.timeout(endPatienceMs);
  for await (const event of house.client.tasks.stream(id, {
    signal,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  })) {
    if (event.kind === 'event') events.push(event);
  }
  return events;
}

async function assertEnd({ task, branch, bare, events }: Outcome, end: End): Promise<void> {
  const shown = `${task.error ?? ''} ${task.result ?? ''}`;
  assert.equal(task.status, end.status === 'completed' ? 'completed' : 'failed', shown);
  const names = events.map(({ event }) => event.event as string);
  const wanted = { completed: 'task_completed', failed: 'task_failed', cancelled: 'task_canceled' }[
    end.status
  ];
  // The work was completed before its push failed: both are facts, and the last one closes.
  const before = task.failure?.phase === 'deliver' ? ['task_completed'] : [];
  assert.deepEqual(
    names.filter((name) => closing.includes(name)),
    [...before, wanted],
    'one closing event',
  );
  if (end.status === 'cancelled') {
    assert.equal(task.error, 'canceled by user');
    assert.equal(task.failure, undefined);
  }
  if (end.status === 'failed') {
    assert.match(task.error ?? '', end.error);
    const codes: readonly string[] = [end.code].flat();
    assert.ok(codes.includes(task.failure?.code ?? ''), `the code is ${task.failure?.code}`);
    assert.equal(task.failure?.message, task.error);
    const last = events.findLast(({ event }) => event.event === 'task_failed');
    assert.deepEqual(last?.event.data, { error: task.error });
  }
  if (end.status !== 'completed' || end.commits === 0) {
    assert.equal(branch, '', 'no branch');
    return;
  }
  assert.equal(task.branch, branch);
  const count = await git(bare, 'rev-list', '--count', `main..${branch}`);
  assert.equal(Number(count), end.commits, 'commits on the branch');
  const commit = (await git(bare, 'rev-parse', branch)).trim();
  const pushed = events.filter(({ event }) => event.event === 'branch_pushed');
  assert.deepEqual(
    pushed.map(({ event }) => event.data),
    [{ branch, commit }],
  );
}

/**
 * Numbers rise, no number of the log is missing, and who reads it again from the start reads the same.
 */
async function assertNothingLost({ house, id, events }: Outcome): Promise<void> {
  const ids = events.map((event) => Number(event.id));
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
    'ids rise',
  );
  assert.equal(new Set(ids).size, ids.length, 'no id comes twice');
  const [stored] = await house.query<{ first: string; last: string; count: string; seq: string }>(
    `select min(seq) as first, max(seq) as last, count(*) as count, min(last_seq) as seq
     from events join streams on streams.id = stream_id where stream_id = $1`,
    [id],
  );
  assert.equal(stored?.first, '1');
  assert.equal(stored.last, stored.count, 'no number is missing');
  assert.equal(stored.last, stored.seq);
  assert.deepEqual(await follow(house, id), events, 'the log reads the same again');
}

/** Nothing of the run lives, neither in its sandbox nor beside it, and its own files are gone. */
async function assertNothingLeft(house: House, { id, label }: Pick<Started, 'id' | 'label'>): Promise<void> {
  const patience = gonePatienceMs;
  const describe = (): string =>
    living(label)
      .map((pid) => `${pid} ${readProcess(pid, 'cmdline').replaceAll('\0', ' ')}`)
      .join('; ');
  await until('nothing of the run to be alive', () => living(label).length === 0, patience).catch(
    (error: unknown) => {
      throw new Error(`still alive: ${describe()}`, { cause: error });
    },
  );
  const [row] = await house.query<{ workspace_id: string }>('select workspace_id from tasks where id = $1', [
    id,
  ]);
  const runs = join(house.data, 'runs', row?.workspace_id ?? '');
  await until("the supervisor's files to be gone", () => list(runs).length === 0, patience);
}

/** The processes that bear the label in their command line or environment. */
export function living(label: string): readonly string[] {
  const own = String(process.pid);
  return list('/proc').filter(
    (pid) =>
      /^\d+$/u.test(pid) &&
      pid !== own &&
      (readProcess(pid, 'cmdline').includes(label) || readProcess(pid, 'environ').includes(label)),
  );
}

/** The branch of the task on the forge that holds work; one of its name at main's commit is a stranger's. */
export async function branchOf(bare: string, id: string): Promise<string> {
  if (!list(bare).includes('HEAD')) return '';
  const refs = (await git(bare, 'for-each-ref', '--format=%(objectname) %(refname:short)')).split('\n');
  const main = refs.find((line) => line.endsWith(' main'))?.split(' ')[0] ?? '';
  const ours = refs
    .filter((line) => line.includes(id.slice(0, 8)) && !line.startsWith(main))
    .map((line) => line.split(' ')[1] ?? '');
  return ours.length <= 1 ? (ours[0] ?? '') : assert.fail(`more than one branch: ${ours.join(', ')}`);
}

function outputOf({ event }: Numbered): string {
  return event.event === 'output' ? event.data.content : '';
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
