import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createAllowList, parseTarget } from './allow-list.ts';
import { isPublicAddress } from './public-address.ts';

function allows(entries: readonly string[], authority: string): boolean {
  const target = parseTarget(authority);
  return target !== undefined && createAllowList(entries).allowsName(target);
}

test('a host is allowed for 443 and 80, with a port for that alone', () => {
  assert.ok(allows(['example.com'], 'example.com:443'));
  assert.ok(allows(['example.com'], 'example.com:80'));
  assert.ok(!allows(['example.com'], 'example.com:8443'));
  assert.ok(!allows(['example.com'], 'www.example.com:443'));
  assert.ok(!allows(['example.com'], 'notexample.com:443'));
  assert.ok(allows(['example.com:8443'], 'example.com:8443'));
  assert.ok(!allows(['example.com:8443'], 'example.com:443'));
});

test('a star stands for what is below a host, not for the host and not for what ends like it', () => {
  for (const host of ['a.example.com', 'b.a.example.com'])
    assert.ok(allows(['*.example.com'], `${host}:443`));
  for (const host of ['example.com', 'aexample.com', 'a.example.com.evil.org']) {
    assert.ok(!allows(['*.example.com'], `${host}:443`), host);
  }
  assert.ok(allows(['*.example.com:22'], 'a.example.com:22'));
  assert.ok(!allows(['*.0.0.1'], '127.0.0.1:443'));
});

test('a host is the same host in every spelling', () => {
  for (const host of ['EXAMPLE.com', 'example.com.', 'Example.Com'])
    assert.ok(allows(['example.com'], `${host}:443`));
  assert.ok(allows(['Bücher.example'], 'xn--bcher-kva.example:443'));
  for (const host of ['127.0.0.1', '127.1', '0x7f.1', '2130706433', '0177.0.0.1']) {
    assert.ok(allows(['127.0.0.1'], `${host}:443`), host);
    assert.ok(!allows(['example.com'], `${host}:443`));
  }
  assert.ok(allows(['2001:4860::8888'], '[2001:4860:0:0::8888]:443'));
  assert.ok(allows(['[2001:4860::8888]:53'], '[2001:4860::8888]:53'));
});

test('what is no host and port is no target, and what cannot be read allows nothing', () => {
  const wrong = [
    '',
    'host',
    ':443',
    'host:',
    'host:0',
    'host:65536',
    'a@b:443',
    'a/b:443',
    'a\\b:443',
    'a?b:443',
  ];
  for (const authority of [
    ...wrong,
    '[::1',
    '[fe80::1%eth0]:443',
    'a b:443',
    '%61:443',
    '::1:443',
    '*:443',
  ]) {
    const target = parseTarget(authority);
    assert.ok(target === undefined || target.host === '*', authority);
  }
  for (const entry of ['', '*', '*.', 'a/b', 'https://example.com', '*.*']) {
    assert.ok(!allows([entry], 'example.com:443'), entry);
  }
});

const closed = [
  '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1',
  '192.168.1.1 198.18.0.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:7f00:1',
  '::ffff:8.8.8.8 ::127.0.0.1 0:0:0:0:0:ffff:a00:1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1',
  '2001::1 2001:db8::1 2002:7f00:1::1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 4000::1 nonsense',
].flatMap((line) => line.split(' '));
const open =
  '1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1 64:ff9b::808:808 64:ff9b::8.8.8.8';

test('an address is public or it is not, however it is written', () => {
  for (const address of closed) assert.ok(!isPublicAddress(address), address);
  for (const address of open.split(' ')) assert.ok(isPublicAddress(address), address);
});

test('a name leads to public addresses, and to others only where they are listed themselves', () => {
  const target = { host: 'registry.example', port: 443 };
  const named = createAllowList(['registry.example', 'localhost', '*.example']);
  assert.ok(named.allowsAddress(target, '8.8.8.8'));
  for (const address of closed) assert.ok(!named.allowsAddress(target, address), address);
  const listed = createAllowList(['registry.example', '10.1.2.3', '[fd00::1]:443', '10.9.9.9:22']);
  assert.ok(listed.allowsAddress(target, '10.1.2.3'));
  assert.ok(listed.allowsAddress(target, 'fd00:0::1'));
  assert.ok(!listed.allowsAddress(target, '10.9.9.9'));
  assert.ok(!listed.allowsAddress(target, '::ffff:10.1.2.3'));
});

test('localhost leads to the loopback and nowhere else', () => {
  const list = createAllowList(['localhost:5000']);
  const target = { host: 'localhost', port: 5000 };
  assert.ok(list.allowsName(target));
  for (const address of ['127.0.0.1', '127.0.0.2', '::1']) assert.ok(list.allowsAddress(target, address));
  for (const address of ['10.0.0.1', 'fe80::1']) assert.ok(!list.allowsAddress(target, address));
  assert.ok(!list.allowsName({ host: '127.0.0.1', port: 5000 }));
});
