import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import type { ApiDescription } from '../../../../src/http/describe-api.ts';
import { openAgentHouse, type AgentHouse } from '../../../e2e/agent-tasks.ts';
import { startCallbackReceiver, type CallbackReceiver } from '../../../e2e/callback-receiver.ts';
import type { ForgeStage } from '../../../e2e/forge-stage.ts';
import { openGithubStage } from '../../../e2e/github-stage.ts';
import { openGitlabStage } from '../../../e2e/gitlab-stage.ts';
import { startSentry, type SentryStandIn } from '../../../stand-ins/sentry/sentry.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { createAnswerCheck } from '../described-answers.ts';
import { parseFrames, type Frame } from '../open-stream.ts';
import { githubSecret, gitlabSecret } from '../webhook-sender.ts';
import type { Method, TestAnswer, TestRequest } from '../test-api.ts';
import { startTracker, type Tracker } from './tracker.ts';

export const callbackSecret = 'callback-secret-7f3a51c2';
/** Keys that are registered for the forges, with all rights. */
export const githubKey = 'my-github-key';
export const gitlabKey = 'my-gitlab-key';
export const sentryKey = 'my-sentry';

// oxlint-disable-next-line typescript/no-explicit-any -- looked into by the tests' own assertions
export type Json = any;

/** One real server with a GitHub, a GitLab and a git server beside it, for all chapters of the document. */
export type Stage = {
  readonly house: AgentHouse;
  readonly github: ForgeStage;
  readonly gitlab: ForgeStage;
  readonly receiver: CallbackReceiver;
  readonly sentry: SentryStandIn;
  readonly tracker: Tracker;
  /** A public repository at a host without pull requests. */
  readonly repositoryUrl: string;
  /** By a socket, as the administrator unless told otherwise; an answer that is not as described fails. */
  readonly call: (method: Method, path: string, request?: TestRequest) => Promise<TestAnswer>;
  /** Creates a task and gives its id: one for the agent `script`, which changes nothing, unless the body says more. */
  readonly submit: (body?: object) => Promise<string>;
  /** The task as `GET` has it once it rests. */
  readonly rest: (id: string) => Promise<Json>;
  /** `submit`, then `rest`. */
  readonly run: (body?: object) => Promise<Json>;
  /** A task whose work is done: it wrote `written.txt`. Shared: for reading only. */
  readonly finished: () => Promise<Json>;
  /** A task whose agent failed; shared too. */
  readonly failed: () => Promise<Json>;
  /** All frames that a task's stream has until it ends. */
  readonly frames: (id: string, after?: number) => Promise<readonly Frame[]>;
};

export type Enter = () => Promise<Stage>;

const patienceMs = 30_000;

/** What makes the agent `script` do it. */
export const script = (command: string, more: object = {}): object => ({ cli: 'script', command, ...more });

/** For a configuration that names no file. */
export const noFiles = (): never => assert.fail('a file is read');

export async function openStage(stack: AsyncDisposableStack): Promise<Stage> {
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const [github, gitlab, receiver, sentry, tracker] = await Promise.all([
    openGithubStage(join(folder, 'github')),
    openGitlabStage(join(folder, 'gitlab')),
    startCallbackReceiver(),
    startSentry(),
    startTracker(),
  ]);
  for (const forge of [github, gitlab]) stack.defer(() => forge.stop());
  for (const helper of [receiver, sentry, tracker]) stack.defer(() => helper.close());
  const house = await openAgentHouse({
    ...github.settings,
    ...gitlab.settings,
    SLIPWAY_CALLBACK_SECRET: callbackSecret,
    SLIPWAY_CALLBACK_WAITS: '1,1,1',
    SLIPWAY_ALLOW_PRIVATE_ADDRESSES: [receiver, tracker].map(({ url }) => new URL(url).host).join(),
    SLIPWAY_SENTRY_API_URL: sentry.apiUrl,
    SLIPWAY_GITHUB_WEBHOOK_SECRET: githubSecret,
    SLIPWAY_GITLAB_WEBHOOK_SECRET: gitlabSecret,
    SLIPWAY_REVIEW_KEY_NAME: `${githubKey},${gitlabKey}`,
  });
  stack.defer(() => house[Symbol.asyncDispose]());
  const stage = await createStage({ house, github, gitlab, receiver, sentry, tracker });
  for (const [name, forge] of [[githubKey, github] as const, [gitlabKey, gitlab] as const]) {
    await house.client.keys.create({ name, provider: forge.name, token: forge.token });
  }
  await house.client.keys.create({ name: sentryKey, provider: 'sentry', token: sentry.addToken() });
  return stage;
}

