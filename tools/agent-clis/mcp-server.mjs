import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/**
 * A small MCP server on stdio, made with the official SDK: what the live tests give to an agent. Its one tool
 * answers `pong: TEXT`, and writes a line to the file that PING_LOG names, so that a call can be counted.
 */
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

await server.connect(new StdioServerTransport());
