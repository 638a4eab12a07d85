import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTree, roomOf, violationsOf, type SourceFile, type Table } from './support/architecture.ts';

/**
 * Who may import what, beside itself. Arrows go one way: main → compose → {http, worker, effects, cli} →
 * services → {store, ports} → domain; adapters hang from their ports. A room that is not here does not exist.
 */
const table: Table = {
  main: { why: '', imports: ['*'], packages: ['*'], node: true },
  compose: {
    why: 'what composes is imported, and imports no command',
    imports: ['*'],
    packages: ['*'],
    node: true,
  },
  commands: {
    why: 'a command of the server asks compose, and looks at what the host has',
    imports: [
      'compose',
      'config',
      'data-folder',
      'version',
      'domain',
      'executors',
      'git',
      'lib',
      'postgres',
      'store',
    ],
    node: true,
  },
  config: { why: 'the configuration knows no room', imports: ['domain', 'lib'], node: false },
  'data-folder': { why: 'the data folder knows no room', imports: ['lib'], node: true },
  log: {
    why: 'the log knows what has to be hidden, and no room beside that',
    imports: ['lib', 'secrets'],
    types: ['config'],
    packages: ['pino'],
    node: true,
  },
  version: { why: 'the version is a word', imports: [], node: false },

  domain: { why: 'domain is pure', imports: ['lib'], node: false, pure: true },
  lib: { why: 'lib knows no room and no library', imports: [], node: true },
  store: {
    why: 'store is SQL over the domain',
    imports: ['domain', 'lib'],
    packages: ['kysely', 'pg'],
    node: true,
  },
  git: { why: 'git knows repositories, not tasks', imports: ['domain', 'lib'], node: true },
  secrets: { why: 'secrets are kept and hidden, nothing else', imports: ['domain', 'lib'], node: true },
  postgres: {
    why: 'the launcher knows PostgreSQL and nothing of ours',
    imports: ['lib'],
    packages: ['pg'],
    node: true,
  },
  telemetry: {
    why: 'telemetry knows the libraries that measure and trace, and nothing of ours',
    imports: ['lib'],
    packages: [
      'prom-client',
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace',
    ],
    node: false,
  },
  supervisor: { why: 'the supervisor is a program of its own, over lib alone', imports: ['lib'], node: true },

  agents: { why: 'a port knows no adapter and no other room', imports: ['domain', 'lib'], node: true },
  executors: { why: 'a port knows no adapter and no other room', imports: ['domain', 'lib'], node: true },
  forges: { why: 'a port knows no adapter and no other room', imports: ['domain', 'lib'], node: true },
  sentry: { why: 'the client of Sentry knows no other room', imports: ['lib'], node: false },
  'agents/*': {
    why: 'an adapter hangs from its port alone',
    imports: ['its port', 'domain', 'git', 'lib'],
    node: true,
  },
  'executors/*': {
    why: 'an adapter hangs from its port alone',
    imports: ['its port', 'domain', 'git', 'lib'],
    node: true,
  },
  'forges/*': {
    why: 'an adapter hangs from its port alone; a GitHub App signs JSON web tokens with jose',
    imports: ['its port', 'domain', 'git', 'lib'],
    packages: ['jose'],
    node: true,
  },

  workflows: {
    why: 'workflows are read and filled in here, and nothing is done',
    imports: ['domain', 'lib'],
    packages: ['json-p3'],
    node: true,
  },
  services: {
    why: 'a service is one verb over the store; of ports it knows the types',
    imports: ['domain', 'lib', 'secrets', 'store', 'workflows'],
    types: ['agents', 'executors', 'forges', 'git', 'sentry'],
    node: true,
  },
  worker: {
    why: 'the worker knows ports, no adapter and no HTTP',
    imports: [
      'agents',
      'domain',
      'executors',
      'forges',
      'git',
      'lib',
      'secrets',
      'services',
      'store',
      'supervisor',
    ],
    packages: ['pg'],
    node: true,
  },
  effects: {
    why: 'an effect knows ports, no adapter and no HTTP',
    imports: [
      'agents',
      'domain',
      'executors',
      'forges',
      'git',
      'lib',
      'secrets',
      'services',
      'store',
      'supervisor',
      'workflows',
    ],
    node: true,
  },
  http: {
    why: 'HTTP asks services, never the store, the worker or an adapter',
    imports: ['domain', 'lib', 'services'],
    packages: [
      'fastify',
      'typebox',
      '@fastify/type-provider-typebox',
      '@fastify/swagger',
      '@fastify/swagger-ui',
      'yaml',
    ],
    node: true,
  },
  cli: {
    why: 'the command line is a client like any other',
    imports: ['lib'],
    packages: ['@slipway/client', 'commander'],
    node: true,
  },
  demo: {
    why: 'the demo does what a user would do',
    imports: ['cli', 'lib'],
    packages: ['@slipway/client'],
    node: true,
  },
  client: { why: 'the client depends on nothing', imports: [], node: false },
};