async function createStage(
  parts: Pick<Stage, 'house' | 'github' | 'gitlab' | 'receiver' | 'sentry' | 'tracker'>,
): Promise<Stage> {
  const { house } = parts;
  const call = await createCall(house);
  const repositoryUrl = `${house.forge.url}/sum.git`;
  const submit = async (body: object = {}): Promise<string> => {
    const smallest = { repo_url: repositoryUrl, prompt: 'Do nothing', config: script('true') };
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallest, ...body } });
    assert.equal(answer.status, 201, answer.text);
    return String(answer.json.id);
  };
  const rest = async (id: string): Promise<Json> => {
    await house.client.tasks.wait(id, { signal: AbortSignal.timeout(patienceMs) });
    return (await call('GET', `/api/v1/tasks/${id}`)).json;
  };
  const run = async (body?: object): Promise<Json> => rest(await submit(body));
  let finished: Promise<Json> | undefined;
  let failed: Promise<Json> | undefined;
  return {
    ...parts,
    repositoryUrl,
    call,
    submit,
    rest,
    run,
    finished: () => (finished ??= run({ prompt: 'Write it down', config: script('echo 1 > written.txt') })),
    failed: () => (failed ??= run({ prompt: 'Fail', config: script('exit 3') })),
    async frames(id, after) {
      const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': String(after) };
      const answer = await call('GET', `/api/v1/tasks/${id}/stream`, { headers });
      assert.equal(answer.status, 200, answer.text);
      return parseFrames(answer.text);
    },
  };
}

/** Requests over sockets; what comes back is compared with the server's own description. */
async function createCall(house: AgentHouse): Promise<Stage['call']> {
  const described = await fetch(new URL('/api/docs/json', house.server().url));
  const check = createAnswerCheck((await described.json()) as ApiDescription);
  return async (method, path, request = {}) => {
    const { body } = request;
    const token = request.token === undefined ? house.token : request.token;
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined;
    const response = await fetch(new URL(path, house.server().url), {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(isRaw ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(body === undefined
        ? {}
        : { body: isRaw ? new Uint8Array(Buffer.from(body)) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    const headers = Object.fromEntries(response.headers);
    check(method, path, { status: response.status, headers, text });
    const isJson = headers['content-type']?.startsWith('application/json') === true && text !== '';
    return { status: response.status, headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
}

/** For what helpers open with a test, where a whole section shares it; to be asked for within the section. */
export function sectionContext(): TestContext {
  const endings: (() => unknown)[] = [];
  after(async () => {
    for (const end of endings.toReversed()) await end();
  });
  const context: Pick<TestContext, 'after'> = { after: (end) => void endings.push(end as () => unknown) };
  return context as TestContext;
}

/** The data events of a stream: those without a name. */
export const eventsOf = (frames: readonly Frame[]): readonly Json[] =>
  frames.filter(({ id }) => id !== undefined).map(({ data }) => data);

/** Their names, in order. */
export const namesOf = (frames: readonly Frame[]): readonly string[] =>
  eventsOf(frames).map(({ event }) => String(event));

/** That an answer is an error with this message, and its one field where the message names one. */
export function assertError(answer: TestAnswer, status: number, message: string | RegExp): void {
  assert.equal(answer.status, status, answer.text);
  if (typeof message === 'string') assert.equal(answer.json.message, message);
  else assert.match(answer.json.message, message);
}
