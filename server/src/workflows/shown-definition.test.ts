import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, WorkflowDefinition, WorkflowStepKind } from '../domain/workflow.ts';
import { shownDefinition } from './shown-definition.ts';

const secret = 's3cret';

function shownConfig(type: WorkflowStepKind, config: JsonObject): JsonObject | undefined {
  const definition: WorkflowDefinition = {
    name: 'w',
    description: '',
    steps: [{ name: 's', type, config }],
    parameters: [{ name: 'p', required: false, default: secret, sensitive: true }],
  };
  const shown = shownDefinition(definition);
  assert.ok(!JSON.stringify(shown).includes(secret), JSON.stringify(shown));
  return shown.steps[0]?.config;
}

test('what may be secret is masked, wherever in a step it stands', () => {
  assert.deepEqual(
    shownConfig('task', {
      repo_url: 'https://example.com/a',
      access_token: secret,
      ai_api_key: secret,
      tools: [{ name: 'sentry', config: { auth_token: secret, url: 'x', port: 7, on: true } }],
      mcp_servers: [{ name: 'a', args: ['b'], env: { K: secret }, headers: { K: `Bearer ${secret}` } }],
    }),
    {
      repo_url: 'https://example.com/a',
      access_token: '***',
      ai_api_key: '***',
      tools: [{ name: 'sentry', config: { auth_token: '***', url: '***', port: '***', on: true } }],
      mcp_servers: [{ name: 'a', args: ['b'], env: { K: '***' }, headers: { K: '***' } }],
    },
  );
  assert.deepEqual(shownConfig('fetch', { url: 'u', headers: { 'X-Key': secret, Accept: 'text/x' } }), {
    url: 'u',
    headers: { 'X-Key': '***', Accept: 'text/x' },
  });
});

test('a text that is one template is shown, also behind the name of a scheme', () => {
  const headers = {
    a: '{{.Params.token}}',
    b: 'Bearer {{ .Params.token }}',
    c: 'Basic {{.Params.x | urlEncode}}',
    d: '',
  };
  assert.deepEqual(shownConfig('fetch', { headers }), { headers });
});

test('a template does not hide a secret that stands beside or inside it', () => {
  const headers = {
    a: `${secret}{{.Params.x}}`,
    b: `{{"${secret}"}}`,
    c: `{{.Params.x}} ${secret}`,
    d: `${secret} {{.Params.x}}`,
  };
  assert.deepEqual(shownConfig('fetch', { headers }), {
    headers: { a: '***', b: '***', c: '***', d: '***' },
  });
});