const tree = readTree();
const production = tree.filter((file) => !file.path.endsWith('.test.ts'));

test('every import follows an arrow of the house, and every file keeps its form', () => {
  const violations = violationsOf(tree, table);
  assert.equal(violations.length, 0, `\n${violations.join('\n')}`);
});

test('the test sees the whole house', (t) => {
  t.diagnostic(`${production.length} files and ${tree.length - production.length} tests were read`);
  assert.ok(production.length >= 180, `only ${production.length} files were read`);
  const rooms = new Set(production.map((file) => roomOf(file.path)));
  const named = Object.keys(table).filter((name) => !name.includes('*'));
  const empty = named.filter((name) => !rooms.has(name));
  assert.deepEqual(empty, [], 'rooms of the table without a file');
});

/** One file in a house with a file in each room, and what is said about it. */
function judge(path: string, text: string): readonly string[] {
  const planted: SourceFile = { path, text };
  return violationsOf([...furniture.filter((file) => file.path !== path), planted], table);
}

const furniture: readonly SourceFile[] = [
  { path: 'server/src/lib/pure.ts', text: 'export const one = 1;\n' },
  {
    path: 'server/src/lib/disk.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
  },
  {
    path: 'server/src/lib/over-disk.ts',
    text: "import { read } from './disk.ts';\nexport const again = read;\n",
  },
];

const pathIn: Readonly<Record<string, string>> = {
  main: 'server/src/main.ts',
  compose: 'server/src/compose.ts',
  config: 'server/src/config.ts',
  'data-folder': 'server/src/data-folder.ts',
  log: 'server/src/log.ts',
  version: 'server/src/version.ts',
  client: 'client/src/client.ts',
};
const roomFile = (name: string): string => pathIn[name] ?? `server/src/${name.replace('*', 'planted')}/x.ts`;

test('an import that the table does not have is caught, from every room to every other', () => {
  let caught = 0;
  for (const [name, room] of Object.entries(table)) {
    for (const other of Object.keys(table)) {
      if (other === name || name === 'client' || other === 'client') continue;
      const path = roomFile(name);
      const up = '../'.repeat(path.split('/').length - 3);
      const target = roomFile(other).slice('server/src/'.length);
      const said = judge(path, `import { x } from './${up}${target}';\nexport const y = x;\n`);
      const isOwnPort = room.imports.includes('its port') && name === `${other}/*`;
      const isAllowed = room.imports.includes('*') || room.imports.includes(other) || isOwnPort;
      assert.equal(said.length, isAllowed ? 0 : 1, `${name} → ${other}: ${said.join()}`);
      if (isAllowed) continue;
      caught += 1;
      const [line = ''] = said;
      assert.ok(line.startsWith(`${path}:1 imports `) && line.endsWith(`: ${room.why}`), line);
    }
  }
  assert.ok(caught >= 400, `${caught} planted imports were caught`);
});

