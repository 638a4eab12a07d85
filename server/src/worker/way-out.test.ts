import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClaudeCodeAgent } from '../agents/claude-code/claude-code-agent.ts';
import { scriptAgent } from '../agents/script/script-agent.ts';
import { runKinds } from '../domain/run-state.ts';
import type { Place } from '../executors/executor.ts';
import { Secret } from '../lib/secret.ts';
import { proxyEnvironment, wayOutOf } from './way-out.ts';

const place: Place = {
  folder: '/f',
  tree: '/t',
  home: '/h',
  treeInside: '/workspace',
  homeInside: '/home/agent',
  uid: undefined,
  wayOutPort: 3128,
};
const model = { url: 'http://127.0.0.1:9', key: undefined };
const context = {
  folders: { sockets: '/run/x' },
  settings: { models: { anthropic: model, openai: model }, allowEgress: ['git.example.com'] },
};

test('whoever reads a pull request reaches the model and no host that the operator lists', () => {
  const claude = createClaudeCodeAgent({ modelRetries: 1 });
  const key = new Secret('k');
  for (const kind of runKinds) {
    const run = { runId: 'r', workspaceId: 'w', kind };
    const wayOut = wayOutOf(context, run, { agent: claude, place, key });
    assert.equal(wayOut?.relays.length, 1);
    const reaches = kind === 'pr_review' ? [] : ['git.example.com'];
    assert.deepEqual(wayOut.allow, reaches, kind);
    const proxy = (hasServers: boolean) => proxyEnvironment(context, run, { place, hasServers });
    assert.equal('HTTPS_PROXY' in proxy(false), reaches.length > 0);
    // What a server is refused is known by its host.
    assert.equal('HTTPS_PROXY' in proxy(true), true);
  }
  const script = { agent: scriptAgent, place, key: undefined };
  assert.equal(wayOutOf(context, { runId: 'r', workspaceId: 'w', kind: 'pr_review' }, script), undefined);
});
