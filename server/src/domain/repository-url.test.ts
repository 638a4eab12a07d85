import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseRepositoryUrl, RepositoryUrlRefused } from './repository-url.ts';
import type { RepositoryUrlReason } from './repository-url.ts';

const strict = { allowFile: false, allowHttp: false, allowSsh: false };
const lenient = { allowFile: true, allowHttp: true, allowSsh: true };

test('spellings of one repository have one canonical address', () => {
  for (const text of [
    'https://GitHub.com/acme/Shop',
    'https://github.com:443/acme/Shop.git',
    'HTTPS://github.com/acme/Shop/',
    'https://github.com//acme/Shop.git/',
  ]) {
    assert.equal(parseRepositoryUrl(text, strict).canonical, 'https://github.com/acme/Shop', text);
  }
});

test('an address is told in its parts', () => {
  assert.deepEqual(parseRepositoryUrl('https://git.example.com:8443/team/group/app.git', strict), {
    kind: 'https',
    canonical: 'https://git.example.com:8443/team/group/app',
    host: 'git.example.com:8443',
    path: 'team/group/app',
    name: 'app',
    publicUrl: 'https://git.example.com:8443/team/group/app.git',
  });
});

test('file and http are taken when the operator allows them', () => {
  assert.equal(parseRepositoryUrl('file:///srv/git/app.git', lenient).canonical, 'file:///srv/git/app');
  assert.equal(parseRepositoryUrl('http://127.0.0.1:8080/app', lenient).kind, 'http');
});

test('over ssh, both forms and all spellings of one repository have one canonical address', () => {
  for (const text of [
    'git@git.example.com:acme/Shop.git',
    'git@Git.example.com:/acme/Shop',
    'ssh://git@git.example.com/acme/Shop.git',
    'ssh://git.example.com:22//acme/Shop/',
    'SSH://git@GIT.example.com:22/acme/Shop',
    'git+ssh://git@git.example.com/acme/Shop.git',
  ]) {
    assert.equal(parseRepositoryUrl(text, lenient).canonical, 'ssh://git@git.example.com/acme/Shop', text);
  }
  assert.deepEqual(parseRepositoryUrl('ssh://ada@git.example.com:2222/~/app.git', lenient), {
    kind: 'ssh',
    canonical: 'ssh://ada@git.example.com:2222/~/app',
    host: 'git.example.com:2222',
    path: '~/app',
    name: 'app',
    publicUrl: 'ssh://ada@git.example.com:2222/~/app.git',
  });
  assert.equal(parseRepositoryUrl('ssh://git@[::1]:2222/app', lenient).host, '[::1]:2222');
  assert.equal(parseRepositoryUrl('git@[::1]:app', lenient).host, '[::1]');
});

test('a path from the home folder of an ssh user stays one, and one from the root too', () => {
  const publicUrl = (text: string): string => parseRepositoryUrl(text, lenient).publicUrl;
  assert.equal(publicUrl('git@git.example.com:app.git'), 'git@git.example.com:app.git');
  assert.equal(publicUrl('git@git.example.com:/srv/app.git'), 'ssh://git@git.example.com/srv/app.git');
  assert.equal(publicUrl('ssh://git.example.com/srv/app.git'), 'ssh://git@git.example.com/srv/app.git');
});

test('an address for ssh that is none, or holds more than a name, is refused with its reason', () => {
  const cases: readonly (readonly [string, RepositoryUrlReason])[] = [
    ['ssh://-oProxyCommand=id/x', 'not_a_url'],
    ['ssh://git@-oProxyCommand=id/x', 'not_a_url'],
    ['ssh://-l@git.example.com/x', 'credentials'],
    ['-oProxyCommand=id@git.example.com:x', 'leading_dash'],
    ['git@-oProxyCommand=id:x', 'not_a_url'],
    ['ssh://git:secret@git.example.com/x', 'credentials'],
    ['ssh://git:@git.example.com/x', 'credentials'],
    ['ssh://@git.example.com/x', 'credentials'],
    ['ssh://a@b@git.example.com/x', 'credentials'],
    ['ssh://g%69t@git.example.com/x', 'credentials'],
    [`ssh://${'a'.repeat(33)}@git.example.com/x`, 'credentials'],
    ['ssh://git@git.example.com:acme/shop', 'not_a_url'],
    ['ssh://git@git.example.com:99999/x', 'not_a_url'],
    ['ssh://git@ex%61mple.com/x', 'not_a_url'],
    ['ssh://git@[::1/x', 'not_a_url'],
    ['ssh://git@git.example.com', 'path'],
    ['ssh://git@git.example.com/x%0ay', 'path'],
    ['ssh://git@git.example.com/x?y', 'query'],
    ['git@git.example.com:x?y', 'path'],
    ['git@git.example.com:../x', 'path'],
    ['git@git.example.com:a%2fb', 'path'],
    ['git@git.example.com:2222:x', 'path'],
    ['git@git.example.com:"x"', 'path'],
    ['git@git.example.com:.git', 'path'],
    ['git@git.example.com://x', 'scheme'],
    ['git@git.example.com:', 'scheme'],
  ];
  for (const [text, reason] of cases)
    assert.throws(() => parseRepositoryUrl(text, lenient), { reason }, `${text} → ${reason}`);
});

