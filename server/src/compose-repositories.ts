import { composeForges, type Forges } from './compose-forges.ts';
import { observeForges } from './compose-telemetry.ts';
import type { Config } from './config.ts';
import type { DataFolder } from './data-folder.ts';
import type { RepositoryUrlPolicy } from './domain/repository-url.ts';
import { ForgeError } from './forges/forge.ts';
import { createGit, type Git } from './git/git.ts';
import type { ProcessLog } from './lib/logger.ts';
import type { Meter } from './lib/metrics.ts';
import type { KeyRing } from './secrets/key-ring.ts';
import { createFindCredential, type FindCredential } from './services/find-credential.ts';
import type { Database } from './store/database.ts';
import { version } from './version.ts';

/** What reaches repositories, and with what. */
export type RepositoryParts = {
  readonly repositories: RepositoryUrlPolicy;
  readonly git: Git;
  readonly forges: Forges;
  readonly findCredential: FindCredential;
};

/** Makes git, the forges and the finder of credentials; nothing is asked for anything yet. */
export function composeRepositories(
  config: Config,
  made: {
    readonly folder: DataFolder;
    readonly database: Database;
    readonly keyRing: KeyRing;
    readonly logger: ProcessLog;
    readonly meter: Meter;
  },
): RepositoryParts {
  const { folder, database, keyRing, logger, meter } = made;
  const { knownHostsFile } = config.ssh;
  const repositories = {
    allowFile: config.git.allowFileRepositories,
    allowHttp: config.git.allowHttpRepositories,
    allowSsh: knownHostsFile !== undefined,
  };
  const git = createGit({
    socketFolder: folder.sockets,
    allowFileRepositories: repositories.allowFile,
    allowHttp: repositories.allowHttp,
    ...(knownHostsFile === undefined ? {} : { sshKnownHosts: knownHostsFile }),
    timeoutMs: config.git.timeoutSeconds * 1_000,
  });
  const forges = hidingTokens(composeForges(config, { git, version, observe: observeForges(meter) }), logger);
  const { forgeOf, serverToken } = forges;
  const parts = { database, keyRing, repositories, forgeOf, serverToken, isForgeError };
  return { repositories, git, forges, findCredential: createFindCredential(parts) };
}

/** Tells a forge's failure from a defect, for rooms that know of forges only what they promise. */
export function isForgeError(error: unknown): error is ForgeError {
  return error instanceof ForgeError;
}

/** A token that an app is given was configured nowhere: the log has to be told that it must not say it. */
function hidingTokens(forges: Forges, logger: ProcessLog): Forges {
  return {
    ...forges,
    async serverToken(forge, repositoryPath, signal) {
      const token = await forges.serverToken(forge, repositoryPath, signal);
      if (token !== undefined) logger.hide(token);
      return token;
    },
  };
}
