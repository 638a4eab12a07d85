import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesWith, formsOf } from '../live/find-text.ts';
import { startGithub } from '../stand-ins/github/github.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openHouse, smallLimits } from './scenario-house.ts';

/** Prints a token that the agent has got hold of somehow, in several forms; the whole of it stands nowhere in here. */
function printing(token: string): string {
  const [one, two] = [token.slice(0, 12), token.slice(12)];
  return [
    `token="${one}""${two}"`,
    'echo "this is it: $token"',
    'printf "x-access-token:%s" "$token" | base64 -w0; echo',
    'printf "%s" "https://x:$token@github.example" >&2',
    'env; git config --list; cat .git/config',
    'date > done.txt',
  ].join('\n');
}

test('keys for a forge are used by git outside of the sandbox, and what agents print of them is taken out', async (t) => {
  const github = await startGithub({ folder: join(await temporaryFolder(t), 'github') });
  t.after(() => github.close());
  const octocat = github.addUser('octocat');
  const [keyToken, serverToken] = [github.addToken(octocat).value, github.addToken(octocat).value];
  const repository = await github.addRepository('octocat/engine', { isPrivate: true });
  await using house = await openHouse({
    settings: { ...smallLimits, SLIPWAY_GITHUB_API_URL: github.apiUrl, GITHUB_TOKEN: serverToken },
  });
  const call = (path: string, body?: object): Promise<Response> =>
    fetch(new URL(path, house.server().url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${house.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const key = { name: 'hub', provider: 'github', token: keyToken, scope: 'octocat/engine' };
  assert.equal((await call('/api/v1/keys', key)).status, 201);
  const secrets = [keyToken, serverToken].flatMap(formsOf);
  const cases = [
    { used: keyToken, printed: [keyToken, serverToken], named: { provider_key: 'hub' } },
    { used: serverToken, printed: [serverToken], named: {} },
  ];
  for (const { used, printed, named } of cases) {
    const earlier = github.gitRequests.length;
    const { id } = await house.client.tasks.create({
      repo_url: github.gitUrl('octocat/engine'),
      prompt: 'Print what you find',
      publish: 'branch',
      config: { cli: 'script', command: printed.map(printing).join('\n') },
      ...named,
    });
    const wait = async (): Promise<string | undefined> => {
      const task = await house.client.tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
      assert.equal(task.status, 'completed', task.error ?? '');
      return task.branch;
    };
    await wait();
    // The tree is there: nothing is cloned, and what is hidden is opened for that alone.
    await house.client.tasks.instruct(id, 'Print it once more');
    const branch = await wait();
    assert.ok(await repository.bare.tip(branch ?? ''), 'the branch was pushed');
    const credentials = new Set(github.gitRequests.slice(earlier).map(({ password }) => password));
    assert.deepEqual(credentials, new Set([undefined, used]));
    const rows = await house.query<{ run: string; text: string }>(
      'select run_id as run, data::text as text from events where stream_id = $1 order by id',
      [id],
    );
    const told = rows.map(({ text }) => text).join('\n');
    const telling = rows.filter(({ text }) => text.includes('this is it: [secret]'));
    assert.equal(new Set(telling.map(({ run }) => run)).size, 2, 'both runs have printed');
    const answers = [`/api/v1/tasks/${id}`, `/api/v1/tasks/${id}/stream`, '/api/v1/keys'].map((path) =>
      call(path),
    );
    const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
    for (const text of [told, ...texts]) {
      assert.ok(!secrets.some((form) => text.includes(form)), `a key in ${text.slice(0, 200)}`);
    }
  }
  await house.server().stop();
  assert.ok(!secrets.some((form) => house.server().output().includes(form)), 'a key in the log');
  assert.deepEqual(filesWith([house.data], secrets), [], 'a key in a file');
});
