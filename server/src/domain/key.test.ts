import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isName, scopeCovers, scopeProblem } from './key.ts';

test('a name has letters, digits, dashes and underscores, and is not the word of a route', () => {
  for (const name of ['a', 'my-github_key', '0', 'A'.repeat(100)]) assert.ok(isName(name), name);
  for (const name of ['', 'a b', 'a/b', 'ä', 'a.b', 'a\n', '%00', 'catalog', 'a'.repeat(101)]) {
    assert.ok(!isName(name), name);
  }
});

test('a scope is an owner or a repository, of ssh a host, of Sentry an organization or a project', () => {
  const fine = [
    ['github', ''],
    ['github', 'acme'],
    ['github', 'acme/engine.js'],
    ['gitlab', 'group/sub/project'],
    ['sentry', 'acme'],
    ['sentry', 'acme-2/web_app'],
    ['ssh', 'git.example.com'],
    ['ssh', 'git.example.com:2222/team/engine'],
    ['ssh', '[::1]:22/team'],
  ] as const;
  for (const [provider, scope] of fine) assert.equal(scopeProblem(provider, scope), undefined, scope);
  const wrong = [
    ['github', 'acme/engine/more'],
    ['github', 'https://github.com/acme'],
    ['github', '/acme'],
    ['github', 'acme/'],
    ['github', 'acme/..'],
    ['github', '../acme'],
    ['github', 'acme engine'],
    ['github', 'acme/*'],
    ['gitlab', 'group//project'],
    ['gitlab', 'a'.repeat(501)],
    ['sentry', 'acme/web/more'],
    ['sentry', 'acme/'],
    ['sentry', 'acme.example'],
    ['sentry', 'acme/..'],
    ['ssh', 'Git.Example.com'],
    ['ssh', 'git@git.example.com'],
    ['ssh', 'git.example.com:0'],
    ['ssh', 'git.example.com/../x'],
  ] as const;
  for (const [provider, scope] of wrong) assert.notEqual(scopeProblem(provider, scope), undefined, scope);
});

const github = { host: 'github.com', path: 'acme/engine' };

test('a scope covers whole words of a path, and nothing that only begins like them', () => {
  const covers = (scope: string, path = github.path) =>
    scopeCovers({ provider: 'github', scope }, { ...github, path });
  for (const scope of ['', 'acme', 'acme/engine', 'ACME', 'Acme/Engine']) assert.ok(covers(scope), scope);
  for (const scope of ['acm', 'engine', 'acme/eng', 'acme/engine2', 'other', 'github.com']) {
    assert.ok(!covers(scope), scope);
  }
  assert.ok(!covers('acme', 'acme-evil/engine'));
  assert.ok(!covers('acme', 'acme%2Fevil/engine'));
  assert.ok(!covers('acme', 'evil/acme'));
});

test("a scope of ssh begins with the host, and with the host's port", () => {
  const covers = (scope: string, host: string) =>
    scopeCovers({ provider: 'ssh', scope }, { host, path: 'team/engine' });
  assert.ok(covers('git.example.com', 'git.example.com'));
  assert.ok(covers('git.example.com/team', 'git.example.com'));
  assert.ok(!covers('git.example.com', 'git.example.com:2222'));
  assert.ok(!covers('git.example.com', 'git.example.com.evil.example'));
  assert.ok(!covers('git.example.com/Team', 'git.example.com'));
});

test('whatever is no part of an owner is not covered by it', () => {
  const word = fc.stringMatching(/^[a-z0-9-]{1,8}$/u);
  fc.assert(
    fc.property(word, word, word, (owner, other, name) => {
      const covered = scopeCovers(
        { provider: 'gitlab', scope: owner },
        { host: 'h', path: `${other}/${name}` },
      );
      assert.equal(covered, owner === other);
    }),
  );
});