test('what is not taken is refused with its reason', () => {
  const cases: readonly (readonly [string, RepositoryUrlReason])[] = [
    ['', 'empty'],
    [`https://example.com/${'a'.repeat(3000)}`, 'too_long'],
    ['https://example.com/a\u0000b', 'control_characters'],
    ['https://example.com/a\nb', 'control_characters'],
    [' https://example.com/a', 'control_characters'],
    ['https://example.com\\@evil.example/a', 'control_characters'],
    ['https://example.com/a\u202eb', 'control_characters'],
    ['--upload-pack=touch', 'leading_dash'],
    ['git@github.com:acme/shop.git', 'ssh_not_allowed'],
    ['ssh://git@github.com/acme/shop', 'ssh_not_allowed'],
    ['github.com:acme/shop.git', 'scheme'],
    ['https://example.com/...git', 'path'],
    ['https://example.com/a/%2E%2e.git', 'path'],
    ['ext::sh -c', 'control_characters'],
    ['ext::sh', 'scheme'],
    ['git://github.com/a/b', 'scheme'],
    ['/etc/passwd', 'scheme'],
    ['../x', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['file:///srv/git', 'file_not_allowed'],
    ['http://example.com/a', 'http_not_allowed'],
    ['https://user@example.com/a', 'credentials'],
    ['https://user:token@example.com/a', 'credentials'],
    ['https://@example.com/a', 'credentials'],
    ['https://example.com/a?token=x', 'query'],
    ['https://example.com/a#x', 'query'],
    ['https://example.com', 'path'],
    ['https://example.com/.git', 'path'],
    ['https://example.com/a%00b', 'path'],
    ['https://example.com/a%0ab', 'path'],
    ['https://', 'not_a_url'],
    ['https://a:99999/x', 'not_a_url'],
  ];
  for (const [text, reason] of cases) {
    assert.throws(
      () => parseRepositoryUrl(text, strict),
      (error) => error instanceof RepositoryUrlRefused && error.reason === reason,
      `${text} → ${reason}`,
    );
  }
  assert.throws(() => parseRepositoryUrl('file://host/share', lenient), { reason: 'path' });
});

test('whatever the text, it is parsed or refused, and what is parsed is canonical', () => {
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    'file://',
    'ssh://',
    'git@',
    'ex.com:',
    ':22',
    '~',
    '/',
    '.git',
    '..',
    '@',
    ':',
    'a',
    'B',
    'ex.com',
    '%2e',
    '%',
    '[::1]',
    '//',
    '::',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(text, (given) => {
      try {
        const parsed = parseRepositoryUrl(given, lenient);
        const again = parseRepositoryUrl(parsed.canonical, lenient);
        assert.equal(again.canonical, parsed.canonical);
        assert.equal(parseRepositoryUrl(parsed.publicUrl, lenient).canonical, parsed.canonical);
        assert.doesNotMatch(parsed.canonical, /\.git$|\/$/u);
      } catch (error) {
        assert.ok(error instanceof RepositoryUrlRefused, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a token in the address reaches neither the parts nor the message', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9_%]{12,30}$/u).map((part) => `ghp_${part}`);
  fc.assert(
    fc.property(token, fc.constantFrom('https', 'http', 'file', 'ssh', 'ftp'), (secret, scheme) => {
      // Over ssh what stands before the "@" is a login's name, and shown as such.
      const policy = { ...lenient, allowSsh: false };
      for (const text of [
        `${scheme}://x:${secret}@example.com/a`,
        `${scheme}://${secret}@example.com/a`,
        `${secret}@example.com:a`,
      ]) {
        try {
          assert.ok(!JSON.stringify(parseRepositoryUrl(text, policy)).includes(secret));
        } catch (error) {
          assert.ok(error instanceof RepositoryUrlRefused, String(error));
          assert.ok(!error.message.includes(secret));
        }
      }
      assert.throws(() => parseRepositoryUrl(`ssh://x:${secret}@example.com/a`, lenient), {
        reason: 'credentials',
      });
    }),
  );
});
