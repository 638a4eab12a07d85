/** An answer that is worth asking for again by its tag. */
export type KeptAnswer = {
  readonly etag: string;
  /** The body as JSON text, so that nobody can change what is kept. */
  readonly text: string;
  readonly headers: Headers;
};

/** Answers of reads by what was asked and with which token. */
export type EtagCache = {
  readonly find: (key: string) => KeptAnswer | undefined;
  readonly keep: (key: string, answer: KeptAnswer) => void;
};

export type EtagCacheLimits = { readonly answers: number; readonly characters: number };

/** A page of 100 repositories has about 500,000 characters at GitHub. */
const usualLimits: EtagCacheLimits = { answers: 500, characters: 4_000_000 };

/** A memory of answers that forgets the one used longest ago; one that is larger than a quarter of it is not kept. */
export function createEtagCache(limits = usualLimits): EtagCache {
  const kept = new Map<string, KeptAnswer>();
  let characters = 0;
  const forget = (key: string): void => {
    characters -= kept.get(key)?.text.length ?? 0;
    kept.delete(key);
  };
  return {
    find(key) {
      const answer = kept.get(key);
      if (answer === undefined) return undefined;
      kept.delete(key);
      kept.set(key, answer);
      return answer;
    },
    keep(key, answer) {
      forget(key);
      if (answer.text.length > limits.characters / 4) return;
      kept.set(key, answer);
      characters += answer.text.length;
      for (const [oldest] of kept) {
        if (kept.size <= limits.answers && characters <= limits.characters) return;
        forget(oldest);
      }
    },
  };
}
