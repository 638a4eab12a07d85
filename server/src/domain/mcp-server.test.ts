import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  sealableServers,
  secretValuesOf,
  serversFromSealed,
  shownServer,
  type McpServerDefinition,
} from './mcp-server.ts';

const stdio: McpServerDefinition = {
  transport: 'stdio',
  package: '@example/server',
  command: 'npx',
  args: ['--flag'],
  env: { API_KEY: 'top-secret-1', FROM_STEP: '{{.Params.token}}', MIXED: 'x {{.Params.token}}' },
};
const http: McpServerDefinition = {
  transport: 'http',
  url: 'https://mcp.example/mcp?key=top%20secret-2&bare-secret-3&from={{.Params.a}}',
  headers: { Authorization: 'Bearer top-secret-4' },
};

const words = fc.string({ unit: 'binary', minLength: 1 });
const values = fc.dictionary(words, fc.string({ unit: 'binary' }));
const anyServer: fc.Arbitrary<McpServerDefinition> = fc.oneof(
  fc.record(
    {
      transport: fc.constant('stdio' as const),
      package: words,
      command: words,
      args: fc.array(fc.string()),
      env: values,
    },
    { requiredKeys: ['transport', 'args', 'env'] },
  ),
  fc.record({ transport: fc.constant('http' as const), url: fc.webUrl(), headers: values }),
);

test('of environment, headers and query the names are shown, and what a workflow fills in', () => {
  assert.deepEqual(shownServer(stdio), {
    ...stdio,
    env: { API_KEY: '***', FROM_STEP: '{{.Params.token}}', MIXED: '***' },
  });
  assert.deepEqual(shownServer(http), {
    transport: 'http',
    url: 'https://mcp.example/mcp?key=***&***&from={{.Params.a}}',
    headers: { Authorization: '***' },
  });
});

test('of an address that is none yet the parts that may be secret are masked too', () => {
  const shown = (url: string) => {
    const server = shownServer({ transport: 'http', url, headers: {} });
    return server.transport === 'http' ? server.url : '';
  };
  assert.equal(shown('{{.Params.url}}/mcp'), '{{.Params.url}}/mcp');
  assert.equal(shown('https://u:password@h/x?a=b=c#token'), 'https://***@h/x?a=***#***');
  assert.equal(shown('https://h/x'), 'https://h/x');
});

test('no value that is hidden stands in what is shown', () => {
  fc.assert(
    fc.property(anyServer, fc.stringMatching(/^[a-z0-9]{20}$/u), (server, secret) => {
      const given =
        server.transport === 'stdio'
          ? { ...server, env: { ...server.env, KEY: secret } }
          : {
              ...server,
              headers: { ...server.headers, Key: secret },
              url: `${server.url.split('#')[0]}?q=${secret}`,
            };
      assert.ok(!JSON.stringify(shownServer(given)).includes(secret));
      assert.ok(secretValuesOf(given).includes(secret));
    }),
  );
});

test('what is hidden are values as they are written, and the token behind its scheme', () => {
  assert.deepEqual(secretValuesOf(stdio), Object.values(stdio.env));
  assert.deepEqual(secretValuesOf(http).slice(0, 4), [
    'Bearer top-secret-4',
    'top-secret-4',
    'top secret-2',
    'bare-secret-3',
  ]);
});

test('servers are sealed as text and read back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ name: words, server: anyServer })), (servers) => {
      assert.deepEqual(serversFromSealed(sealableServers(servers)), JSON.parse(JSON.stringify(servers)));
    }),
  );
  for (const text of ['{}', '[1]', '[["a", {}]]', '[[1, {"transport": "http"}]]', 'x']) {
    assert.throws(() => serversFromSealed(text));
  }
});
