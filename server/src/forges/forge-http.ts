import { cleanWords } from '../lib/clean-words.ts';
import { systemClock } from '../lib/clock.ts';
import { BrokenAnswer } from './forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeHttpOptions, ForgeRefusal } from './forge-call.ts';
import { createEtagCache } from './forge-etags.ts';
import { createQuietTokens } from './forge-rate-limit.ts';
import { makeForgeError, sendCall, type ForgeWire } from './forge-wire.ts';
import type { ForgeError } from './forge.ts';

/**
 * HTTP with a forge. Reads are asked up to three times and by their ETag, and follow redirects within the
 * API's origin; writes are sent once: when one of them throws `unavailable`, it may have been done, and the
 * caller looks first. A token that the forge wants quiet makes no request until its time is over.
 */
export type ForgeHttp = {
  /** Any answer below 500. Throws `unavailable`, `rate_limited`, `unauthorized` for what is no token at all, or the signal's reason. */
  readonly send: (call: ForgeCall) => Promise<ForgeAnswer>;
  /**
   * A good answer, read by `parse`, which may throw `BrokenAnswer`. Throws what `send` throws, and every other
   * refusal as `explain` has it.
   */
  readonly ask: <T>(call: ForgeCall, parse: (body: unknown, headers: Headers) => T) => Promise<T>;
  /** Reads an answer of `send`; what `parse` throws as `BrokenAnswer` becomes `unavailable`. */
  readonly read: <T>(
    call: ForgeCall,
    answer: ForgeAnswer,
    parse: (body: unknown, headers: Headers) => T,
  ) => T;
  /** The error for a refusal that `send` gave: `known` where the call knows what it means, else `explain`. */
  readonly refusal: (call: ForgeCall, answer: ForgeAnswer, known?: ForgeRefusal) => ForgeError;
  /** An error in the same words without an answer. */
  readonly error: (
    call: Pick<ForgeCall, 'doing' | 'token'>,
    known: ForgeRefusal,
    options?: { readonly retryAfterMs?: number },
  ) => ForgeError;
};

/** Makes the HTTP of one forge; its memory of ETags and quiet tokens lasts as long as it does. */
export function createForgeHttp(options: ForgeHttpOptions): ForgeHttp {
  const clock = options.clock ?? systemClock;
  const wire: ForgeWire = { options, clock, etags: createEtagCache(), quiet: createQuietTokens(clock) };
  const error: ForgeHttp['error'] = (call, known, more = {}) => makeForgeError(options, call, known, more);
  const refusal: ForgeHttp['refusal'] = (call, answer, known) => {
    const { code, why } = known ?? options.explain(answer);
    const words = cleanWords(options.wordsOf(answer.body), call.token);
    return error(call, {
      code,
      why: `${why} (${options.label}: ${answer.status}${words === '' ? '' : ` ${words}`})`,
    });
  };
  const read: ForgeHttp['read'] = (call, answer, parse) => {
    try {
      return parse(answer.body, answer.headers);
    } catch (broken) {
      if (!(broken instanceof BrokenAnswer)) throw broken;
      throw error(call, { code: 'unavailable', why: `its answer makes no sense: ${broken.message}` });
    }
  };
  const send: ForgeHttp['send'] = (call) => sendCall(wire, call);
  return {
    send,
    async ask(call, parse) {
      const answer = await send(call);
      if (answer.status < 200 || answer.status > 299) throw refusal(call, answer);
      return read(call, answer, parse);
    },
    read,
    refusal,
    error,
  };
}
