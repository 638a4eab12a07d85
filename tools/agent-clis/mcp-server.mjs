import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/**
 * A small MCP server, made with the official SDK: what the live tests give to an agent. Its one tool answers
 * `pong: TEXT`, and writes a line to the file that PING_LOG names, so that a call can be counted. On stdio, or
 * with `--http` over HTTP on 127.0.0.2, which no sandbox takes for its own loopback: then its address is the
 * first line of its output, and with PING_TOKEN it answers 401 to whoever has not that bearer token.
 */
function createPing() {
  const server = new McpServer({ name: 'live', version: '1.0.0' });
  server.registerTool(
    'ping',
    { description: 'Answers pong and the text.', inputSchema: z.object({ text: z.string() }) },
    ({ text }) => {
      const log = process.env.PING_LOG;
      if (log !== undefined) appendFileSync(log, `${text}\n`);
      return { content: [{ type: 'text', text: `pong: ${text}` }] };
    },
  );
  return server;
}

function listen() {
  const token = process.env.PING_TOKEN;
  const handler = createMcpHandler(createPing);
  const listener = createServer(async (incoming, answer) => {
    if (token !== undefined && incoming.headers.authorization !== `Bearer ${token}`) {
      answer.writeHead(401).end();
      return;
    }
    const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
    const response = await handler.fetch(
      new Request(new URL(incoming.url ?? '/', 'http://127.0.0.2'), {
        method: incoming.method,
        headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
        ...(hasBody ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}),
      }),
    );
    answer.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body === null) answer.end();
    else
      Readable.fromWeb(response.body)
        .on('error', () => answer.destroy())
        .pipe(answer);
  });
  listener.listen(0, '127.0.0.2', () => console.log(`http://127.0.0.2:${listener.address().port}/mcp`));
}

if (process.argv.includes('--http')) listen();
else await createPing().connect(new StdioServerTransport());
