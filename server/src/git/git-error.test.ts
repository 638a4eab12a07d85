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
