import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { inabilityContract, repositoryContract } from '../forge.contract.ts';
import type { RepositoryTrial } from '../forge.contract.ts';
import { createPlainGit } from './plain-git.ts';
import { createGit } from '../../git/git.ts';
import { Secret } from '../../lib/secret.ts';
import { askForCredential, startForgeRepositories } from '../../../test/stand-ins/forge-repositories.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';

/** Plain git before a host that takes one token. `environment` with anything in it leaves git itself to ask. */
async function makeTrial(
  t: TestContext,
  environment: Readonly<Record<string, string>> = {},
): Promise<RepositoryTrial> {
  const folder = await temporaryFolder(t);
  const token = new Secret('a-token-of-the-plain-host');
  const host = await startForgeRepositories({
    folder: join(folder, 'repositories'),
    authorize: ({ password }) =>
      password === token.reveal() ? undefined : askForCredential('git', 'Unauthorized\n'),
    answer: async (_request, response) => void response.writeHead(404).end('not here'),
  });
  t.after(() => host.close());
  const git = createGit({
    socketFolder: join(folder, 's'),
    allowFileRepositories: false,
    allowHttp: true,
    timeoutMs: 30_000,
    environment,
  });
  return {
    forge: createPlainGit({ git }),
    expiredToken: new Secret('a-token-that-has-expired'),
    makeRepository: async (name) => {
      const bare = await host.create(`ada/${name}`, 'main');
      await bare.commit({ branch: 'main', files: { 'README.md': '# a\n' } });
      return {
        access: { url: host.gitUrl(`ada/${name}`), path: `ada/${name}`, token },
        remove: () => host.remove(`ada/${name}`),
      };
    },
  };
}

suite('plain git passes the contract of forges', () => {
  repositoryContract((t) => makeTrial(t));
  inabilityContract((t) => makeTrial(t));
});

suite('plain git passes the contract of forges, where only git itself can ask', () => {
  repositoryContract((t) => makeTrial(t, { NO_PROXY: '*' }));
});

test('the head of a pull request lies where most forges have it', async (t) => {
  const { forge } = await makeTrial(t);
  assert.equal(forge.pullRequestRef(7), 'refs/pull/7/head');
});
