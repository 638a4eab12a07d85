import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { readConfig } from '../config.ts';
import { sshChecks } from './doctor-ssh.ts';
import type { Answer } from './host-check.ts';

/** What doctor says of ssh with this text in the file of pinned hosts; undefined: there is no such file. */
async function answerFor(t: TestContext, pinned: string | undefined): Promise<Answer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-doctor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'known_hosts');
  if (pinned !== undefined) writeFileSync(path, pinned);
  const [check] = sshChecks(readConfig({ SLIPWAY_SSH_KNOWN_HOSTS: path }, () => ''));
  return check?.run();
}

test('ssh is looked for only where the operator pins the keys of hosts', () => {
  assert.deepEqual(sshChecks(readConfig({}, () => '')), []);
});

test('the hosts that are pinned are counted', async (t) => {
  const text =
    '# a comment\n\ngit.example.com ssh-ed25519 AAAA\n|1|c2FsdA==|aGFzaA== ssh-rsa AAAA\n@cert-authority *.x ssh-rsa AAAA\n';
  const answer = await answerFor(t, text);
  assert.match(answer?.detail ?? '', /known_hosts: 3$/u);
  assert.ok(answer?.findings.every(({ problem }) => !problem.includes('SLIPWAY_SSH_KNOWN_HOSTS')));
});

test('a file of pinned hosts that is empty or missing is found, with what to do', async (t) => {
  for (const [pinned, problem] of [
    ['# nothing\n', /names no host/u],
    [undefined, /cannot be read/u],
  ] as const) {
    const answer = await answerFor(t, pinned);
    const found = answer?.findings.find((finding) => problem.test(finding.problem));
    assert.match(found?.remedy ?? '', /ssh-keyscan/u, String(problem));
  }
});
