import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressGuard } from './guarded-address.ts';

const readWith = (allow: readonly string[], text: string) => {
  const address = createAddressGuard(allow).read(text);
  return typeof address === 'string' ? address : `${address.target.host}:${address.target.port}`;
};

test('an address on the web is taken apart, whatever its spelling', () => {
  const cases = [
    ['https://hooks.example.com/a?b=c#d', 'hooks.example.com:443'],
    ['http://hooks.example.com/', 'hooks.example.com:80'],
    ['HTTPS://Hooks.Example.COM:8443', 'hooks.example.com:8443'],
    ['https://hooks.example.com./a', 'hooks.example.com:443'],
    ['https://bücher.example/', 'xn--bcher-kva.example:443'],
    ['https://ex%61mple.com/', 'example.com:443'],
    ['https:hooks.example.com', 'hooks.example.com:443'],
    ['https://8.8.8.8/', '8.8.8.8:443'],
    ['https://134744072/', '8.8.8.8:443'],
    ['https://[2606:4700::1111]/', '2606:4700::1111:443'],
  ] as const;
  for (const [text, target] of cases) assert.equal(readWith([], text), target, text);
});

test('what is no address of http or https is told apart from one with a user name', () => {
  const none = [
    '',
    'hooks.example.com/a',
    '/a',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_x',
    'javascript:alert(1)',
    'data:text/plain,x',
    'https://',
    'https://hooks.example.com:0/',
    'https://hooks.example.com:65536/',
    'https://[fe80::1%25eth0]/',
    'https://a b/',
    'https://127.0.0.1.999/',
  ];
  for (const text of none) assert.equal(readWith([], text), 'not_a_url', text);
  for (const text of ['https://a@b.example/', 'https://a:b@b.example/', 'https://:b@b.example/'])
    assert.equal(readWith([], text), 'credentials', text);
  // The host is what stands behind the last @, however much it looks like a path or a name.
  assert.equal(readWith([], 'https://hooks.example.com@127.0.0.1/'), 'credentials');
});

/** Spellings of addresses that are not on the internet. */
const closed = [
  '127.0.0.1 127.0.0.1. 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.2 0 0.0.0.0',
  '10.0.0.1 10.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376',
  '198.18.0.1 224.0.0.1 255.255.255.255 192.0.2.1 203.0.113.9 １２７.０.０.１ 127。0。0。1 %31%32%37.0.0.1',
  '[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [::127.0.0.1] [fd00::1]',
  '[fe80::1] [fec0::1] [ff02::1] [64:ff9b::7f00:1] [64:ff9b::169.254.169.254] [64:ff9b:1::1] [2002:7f00:1::]',
  '[2001:0:53aa:64c::1] [2001:db8::1] localhost LOCALHOST localhost. app.localhost a.b.localhost. ⓛocalhost',
].flatMap((line) => line.split(' '));

test('a host that is not on the internet is refused at sight, however it is written', () => {
  for (const host of closed) {
    for (const port of ['', ':8080', ':443']) {
      assert.equal(readWith([], `http://${host}${port}/hook`), 'not_public', host + port);
    }
  }
});

test('what an operator lists is allowed for the ports of the entry, and nothing else with it', () => {
  assert.equal(readWith(['127.0.0.1:9000'], 'http://127.0.0.1:9000/'), '127.0.0.1:9000');
  assert.equal(readWith(['127.0.0.1:9000'], 'http://2130706433:9000/'), '127.0.0.1:9000');
  assert.equal(readWith(['127.0.0.1:9000'], 'http://127.0.0.1:9001/'), 'not_public');
  assert.equal(readWith(['127.0.0.1:9000'], 'http://127.0.0.2:9000/'), 'not_public');
  assert.equal(readWith(['127.0.0.1:9000'], 'http://[::ffff:127.0.0.1]:9000/'), 'not_public');
  assert.equal(readWith(['127.0.0.1'], 'http://127.0.0.1/'), '127.0.0.1:80');
  assert.equal(readWith(['127.0.0.1'], 'http://127.0.0.1:9000/'), 'not_public');
  assert.equal(readWith(['[::1]:9000'], 'http://[0:0::1]:9000/'), '::1:9000');
  assert.equal(readWith(['localhost:9000'], 'http://localhost:9000/'), 'localhost:9000');
  assert.equal(readWith(['localhost:9000'], 'http://app.localhost:9000/'), 'not_public');
  assert.equal(readWith(['*.localhost'], 'https://app.localhost/'), 'app.localhost:443');
});

test('a name leads where it likes on the internet, with all that it resolves to', () => {
  const { allows } = createAddressGuard([]);
  const target = { host: 'hooks.example.com', port: 443 };
  assert.ok(allows(target, ['8.8.8.8']));
  assert.ok(allows(target, ['8.8.8.8', '2606:4700::1111', '64:ff9b::808:808']));
  assert.ok(!allows(target, []));
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
    assert.ok(!allows(target, [address]), address);
    assert.ok(!allows(target, ['8.8.8.8', address]), `8.8.8.8 and ${address}`);
    assert.ok(!allows(target, [address, '8.8.8.8']), `${address} and 8.8.8.8`);
  }
  for (const strange of ['', 'nonsense', 'fe80::1%eth0', '::ffff:8.8.8.8']) {
    assert.ok(!allows(target, [strange]), strange);
  }
});

test('a listed name leads anywhere, a listed address is reached by any name', () => {
  const named = createAddressGuard(['*.internal', 'hooks.example.com:8443']);
  assert.ok(named.allows({ host: 'ci.internal', port: 443 }, ['10.0.0.1', '8.8.8.8']));
  assert.ok(!named.allows({ host: 'internal', port: 443 }, ['10.0.0.1']));
  assert.ok(!named.allows({ host: 'ci.internal.example', port: 443 }, ['10.0.0.1']));
  assert.ok(named.allows({ host: 'hooks.example.com', port: 8443 }, ['fd00::1']));
  assert.ok(!named.allows({ host: 'hooks.example.com', port: 443 }, ['fd00::1']));
  const addressed = createAddressGuard(['10.0.0.1:9000', '[fd00::1]:9000']);
  assert.ok(addressed.allows({ host: 'ci.example.com', port: 9000 }, ['10.0.0.1', 'fd00:0::1']));
  assert.ok(!addressed.allows({ host: 'ci.example.com', port: 9000 }, ['10.0.0.1', '10.0.0.2']));
  assert.ok(!addressed.allows({ host: 'ci.example.com', port: 443 }, ['10.0.0.1']));
});
