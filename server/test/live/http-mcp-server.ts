import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { cliFolder } from './installed-clis.ts';

/** The MCP server of the live tests over HTTP, a process of this host. */
export type HttpMcpServer = {
  readonly url: string;
  /** The bearer token without which it answers 401. */
  readonly token: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** Not on 127.0.0.1: that is a sandbox's own, and no way out leads there. */
export async function startHttpMcpServer(token: string): Promise<HttpMcpServer> {
  const child = spawn(process.execPath, [join(cliFolder, 'mcp-server.mjs'), '--http'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PING_TOKEN: token },
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const url = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(undefined));
  });
  if (url === undefined) throw new Error('the MCP server ended at its start');
  return {
    url,
    token,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
