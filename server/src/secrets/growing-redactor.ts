import type { Secret } from '../lib/secret.ts';
import { createRedactor, type Redactor } from './redact.ts';

/** A redactor that learns what to hide while the process runs. */
export type GrowingRedactor = Redactor & {
  /** From now on. Of those that were learned, the ones least recently shown are forgotten beyond a limit. */
  readonly hide: (secret: Secret) => void;
};

/** Every line is searched for each of them: this many cost it a tenth of a millisecond. */
const rememberedSecrets = 200;

/** Hides `always` for ever, and what it learns for as long as it remembers it: as many as the limit says. */
export function createGrowingRedactor(
  always: readonly Secret[],
  limit: number = rememberedSecrets,
): GrowingRedactor {
  const fixed = createRedactor(always);
  const learned = new Map<string, Redactor>();
  return {
    hide(secret) {
      const value = secret.reveal();
      const redactor = learned.get(value) ?? createRedactor([secret]);
      learned.delete(value);
      learned.set(value, redactor);
      for (const oldest of learned.keys()) {
        if (learned.size <= limit) break;
        learned.delete(oldest);
      }
    },
    text(text) {
      let clean = fixed.text(text);
      for (const redactor of learned.values()) clean = redactor.text(clean);
      return clean;
    },
  };
}
