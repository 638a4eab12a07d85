import assert from 'node:assert/strict';
import { parseFrames, type Frame } from '../open-stream.ts';
import type { TestAnswer } from '../test-api.ts';
import type { Enter, Json } from './stage.ts';

export const workflowsPath = '/api/v1/workflows';
export const runsPath = '/api/v1/workflow-runs';

/** What the chapters about workflows do again and again. */
export type WorkflowStage = {
  readonly create: (definition: object) => Promise<TestAnswer>;
  /** Starts a run and gives its id. */
  readonly start: (name: string, params?: object) => Promise<string>;
  readonly show: (runId: string) => Promise<Json>;
  /** All frames that a run's stream has until it is over. */
  readonly frames: (runId: string) => Promise<readonly Frame[]>;
  /** The run as `GET` has it once it is over. */
  readonly rest: (runId: string) => Promise<Json>;
};

export async function enterWorkflows(enter: Enter): Promise<WorkflowStage> {
  const { call } = await enter();
  const show = async (runId: string): Promise<Json> => (await call('GET', `${runsPath}/${runId}`)).json;
  const frames = async (runId: string): Promise<readonly Frame[]> => {
    const answer = await call('GET', `${runsPath}/${runId}/stream`);
    assert.equal(answer.status, 200, answer.text);
    return parseFrames(answer.text);
  };
  return {
    create: (definition) => call('POST', workflowsPath, { body: definition }),
    async start(name, params = {}) {
      const answer = await call('POST', `${workflowsPath}/${name}/run`, { body: { params } });
      assert.equal(answer.status, 201, answer.text);
      return String(answer.json.run_id);
    },
    show,
    frames,
    async rest(runId) {
      await frames(runId);
      return show(runId);
    },
  };
}

/** A workflow of one task for the agent `script`. */
export const taskWorkflow = (name: string, repositoryUrl: string, command: string): object => ({
  name,
  steps: [
    {
      name: 'work',
      type: 'task',
      config: { repo_url: repositoryUrl, prompt: 'Work', cli: 'script', command },
    },
  ],
});
