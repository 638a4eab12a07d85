import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchOf } from './mcp-launch.ts';

type Words = {
  readonly package?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

function line({ args = [], env = {}, ...words }: Words): string {
  const launch = launchOf({ transport: 'stdio', args, env, ...words }, '/home/agent');
  return launch.transport === 'stdio' ? [launch.command, ...launch.args].join(' ') : '';
}

const cases: readonly (readonly [Words, string])[] = [
  [{ package: '@a/b', command: 'npx', args: ['--x', '1'] }, 'npx -y @a/b --x 1'],
  [{ package: '@a/b', command: '/usr/bin/npx' }, '/usr/bin/npx -y @a/b'],
  [{ package: 'mcp-x', command: 'uvx', args: ['--y'] }, 'uvx mcp-x --y'],
  [{ package: 'server.py', command: 'python3' }, 'python3 server.py'],
  [
    { package: 'image:1', command: 'docker', args: ['stdio'], env: { A: '1', B: '2' } },
    'docker run -i --rm -e A -e B image:1 stdio',
  ],
  [{ package: '@a/b' }, 'npx -y @a/b'],
  [{ package: 'mcp-server' }, 'npx -y mcp-server'],
  [{ package: '/opt/server', args: ['x'] }, '/opt/server x'],
  [{ package: './bin/server' }, './bin/server'],
  [{ package: '~/server' }, '/home/agent/server'],
  [{ command: 'npx', args: ['@a/b'] }, 'npx @a/b'],
  [{ command: '~/bin/server' }, '/home/agent/bin/server'],
];
for (const [words, wanted] of cases) {
  test(`${JSON.stringify(words)} is started as ${wanted}`, () => assert.equal(line(words), wanted));
}

test('the environment goes with the program, and an address stays as it is', () => {
  const env = { KEY: 'x' };
  const launch = launchOf({ transport: 'stdio', command: 'x', args: [], env }, '/h');
  assert.deepEqual(launch, { transport: 'stdio', command: 'x', args: [], env });
  const far = { transport: 'http', url: 'https://h/mcp?a=b', headers: { A: 'b' } } as const;
  assert.deepEqual(launchOf(far, '/h'), far);
});
