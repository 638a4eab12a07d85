import type { ForgeFault } from '../fault-plan.ts';
import { GithubRefusal, badCredentials, notFound, validationFailed } from './github-refusal.ts';
import { primaryRateLimit } from './rate-limits.ts';
import type { ApiAnswer } from './serve-api.ts';

/** What goes wrong with one request. */
export type GithubFault =
  | ForgeFault
  /** The hour's requests are used up, for as many seconds; 403 unless said. */
  | { readonly kind: 'rate_limit'; readonly seconds: number; readonly status?: 403 | 429 }
  /** Too much at once; without seconds GitHub does not say for how long. 403 unless said. */
  | { readonly kind: 'secondary_rate_limit'; readonly seconds?: number; readonly status?: 403 | 429 };

const badGatewayPage = `<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body>
</html>
`;

const messages: Readonly<Record<number, string>> = {
  403: 'Resource not accessible by personal access token',
  409: 'Conflict',
  500: 'Server Error',
  502: 'Server Error',
  503: 'Service unavailable',
};

/**
 * The answer of a fault that leaves nothing done; undefined for one of another kind. `headers`: those that
 * every answer has; `now`: milliseconds of the epoch.
 */
export function answerOfFault(
  fault: GithubFault,
  headers: Readonly<Record<string, string>>,
  now: number,
): ApiAnswer | undefined {
  switch (fault.kind) {
    case 'answer': {
      const body = fault.body ?? refusalOf(fault.status).body;
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return { status: fault.status, headers: { ...headers, ...fault.headers }, body: text };
    }
    case 'rate_limit': {
      const reset = String(Math.ceil(now / 1000) + fault.seconds);
      const used = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
      return answerOf(primaryRateLimit(1, fault.status), { ...headers, ...used });
    }
    case 'secondary_rate_limit': {
      const wait = fault.seconds === undefined ? undefined : { 'retry-after': String(fault.seconds) };
      return answerOf(secondaryRateLimit(fault.status ?? 403), { ...headers, ...wait });
    }
    case 'bad_gateway':
      return { status: 502, headers: { 'content-type': 'text/html' }, body: badGatewayPage };
    case 'before':
    case 'delay':
    case 'drop':
    case 'drop_reply':
    case 'expire_token':
    case 'malformed':
      return undefined;
  }
}

function refusalOf(status: number): GithubRefusal {
  if (status === 401) return badCredentials();
  if (status === 404) return notFound();
  if (status === 422) return validationFailed({ resource: 'PullRequest', field: 'title', code: 'invalid' });
  if (status === 429) return secondaryRateLimit(429);
  return new GithubRefusal(status, messages[status] ?? 'Server Error');
}

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits */
function secondaryRateLimit(status: 403 | 429): GithubRefusal {
  return new GithubRefusal(
    status,
    'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
    { documentation: 'https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api' },
  );
}

function answerOf(refusal: GithubRefusal, headers: Readonly<Record<string, string>>): ApiAnswer {
  return { status: refusal.status, headers, body: JSON.stringify(refusal.body) };
}
