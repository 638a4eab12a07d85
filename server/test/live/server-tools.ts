import assert from 'node:assert/strict';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { ended } from '../e2e/agent-tasks.ts';
import { createTask, madeKey } from './server-house.ts';
import type { ServerScenario } from './server-scenarios.ts';

/**
 * An MCP server that every sandbox can run: its tool `hail` answers with a setting of its environment, and what
 * asks for something else gets an empty answer.
 */
const shellServer = String.raw`
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/p')
  [ -n "$id" ] || continue
  case "$line" in
    *'"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[{"name":"hail","description":"Hails.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}' ;;
    *'"tools/call"'*) result="{\"content\":[{\"type\":\"text\",\"text\":\"hailed with $HAIL_KEY\"}]}" ;;
    *) result='{}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done`;

/** What agents are given, by the whole road from an API's caller to their programs. */
export const toolScenarios: readonly ServerScenario[] = [
  {
    name: 'server: MCP servers inside and outside are called, of broken ones is told, no secret',
    async holds(house, agent) {
      const key = madeKey();
      const { url, token } = house.mcp;
      const id = await createTask(house, agent, `${scenarioMarker('mcp', 'hail,ping')} ${agent}`, {
        mcp_servers: [
          { name: 'inside', command: 'sh', args: ['-c', shellServer], env: { HAIL_KEY: key } },
          { name: 'outside', transport: 'http', url, headers: { Authorization: `Bearer ${token}` } },
          { name: 'broken', command: '/no/such/server' },
          { name: 'refused', transport: 'http', url: 'https://mcp.forbidden.example/mcp' },
        ],
      });
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.match(task.result ?? '', /Done: step 2 of mcp/u);
      const events = await house.query<{ type: string; data: Readonly<Record<string, unknown>> }>(
        'select type, data from events where stream_id = $1 order by id',
        [id],
      );
      const said = JSON.stringify(events);
      assert.match(said, /hailed with \[secret\]/u);
      assert.match(said, /pong: pong-please/u);
      assert.ok(![key, token].some((secret) => said.includes(secret)));
      const of = (type: string) => events.filter((event) => event.type === type).map(({ data }) => data);
      const missing = new Set(of('mcp_server_failed').map(({ server }) => server));
      assert.deepEqual(missing, new Set(['broken', 'refused']));
      assert.equal(of('mcp_server_failed').length, 2);
      assert.deepEqual(
        new Set(of('egress_refused').map(({ host }) => host)),
        new Set(['mcp.forbidden.example']),
      );
    },
  },
];
