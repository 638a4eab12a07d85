import { openIfPossible, type KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import { findOldSecrets, replaceSealed } from '../store/reseal.ts';
import type { Duty } from './housekeeping.ts';

const batchRows = 100;

export type ResealDeps = { readonly database: Database; readonly keyRing: KeyRing };

/**
 * The duty that seals with the newest key what is sealed with an older one, so that the older one can be
 * dropped. `resealed`: how many. `unreadable`: how many stay as they are, since the ring has no key that opens
 * them. Any number of processes may do it at once: each secret is replaced by comparing its old key's id.
 */
export function resealDuty(deps: ResealDeps): Duty {
  return {
    name: 'reseal-secrets',
    everySeconds: 3_600,
    limitMs: 5 * 60_000,
    perform: (signal) => resealAll(deps, signal),
  };
}

async function resealAll(
  { database, keyRing }: ResealDeps,
  signal: AbortSignal,
): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 };
  let after: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const { newestKeyId } = keyRing;
    const batch = await findOldSecrets(database, { newestKeyId, after, limit: batchRows });
    for (const old of batch) {
      const secret = openIfPossible(keyRing, old);
      if (secret === undefined) done.unreadable += 1;
      else if (await replaceSealed(database, old, keyRing.seal(old.id, secret))) done.resealed += 1;
    }
    after = batch.at(-1)?.id;
    if (batch.length < batchRows) return done;
  }
}
