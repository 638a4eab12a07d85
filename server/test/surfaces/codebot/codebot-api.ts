import type { TestContext } from 'node:test';
import { apiKeyAbilities } from '../../../src/domain/ability.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { ensureUser } from '../../../src/store/users.ts';
import { storeApiKey } from '../../support/api-keys.ts';
import { somePublishing } from '../codeforge/publishing.ts';
import { testApi, type TestAnswer, type TestApi, type TestApiOptions } from '../codeforge/test-api.ts';

/** A server, and what a client of this surface has: a key of somebody's own. */
export type CodebotApi = TestApi & {
  readonly key: string;
  readonly ownerId: string;
  readonly submit: (body?: object, headers?: Readonly<Record<string, string>>) => Promise<TestAnswer>;
  /** Submits the smallest body, and gives the task's id. */
  readonly submitted: (body?: object) => Promise<string>;
  readonly status: (id: string, token?: string) => Promise<TestAnswer>;
  readonly list: (query?: string, token?: string) => Promise<TestAnswer>;
};

/** The smallest body that makes a task. */
export const smallestSubmission = {
  repository_url: 'https://git.example.com/ada/engine.git',
  description: 'Add dark mode',
};

export async function codebotApi(t: TestContext, options: TestApiOptions = {}): Promise<CodebotApi> {
  const { policy, ...rest } = options;
  const api = await testApi(t, {
    publishing: somePublishing,
    policy: { defaultAgent: 'script', scriptCommand: 'true', ...policy },
    ...rest,
  });
  const ownerId = await ensureUser(api.database, systemIds, 'ada');
  const key = await storeApiKey(api.database, { ownerId, abilities: apiKeyAbilities });
  const submit: CodebotApi['submit'] = (body = smallestSubmission, headers = {}) =>
    api.call('POST', '/api/tasks/submit', { token: key, body, headers });
  return {
    ...api,
    key,
    ownerId,
    submit,
    async submitted(body = {}) {
      const answer = await submit({ ...smallestSubmission, ...body });
      if (answer.status !== 202) throw new Error(`the task was refused: ${answer.text}`);
      return String(answer.json.task_id);
    },
    status: (id, token = key) => api.call('GET', `/api/tasks/${id}/status`, { token }),
    list: (query = '', token = key) => api.call('GET', `/api/tasks${query}`, { token }),
  };
}
