import pino from 'pino';
import type { Config } from './config.ts';
import type { Logger } from './lib/logger.ts';
import type { Secret } from './lib/secret.ts';
import { createRedactor } from './secrets/redact.ts';

/** The process's log: one JSON object a line on stderr, without any of the secrets it was configured with. */
export function createLogger(config: Config): Logger {
  const secrets = [config.http.authToken, config.database.url, ...config.encryptionKeys].filter(
    (secret): secret is Secret => secret !== undefined,
  );
  const redactor = createRedactor(secrets);
  return pino(
    { level: config.log.level, base: null, hooks: { streamWrite: (line) => redactor.text(line) } },
    // Synchronous: what is said last before a crash is what is wanted most.
    pino.destination({ dest: 2, sync: true }),
  );
}