const planted: readonly (readonly [kind: string, path: string, text: string, said: RegExp])[] = [
  [
    'Node in the domain',
    'server/src/domain/x.ts',
    "import { join } from 'node:path';",
    /imports node:path: domain is pure/u,
  ],
  [
    'Node behind lib',
    'server/src/domain/x.ts',
    "import { again } from '../lib/over-disk.ts';",
    /over-disk\.ts, which needs Node: domain is pure/u,
  ],
  ['a package', 'server/src/services/x.ts', "import pg from 'pg';", /imports the package pg/u],
  [
    'a deep package',
    'server/src/worker/x.ts',
    "import { x } from '@fastify/cors/deep.js';",
    /imports the package @fastify\/cors/u,
  ],
  [
    'values of a port',
    'server/src/services/x.ts',
    "import { type Agent, x } from '../agents/agent.ts';",
    /more than types of agents\//u,
  ],
  [
    'a re-export',
    'server/src/http/x.ts',
    "export { x } from '../store/database.ts';\nexport const y = 1;",
    /imports store\//u,
  ],
  [
    'an import over lines',
    'server/src/http/x.ts',
    "import {\n  x,\n} from '../worker/worker.ts';",
    /x\.ts:3 imports worker\//u,
  ],
  ['an import for its effects', 'server/src/lib/x.ts', "import '../store/database.ts';", /imports store\//u],
  [
    'an import when it is run',
    'server/src/lib/x.ts',
    "const x = await import('../store/database.ts');",
    /imports store\//u,
  ],
  [
    'a sibling adapter',
    'server/src/executors/process/x.ts',
    "import { x } from '../bubblewrap/y.ts';",
    /imports executors\/bubblewrap\//u,
  ],
  [
    'a sibling surface',
    'server/src/http/surfaces/codebot/x.ts',
    "import { x } from '../codeforge/y.ts';",
    /sibling surfaces\/codeforge\//u,
  ],
  [
    'the client by its path',
    'server/src/cli/x.ts',
    "import { x } from '../../../client/src/client.ts';",
    /imports client\/ by its path/u,
  ],
  [
    'the server from the client',
    'client/src/x.ts',
    "import { x } from '../../server/src/lib/pure.ts';",
    /imports lib\/ by its path/u,
  ],
  [
    'a package in the client',
    'client/src/x.ts',
    "import { x } from 'undici';",
    /imports the package undici: the client/u,
  ],
  ['a room without a row', 'server/src/utils/x.ts', '', /utils\/ is no room of the house/u],
  ['the environment', 'server/src/lib/x.ts', 'const x = process.env;', /reads process\.env/u],
  ['the environment, taken apart', 'server/src/lib/x.ts', 'const { env } = process;', /reads process\.env/u],
  ['the environment by name', 'server/src/lib/x.ts', "const x = process['env'];", /reads process\.env/u],
  ['an exit', 'server/src/cli/x.ts', 'process.exit(1);', /calls process\.exit/u],
  ['a default export', 'server/src/lib/x.ts', 'export default 1;', /has a default export/u],
  ['a barrel by name', 'server/src/store/index.ts', 'export const x = 1;', /is a barrel/u],
  [
    'a barrel by content',
    'server/src/store/all.ts',
    "export { x } from './x.ts';\nexport * from './y.ts';",
    /is a barrel/u,
  ],
  ['a long file', 'server/src/lib/x.ts', 'x();\n'.repeat(401), /has 401 lines/u],
  ['a deep folder', 'server/src/git/a/b/x.ts', '', /lies 3 folders deep/u],
  ['a deep folder of a surface', 'server/src/http/surfaces/codeforge/deep/x.ts', '', /lies 4 folders deep/u],
];

for (const [kind, path, text, said] of planted) {
  test(`a planted violation is caught: ${kind}`, () => {
    const violations = judge(path, text);
    assert.equal(violations.length, 1, violations.join('\n'));
    assert.match(violations[0] ?? '', said);
  });
}

const innocent: readonly (readonly [kind: string, path: string, text: string])[] = [
  ['a type of a port', 'server/src/services/x.ts', "import type { Agent } from '../agents/agent.ts';"],
  [
    'types in braces',
    'server/src/services/x.ts',
    "import { type Agent, type Other } from '../agents/agent.ts';",
  ],
  ['a pure file of lib', 'server/src/domain/x.ts', "import { one } from '../lib/pure.ts';"],
  [
    'an import in a comment',
    'server/src/domain/x.ts',
    "/*\nimport { x } from '../store/x.ts';\n*/\n// process.env",
  ],
  [
    'a test',
    'server/src/domain/x.test.ts',
    "import { join } from 'node:path';\nimport { x } from '../store/x.ts';",
  ],
  ['an exit code', 'server/src/cli/x.ts', 'process.exitCode = 1;'],
  ['400 lines', 'server/src/lib/x.ts', 'x();\n'.repeat(400)],
  ['the door of the client', 'client/src/index.ts', "export { x } from './client.ts';"],
];

for (const [kind, path, text] of innocent) {
  test(`what is allowed is left alone: ${kind}`, () => assert.deepEqual(judge(path, text), []));
}
