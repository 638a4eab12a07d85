import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Task } from '@slipway/client';
import { filesWith } from '../live/find-text.ts';
import { gitByHand } from '../support/git-repositories.ts';
import { until } from '../support/processes.ts';
import { needsOpenssh } from '../support/ssh-programs.ts';
import { startSshServer, type SshServer } from '../support/ssh-server.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';

/** Writes down what the agent can see of a way to the repository, and tries it. */
const spy = [
  '{ env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr "\\0" "\\n"; cat .git/config; ls -a ~ ~/.ssh; } >seen 2>&1',
  'if git ls-remote origin >>seen 2>&1; then echo reached >>seen; fi',
].join('\n');

type Installation = { readonly house: House; readonly host: SshServer; readonly url: string };

/** An installation that has pinned the host of its repositories and has a key for it, named `deploy`. */
async function openInstallation(t: TestContext): Promise<Installation> {
  const host = await startSshServer(t);
  const house = await openHouse({ settings: { ...smallLimits, SLIPWAY_SSH_KNOWN_HOSTS: host.knownHosts } });
  t.after(() => house[Symbol.asyncDispose]());
  await host.serve(house.repositories);
  const scope = `127.0.0.1:${host.port}`;
  const registered = await fetch(new URL('/api/v1/keys', house.server().url), {
    method: 'POST',
    headers: { authorization: `Bearer ${house.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'deploy', provider: 'ssh', token: host.key.privateKey, scope }),
  });
  assert.equal(registered.status, 201, await registered.text());
  await rm(host.key.path);
  return { house, host, url: host.url.replace('project.git', 'sum.git') };
}

/** Makes a task that pushes what its command leaves, and gives its id. */
async function submit({ house, url }: Installation, command: string, key = 'deploy'): Promise<string> {
  const { id } = await house.client.tasks.create({
    repo_url: url,
    prompt: 'look around',
    provider_key: key,
    publish: 'branch',
    config: { cli: 'script', command },
  });
  return id;
}

async function ended({ house }: Installation, id: string): Promise<Task> {
  return house.client.tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
}

async function pushed({ house }: Installation, { branch }: Task, file: string): Promise<string> {
  return gitByHand(join(house.repositories, 'sum.git'), 'show', `${branch}:${file}`);
}

test(
  'a task over ssh is fetched and pushed with its key, which the agent sees nothing of',
  needsOpenssh,
  async (t) => {
    const installation = await openInstallation(t);
    const { house, host, url } = installation;
    const task = await ended(installation, await submit(installation, spy));
    assert.equal(task.status, 'completed', task.error ?? '');
    const seen = await pushed(installation, task, 'seen');
    assert.ok(seen.includes(`url = "${url}"`), seen);
    assert.doesNotMatch(seen, /SSH_AUTH_SOCK|GIT_SSH|\.sock\b|^reached$/mu);
    assert.deepEqual(
      (await host.commands()).map((command) => command.split(' ')[0]),
      ['git-upload-pack', 'git-receive-pack'],
    );
    await house.server().stop();
    const lines = host.key.privateKey.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/u.test(line));
    assert.ok(lines.length > 2);
    assert.ok(lines.every((line) => !seen.includes(line) && !house.server().output().includes(line)));
    assert.deepEqual(filesWith([house.data], lines), []);
  },
);

test('a task over ssh without a key fails at once, and says what to do', needsOpenssh, async (t) => {
  const installation = await openInstallation(t);
  const task = await ended(installation, await submit(installation, 'true', 'another'));
  assert.equal(task.status, 'failed');
  assert.match(task.error ?? '', /another/u);
  assert.deepEqual(await installation.host.commands(), []);
});

test(
  'a server that is killed while ssh talks takes the agent along, and its successor does the task',
  needsOpenssh,
  async (t) => {
    const installation = await openInstallation(t);
    const { house, host } = installation;
    const release = await host.hold();
    const id = await submit(installation, 'echo done >f');
    await until('a command that is held back', host.isHolding);
    const agent = await agentOf(host);
    assert.ok(await answers(agent));
    await house.server().kill();
    assert.ok(!(await answers(agent)));
    await release();
    await house.restart('kill');
    const task = await ended(installation, id);
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.equal(await pushed(installation, task, 'f'), 'done');
  },
);

/** The socket of the agent that the ssh of this host's repositories asks, while it runs. */
async function agentOf(host: SshServer): Promise<string> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/u.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    const socket = /(?:^|\0)SSH_AUTH_SOCK=([^\0]+)/u.exec(environment)?.[1];
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (command.includes(`\0-p\0${host.port}\0`) && socket !== undefined) return socket;
  }
  return assert.fail('no ssh runs for this host');
}

/** Whether anybody answers at the other end of a socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path, () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
}
