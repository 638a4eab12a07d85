import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose, wordsOf } from './git-error.ts';
import type { GitErrorCode } from './git-error.ts';

test("git's words are told apart, and say whether to try again", () => {
  const cases: readonly (readonly [string, GitErrorCode, boolean])[] = [
    ["fatal: unable to access 'https://x/': Could not resolve host: x", 'unreachable', true],
    [
      "fatal: unable to access 'https://x/': SSL certificate problem: self signed certificate",
      'unreachable',
      false,
    ],
    ["fatal: unable to access 'https://x/': The requested URL returned error: 429", 'unreachable', true],
    ['error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly', 'unreachable', true],
    ["fatal: could not read Username for 'https://x': terminal prompts disabled", 'authentication', false],
    [
      "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'",
      'authentication',
      false,
    ],
    ["remote: Repository not found.\nfatal: repository 'https://x/' not found", 'not_found', false],
    ['fatal: write error: No space left on device', 'disk_full', true],
    ["fatal: transport 'http' not allowed", 'protocol_refused', false],
    ['fatal: early EOF\nfatal: fetch-pack: invalid index-pack output', 'unreachable', true],
    [
      'error: inflate: data stream error\nfatal: pack has bad object at offset 12: inflate returned -3',
      'corrupt',
      false,
    ],
    [
      '@@@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n@@@@@\nHost key verification failed.\nfatal: Could not read from remote repository.',
      'unreachable',
      false,
    ],
    [
      'No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.',
      'unreachable',
      false,
    ],
    [
      'git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.',
      'authentication',
      false,
    ],
    [
      'ERROR: The key you are authenticating with has been marked as read only.\nfatal: Could not read from remote repository.',
      'authentication',
      false,
    ],
    [
      'remote: GitLab: This deploy key does not have write access to this project.\nfatal: Could not read from remote repository.',
      'authentication',
      false,
    ],
    ['ERROR: Repository not found.\nfatal: Could not read from remote repository.', 'not_found', false],
    [
      'remote: The project you were looking for could not be found.\nfatal: Could not read from remote repository.',
      'not_found',
      false,
    ],
    [
      'ssh: connect to host x port 22: Connection timed out\nfatal: Could not read from remote repository.',
      'unreachable',
      true,
    ],
    [
      'ssh: Could not resolve hostname x: Name or service not known\nfatal: Could not read from remote repository.',
      'unreachable',
      true,
    ],
    [
      'Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-dss\nfatal: Could not read from remote repository.',
      'unreachable',
      false,
    ],
    [
      'kex_exchange_identification: read: Connection reset by peer\nfatal: Could not read from remote repository.',
      'unreachable',
      true,
    ],
    ['ssh: 1: ssh: not found\nfatal: Could not read from remote repository.', 'protocol_refused', false],
    ['something new', 'other', false],
  ];
  for (const [stderr, code, retryable] of cases) {
    const error = diagnose(stderr, 'https://x');
    assert.equal(error.code, code, stderr);
    assert.equal(error.retryable, retryable, stderr);
    assert.match(error.message, /https:\/\/x/u);
  }
});

test('what a remote says is bounded, on one line, and without escapes and credentials', () => {
  const words = wordsOf(
    `remote: \u001b[31mred\u0007\nfatal: https://user:tok@host/x failed\n${'long '.repeat(500)}`,
  );
  assert.ok(words.length <= 500);
  assert.ok(words.startsWith('remote: red  | fatal: https://host/x failed'), words);
  assert.equal(wordsOf(' \n'), 'no message');
});
