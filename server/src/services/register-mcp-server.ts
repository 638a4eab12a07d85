import { isDeepStrictEqual } from 'node:util';
import { Refusal } from '../domain/errors.ts';
import {
  sealableServers,
  serversFromSealed,
  shownServer,
  type NamedMcpServer,
} from '../domain/mcp-server.ts';
import type { RepositoryUrlPolicy } from '../domain/repository-url.ts';
import type { Ids } from '../lib/ids.ts';
import { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import { findMcpServerSecret, insertMcpServer } from '../store/mcp-servers.ts';
import { ensureRepository } from '../store/owners.ts';
import type { Viewer } from '../store/tasks.ts';
import { checkedRepository } from './create-task.ts';
import { nativeFields } from './native-fields.ts';

/** A server as it is to be kept, checked. */
export type McpServerRegistration = {
  readonly server: NamedMcpServer;
  /** Whose runs are given it; undefined: those in all repositories. */
  readonly repositoryUrl?: string;
  /** Whether the caller marks the request as one that may have been sent before. */
  readonly mayBeRepeat: boolean;
};

export type RegisterMcpServerDeps = {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly ids: Ids;
  readonly repositories: RepositoryUrlPolicy;
};

/**
 * Keeps a server for everybody's runs, or those in one repository; what it starts is an administrator's to set.
 * All of it is encrypted, and shown without its values. A repeated request, marked as one, for a server that is
 * there just so in every part is done already.
 *
 * @throws Refusal `forbidden`; `invalid` for the repository; `conflict` where the name is taken there.
 */
export function createRegisterMcpServerService({
  database,
  keyRing,
  ids,
  repositories,
}: RegisterMcpServerDeps) {
  return async (viewer: Viewer, registration: McpServerRegistration): Promise<void> => {
    if (!viewer.isAdmin) throw new Refusal('forbidden', 'MCP servers are registered by administrators');
    const { server, repositoryUrl, mayBeRepeat } = registration;
    const repositoryId =
      repositoryUrl === undefined
        ? null
        : await ensureRepository(
            database,
            ids,
            checkedRepository(repositoryUrl, repositories, nativeFields).canonical,
          );
    const secretId = ids.ordered();
    const stored = await insertMcpServer(database, {
      id: ids.ordered(),
      ownerId: viewer.userId,
      repositoryId,
      name: server.name,
      shown: shownServer(server.server),
      secret: { id: secretId, ...keyRing.seal(secretId, new Secret(sealableServers([server]))) },
    });
    if (stored || (mayBeRepeat && (await isThere(repositoryId, server)))) return;
    throw new Refusal('conflict', `an MCP server named ${server.name} exists already`);
  };

  async function isThere(repositoryId: string | null, server: NamedMcpServer): Promise<boolean> {
    const kept = await findMcpServerSecret(database, { repositoryId }, server.name);
    if (kept === undefined) return false;
    const [known] = serversFromSealed(keyRing.open(kept.id, kept).reveal());
    return isDeepStrictEqual(known, server);
  }
}
