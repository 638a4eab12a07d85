import { chmod, copyFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { McpServer } from '../../src/agents/agent.ts';
import { cliFolder } from './installed-clis.ts';

/** The MCP server of the live tests, as a sandbox can run it. */
export type OfferedMcpServer = {
  /** To be shown read-only to the sandbox. */
  readonly readOnly: readonly string[];
  /** The server, which writes each call to a file as the sandbox sees it. */
  readonly server: (log: string) => McpServer;
};

/**
 * Copies the server, its libraries and this Node into a folder (130 MB, 0.2 s): the clone may lie where the
 * sandbox's user cannot reach it.
 */
export async function offerMcpServer(folder: string): Promise<OfferedMcpServer> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  for (const path of [folder, modules]) await chmod(path, 0o755);
  for (const name of ['@modelcontextprotocol', 'zod']) {
    await cp(join(cliFolder, 'node_modules', name), join(modules, name), { recursive: true });
  }
  const script = join(folder, 'mcp-server.mjs');
  await copyFile(join(cliFolder, 'mcp-server.mjs'), script);
  const node = join(folder, 'node');
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  return {
    readOnly: [folder],
    server: (log) => ({ transport: 'stdio', command: node, args: [script], env: { PING_LOG: log } }),
  };
}
