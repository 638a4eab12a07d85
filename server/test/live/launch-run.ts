import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AgentCommand, AgentTask } from '../../src/agents/agent.ts';
import type { Place } from '../../src/executors/executor.ts';
import { isSameProcess } from '../../src/lib/process-identity.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { SupervisorSpec } from '../../src/supervisor/protocol.ts';
import { readClaim } from '../../src/supervisor/records.ts';
import { prestartSupervisor } from '../../src/supervisor/start.ts';
import { modelUrlOf, proxyEnvironment, wayOutOf, type WayOutContext } from '../../src/worker/way-out.ts';
import type { LiveHouse } from './live-house.ts';
import type { LiveOptions } from './live-run.ts';
import { offerToSandbox } from './offer-program.ts';

const mebibyte = 1024 * 1024;
const sandbox = { memoryBytes: 4096 * mebibyte, processes: 512, temporaryBytes: 512 * mebibyte };
/** No run of this suite takes this long; one that does hangs, and is ended with its sandbox. */
export const longestRunMs = 40_000;
/** As the worker has it: with what goes before, less than the 3 s in which nothing of a run may be left. */
export const stopGraceMs = 1_500;

/** A run whose supervisor owns it. */
export type Started = {
  readonly task: AgentTask;
  readonly place: Place;
  readonly folder: string;
  readonly key: string;
  readonly command: AgentCommand;
};

/** Has a supervisor start the agent, as the worker does. After the test both are ended. */
export async function launchRun(t: TestContext, house: LiveHouse, options: LiveOptions): Promise<Started> {
  const { executor, subject, folders, model } = house;
  const place = options.place ?? (await house.makeWorkspace());
  const runId = randomUUID();
  const short = runId.slice(-12);
  const folder = join(folders.runs, runId);
  await mkdir(folder, { mode: 0o700 });
  const task: AgentTask = {
    taskId: randomUUID(),
    runId,
    iteration: 1,
    newSessionId: randomUUID(),
    prompt: options.prompt,
    ...options.task,
  };
  assert.equal(subject.agent.refuse(task), undefined, 'the agent takes the task');
  const key = `sk-live-${randomBytes(24).toString('hex')}`;
  const { agent } = subject;
  // A host that nobody has: with any on the list, the proxy's variables are set, and what a program does with them is seen.
  const context = wayOutTo(house, options.allow ?? ['nobody.invalid']);
  const run = { runId, workspaceId: runId, kind: 'code' } as const;
  const wayOut = wayOutOf(context, run, { agent, place, key: new Secret(key) });
  assert.ok(wayOut !== undefined, 'a program that calls a model');
  const offered = await offerToSandbox(house, place, options.preface);
  const command = subject.agent.command(task, {
    program: offered.program,
    tree: place.treeInside,
    home: place.homeInside,
    modelUrl: modelUrlOf(agent, place),
  });
  const [under, ...underArguments] = options.under ?? [];
  const launch = await executor.launch(
    place,
    {
      argv: under === undefined ? command.argv : [under, ...underArguments, ...command.argv],
      env: {
        ...proxyEnvironment(context, run, { place, hasServers: task.mcpServers !== undefined }),
        ...command.env,
      },
      readOnly: [...offered.readOnly, ...(options.readOnly ?? [])],
      pathFolders: offered.pathFolders,
      wayOut: { socket: wayOut.socket },
      ...(command.homeFiles === undefined ? {} : { homeFiles: command.homeFiles }),
    },
    sandbox,
  );
  t.after(async () => {
    const claim = readClaim(folder);
    if (claim !== undefined && claim !== 'broken' && isSameProcess(claim.identity)) {
      process.kill(claim.identity.pid, 'SIGKILL');
    }
    await executor.release(launch);
  });
  const spec: SupervisorSpec = {
    folder,
    socket: join(folders.sockets, `${short}.sock`),
    launch,
    input: command.input,
    keepInput: command.keepInput ?? false,
    wayOut,
    limits: {
      timeMs: longestRunMs,
      silenceMs: longestRunMs,
      outputBytes: 256 * mebibyte,
      memoryBytes: sandbox.memoryBytes,
      diskBytes: 1024 * mebibyte,
      diskFolders: [place.tree, place.home],
      unattendedMs: longestRunMs,
      graceMs: stopGraceMs,
    },
  };
  const supervisor = prestartSupervisor({ compileCacheFolder: house.compileCache });
  assert.equal(await supervisor.start(spec), 'started', `a supervisor for ${model.url}`);
  return { task, place, folder, key, command };
}

/** The worker's own way out, leading to the scripted model; everything else that a program looks for is seen. */
function wayOutTo({ folders, model }: LiveHouse, allow: readonly string[]): WayOutContext {
  return {
    folders,
    settings: {
      models: {
        anthropic: { url: model.url, key: undefined },
        openai: { url: `${model.url}/v1`, key: undefined },
      },
      allowEgress: allow,
    },
  };
}
