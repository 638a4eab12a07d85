import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMcpServer, type McpServerInput } from './mcp-server-problems.ts';

function problems(input: Partial<McpServerInput>, needsPackage = true): Readonly<Record<string, string>> {
  const checked = checkMcpServer({ name: 'context7', ...input }, { needsPackage });
  return 'problems' in checked ? checked.problems : {};
}

const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`K${index}`, 'v']));
const http = { transport: 'http', url: 'https://mcp.example/mcp' };

const refused: readonly (readonly [Partial<McpServerInput>, string, string])[] = [
  [{ name: '' }, 'name', 'field is required'],
  [{ name: 'catalog' }, 'name', 'must be letters, digits, - or _, and not catalog'],
  [{ name: 'a b' }, 'name', 'must be letters, digits, - or _, and not catalog'],
  [{ name: 'a'.repeat(101) }, 'name', 'exceeds maximum length'],
  [{ transport: 'sse' }, 'transport', 'must be stdio or http'],
  [{}, 'package', 'field is required'],
  [{ command: 'npx' }, 'package', 'field is required'],
  [{ package: '-y' }, 'package', 'must not begin with a dash'],
  [{ package: 'p'.repeat(501) }, 'package', 'exceeds maximum length'],
  [{ package: 'a\u0000b' }, 'package', 'must not contain NUL characters'],
  [{ package: 'p', command: '-c' }, 'command', 'must not begin with a dash'],
  [{ package: 'p', url: 'https://h' }, 'url', 'is for http servers'],
  [{ package: 'p', args: Array.from({ length: 65 }, () => 'x') }, 'args', 'must have at most 64 entries'],
  [{ package: 'p', args: ['a\u0000'] }, 'args', 'must not contain NUL characters'],
  [{ package: 'p', args: ['x'.repeat(4_097)] }, 'args', 'exceeds maximum length'],
  [{ package: 'p', args: ['\ud800'] }, 'args', 'must be valid Unicode'],
  [{ package: 'p', env: many }, 'env', 'must have at most 64 entries'],
  [
    { package: 'p', env: { '1A': 'x' } },
    'env',
    'must have names of letters, digits and _, not beginning with a digit',
  ],
  [{ package: 'p', env: { A: 'x\u0000' } }, 'env', 'must not contain NUL characters'],
  [{ transport: 'http' }, 'url', 'field is required'],
  [{ transport: 'http', url: 'ftp://h' }, 'url', 'must be a valid URL'],
  [{ transport: 'http', url: 'https://u:p@h/' }, 'url', 'must not contain a user name or password'],
  [{ ...http, package: 'p' }, 'package', 'is for stdio servers'],
  [{ ...http, headers: { 'a b': 'x' } }, 'headers', 'must have names that HTTP can carry'],
  [{ ...http, headers: { A: 'x\ny' } }, 'headers', 'must have values of printable ASCII'],
  [{ ...http, headers: { A: 'x', a: 'y' } }, 'headers', 'must name each header once'],
  [{ ...http, headers: many }, 'headers', 'must have at most 64 entries'],
];
for (const [input, field, message] of refused) {
  test(`${JSON.stringify(input).slice(0, 60)} is refused: ${field}: ${message}`, () => {
    assert.equal(problems(input)[field], message);
  });
}

test('what is left out is filled in', () => {
  assert.deepEqual(checkMcpServer({ name: 'a', package: 'p' }, { needsPackage: true }), {
    server: { name: 'a', server: { transport: 'stdio', package: 'p', args: [], env: {} } },
  });
  assert.deepEqual(checkMcpServer({ name: 'a', ...http }, { needsPackage: true }), {
    server: { name: 'a', server: { transport: 'http', url: http.url, headers: {} } },
  });
});

test('a server of a task may be a command alone, but not nothing', () => {
  assert.deepEqual(problems({ command: 'npx', args: ['@a/b'] }, false), {});
  assert.deepEqual(problems({}, false), { package: 'field is required' });
});

test('all that is wrong is told at once, and no value with it', () => {
  const secret = 'hunter2'.repeat(1_000);
  const told = problems({ name: '!', package: '', env: { 'A B': secret }, args: [secret] });
  assert.deepEqual(Object.keys(told), ['name', 'package', 'args', 'env']);
  assert.ok(!JSON.stringify(told).includes('hunter2'));
});
