import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { composeForges, type Forges } from '../../src/compose-forges.ts';
import type { Secret } from '../../src/lib/secret.ts';
import { startGithub, type Github } from '../stand-ins/github/github.ts';
import { startGitlab, type Gitlab } from '../stand-ins/gitlab/gitlab.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Of one forge: where its API is, and the server's own token for it. */
export type TestForge = { readonly apiUrl: string; readonly token?: Secret };

/** Where nobody answers: what a test does not start is not to be asked. */
const nowhere = 'http://127.0.0.1:1';

/** The forges as the server makes them, without a git that could be asked. */
export function makeForges(of: { readonly github?: TestForge; readonly gitlab?: TestForge } = {}): Forges {
  const notAsked = (): Promise<never> => Promise.reject(new Error('git is not to be asked'));
  const { github = { apiUrl: nowhere }, gitlab = { apiUrl: `${nowhere}/gitlab` } } = of;
  return composeForges(
    { forges: { github, gitlab } },
    { git: { listRefs: notAsked, talk: notAsked }, version: '0.0.0-test' },
  );
}

/** A GitHub and a GitLab on loopback. Both end with the test, which fails where they were spoken to wrongly. */
export async function startForges(t: TestContext): Promise<{ github: Github; gitlab: Gitlab }> {
  const folder = await temporaryFolder(t);
  const github = await startGithub({ folder: join(folder, 'github') });
  t.after(() => github.close());
  const gitlab = await startGitlab({ folder: join(folder, 'gitlab') });
  t.after(() => gitlab.close());
  t.after(() => {
    github.assertNoViolations();
    gitlab.assertNoViolations();
  });
  return { github, gitlab };
}
