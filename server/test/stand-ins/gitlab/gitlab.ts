import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import type { GitServerFault } from '../../../src/demo/git-server.ts';
import { startForgeRepositories } from '../forge-repositories.ts';
import type { GitAccess } from '../forge-repositories.ts';
import { createFaultPlan } from '../fault-plan.ts';
import type { FaultPlan } from '../fault-plan.ts';
import type { GitlabFault } from './faults.ts';
import { syncProject } from './diff-versions.ts';
import { createGitlabWorld } from './gitlab-world.ts';
import type { GitlabWorld } from './gitlab-world.ts';
import { refuseGit } from './git-access.ts';
import { serveApi } from './serve-api.ts';
import type { ApiRequest, ApiServer } from './serve-api.ts';
import { findProject } from './state.ts';
import type { State } from './state.ts';

export type GitlabOptions = {
  /** Where the bare repositories lie. It is made where it is not there, and stays. */
  readonly folder: string;
  /** The time, in milliseconds of the epoch. */
  readonly now?: () => number;
  /**
   * Whether a merge request between branches of which one is not there is refused, with 400. The
   * documentation does not say, and a client has to get along with both.
   */
  readonly refusesMissingBranches?: boolean;
};

/** A GitLab on loopback: its API and its repositories at one address. */
export type Gitlab = GitlabWorld & {
  /** `http://127.0.0.1:<port>`, for people and git. */
  readonly url: string;
  /** The base of the API, `…/api/v4`. */
  readonly apiUrl: string;
  /** Where git finds the project of this path, `.git` included. */
  readonly gitUrl: (path: string) => string;
  /** The API's requests so far. */
  readonly requests: readonly ApiRequest[];
  readonly gitRequests: readonly GitAccess[];
  readonly faults: FaultPlan<GitlabFault>;
  /** Of git's requests that were let pass. */
  readonly gitFaults: FaultPlan<GitServerFault>;
  /** What was sent to the API that its documentation does not have. */
  readonly violations: readonly string[];
  /** Throws where there are violations. */
  readonly assertNoViolations: () => void;
  readonly close: () => Promise<void>;
};

/** Starts an empty GitLab; whoever starts it closes it. */
export async function startGitlab(options: GitlabOptions): Promise<Gitlab> {
  await mkdir(options.folder, { recursive: true });
  const state: State = { users: [], tokens: [], projects: [], nextId: 0 };
  const now = options.now ?? Date.now;
  const gitFaults = createFaultPlan<GitServerFault>();
  const closing = new AbortController();
  const server: ApiServer = {
    state,
    web: () => repositories.url,
    now,
    faults: createFaultPlan(),
    requests: [],
    violations: [],
    refusesMissingBranches: options.refusesMissingBranches ?? true,
    closing: closing.signal,
  };
  const repositories = await startForgeRepositories({
    folder: options.folder,
    async authorize(access) {
      const refusal = refuseGit(state, access, now());
      const project = findProject(state, access.path);
      if (refusal === undefined && project !== undefined) await syncProject(state, project, now());
      return refusal;
    },
    answer: (request, response) => serveApi(server, request, response),
    faults: ({ method, url }) => gitFaults.take(method, url.split('?')[0] ?? ''),
  });
  return {
    ...createGitlabWorld({ state, repositories, folder: options.folder, now }),
    url: repositories.url,
    apiUrl: `${repositories.url}/api/v4`,
    gitUrl: repositories.gitUrl,
    requests: server.requests,
    gitRequests: repositories.requests,
    faults: server.faults,
    gitFaults,
    violations: server.violations,
    assertNoViolations: () => assert.deepEqual(server.violations, []),
    close: async () => {
      closing.abort(new Error('the stand-in of GitLab is closing'));
      await repositories.close();
    },
  };
}
