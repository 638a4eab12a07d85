import pino from 'pino';
import type { Config } from './config.ts';
import type { ProcessLog } from './lib/logger.ts';
import { Secret } from './lib/secret.ts';
import { createGrowingRedactor } from './secrets/growing-redactor.ts';

/**
 * The process's log: one JSON object a line on stderr. None of the secrets that it was configured with, and
 * none that it was told of since, stands in a line, in whatever field it was.
 */
export function createLogger(config: Config): ProcessLog {
  const redactor = createGrowingRedactor(secretsIn(config));
  const log = pino(
    { level: config.log.level, base: null, hooks: { streamWrite: (line) => redactor.text(line) } },
    // Synchronous: what is said last before a crash is what is wanted most.
    pino.destination({ dest: 2, sync: true }),
  );
  return Object.assign(log, { hide: redactor.hide });
}

/** Every secret of the configuration, wherever it stands: one that is added later is not forgotten here. */
export function secretsIn(value: unknown): readonly Secret[] {
  if (value instanceof Secret) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(secretsIn);
}
