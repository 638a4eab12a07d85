import type { NamedMcpServer } from '../../../domain/mcp-server.ts';

/** A server in this window's words, without what is empty. It has to be a shown one: nothing is masked here. */
export function mcpServerBodyOf({ name, server }: NamedMcpServer) {
  if (server.transport === 'http') {
    return {
      name,
      transport: server.transport,
      url: server.url,
      ...(isEmpty(server.headers) ? {} : { headers: server.headers }),
    };
  }
  return {
    name,
    transport: server.transport,
    ...(server.package === undefined ? {} : { package: server.package }),
    ...(server.command === undefined ? {} : { command: server.command }),
    ...(server.args.length === 0 ? {} : { args: [...server.args] }),
    ...(isEmpty(server.env) ? {} : { env: server.env }),
  };
}

function isEmpty(entries: object): boolean {
  return Object.keys(entries).length === 0;
}
