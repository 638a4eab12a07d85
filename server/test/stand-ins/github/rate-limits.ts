import type { GithubHandler } from './github-call.ts';
import { GithubRefusal } from './github-refusal.ts';
import type { GithubToken, GithubState } from './github-state.ts';

const hourMs = 3_600_000;

/** The number of the present hour: each is counted anew. */
function hourOf(state: GithubState): number {
  return Math.floor(state.now() / hourMs);
}

function resetSeconds(state: GithubState): number {
  return ((hourOf(state) + 1) * hourMs) / 1000;
}

function usedBy(state: GithubState, token: GithubToken | undefined): number {
  return token?.usage.hour === hourOf(state) ? token.usage.used : 0;
}

/** What is left to a token, and to nobody in particular where there is none. */
export function rateLimitHeaders(
  state: GithubState,
  token: GithubToken | undefined,
): Readonly<Record<string, string>> {
  const used = usedBy(state, token);
  return {
    'x-ratelimit-limit': String(state.rateLimit),
    'x-ratelimit-remaining': String(Math.max(0, state.rateLimit - used)),
    'x-ratelimit-reset': String(resetSeconds(state)),
    'x-ratelimit-used': String(used),
    'x-ratelimit-resource': 'core',
  };
}

/** Counts a request; throws where the token has had its hour's share. */
export function countRequest(state: GithubState, token: GithubToken): void {
  const used = usedBy(state, token);
  if (used >= state.rateLimit) throw primaryRateLimit(token.account.id);
  token.usage = { hour: hourOf(state), used: used + 1 };
}

/** Takes a request back that was counted and turned out to be free. */
export function uncountRequest(state: GithubState, token: GithubToken): void {
  token.usage = { hour: hourOf(state), used: Math.max(0, usedBy(state, token) - 1) };
}

/** GitHub's words for who has used up the hour's requests. */
export function primaryRateLimit(userId: number, status: 403 | 429 = 403): GithubRefusal {
  return new GithubRefusal(status, `API rate limit exceeded for user ID ${userId}.`, {
    documentation: 'https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api',
  });
}

/** `GET /rate_limit`, which counts for nothing. */
export const rateLimits: GithubHandler = ({ state, token }) => {
  const used = usedBy(state, token);
  const core = {
    limit: state.rateLimit,
    used,
    remaining: Math.max(0, state.rateLimit - used),
    reset: resetSeconds(state),
  };
  const search = { limit: 30, used: 0, remaining: 30, reset: resetSeconds(state) };
  return { status: 200, body: { resources: { core, search }, rate: core } };
};
