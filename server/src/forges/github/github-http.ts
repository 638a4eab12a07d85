import { cleanWords } from '../../lib/clean-words.ts';
import type { Clock } from '../../lib/clock.ts';
import { fieldOf, listField, textField } from '../../lib/json-fields.ts';
import type { LimitHeaders } from '../../lib/limit-headers.ts';
import type { Secret } from '../../lib/secret.ts';
import { badToken } from '../forge-call.ts';
import type { ForgeAnswer, ForgeRefusal, ObserveForge } from '../forge-call.ts';
import { createForgeHttp, type ForgeHttp } from '../forge-http.ts';

export type GithubHttpOptions = {
  /** `https://api.github.com`, or `https://HOST/api/v3` of GitHub Enterprise. */
  readonly apiUrl: string;
  /** Slipway's. */
  readonly version: string;
  readonly observe?: ObserveForge | undefined;
  /** Told of a token that GitHub takes no more. */
  readonly rejected?: ((token: Secret) => void) | undefined;
  readonly clock?: Clock;
};

const limitHeaders: LimitHeaders = { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' };

/** HTTP as GitHub's REST API wants it. A JSON web token of an app goes as a token does. */
export function createGithubHttp(options: GithubHttpOptions): ForgeHttp {
  return createForgeHttp({
    ...options,
    forge: 'github',
    label: 'GitHub',
    headersOf: (token) => ({
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
    }),
    limitHeaders,
    isLimited,
    explain,
    wordsOf,
  });
}

/**
 * Primary limits answer 403 or 429 with nothing remaining, secondary ones 403 or 429 with `Retry-After` or
 * their message ("Rate limits for the REST API" in GitHub's documentation).
 */
function isLimited({ status, headers, body }: ForgeAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  const words = /secondary rate limit|API rate limit exceeded|abuse detection/iu;
  return (
    headers.get(limitHeaders.remaining) === '0' ||
    headers.has('retry-after') ||
    words.test(textField(body, 'message'))
  );
}

function explain(answer: ForgeAnswer): ForgeRefusal {
  switch (answer.status) {
    case 401:
      return badToken;
    case 403:
      return explainForbidden(answer);
    case 404:
      return {
        code: 'not_found',
        why: 'it is not there, or the token may not see or change it. Check the address; a classic token needs the scope `repo`, a fine-grained one this repository, with read and write access to its contents and pull requests.',
      };
    default:
      return { code: 'refused', why: 'it was refused.' };
  }
}

function explainForbidden({ headers, body }: ForgeAnswer): ForgeRefusal {
  if (isArchiveRefusal(body)) return archivedRefusal;
  if (headers.has('x-github-sso')) {
    return {
      code: 'forbidden',
      why: "the organization wants single sign-on. Authorize the token for it in the token's settings.",
    };
  }
  const permissions = cleanWords(headers.get('x-accepted-github-permissions') ?? '', undefined, 100);
  if (permissions !== '') {
    return { code: 'forbidden', why: `the token may not. Give it the permission ${permissions}.` };
  }
  const scopes = cleanWords(headers.get('x-accepted-oauth-scopes') ?? '', undefined, 100);
  const remedy =
    scopes === '' ? 'Give it the rights, or its owner the role.' : `It needs one of the scopes ${scopes}.`;
  return { code: 'forbidden', why: `the token or its owner may not. ${remedy}` };
}

/** What an archived repository is told about as. */
export const archivedRefusal: ForgeRefusal = {
  code: 'archived',
  why: 'the repository is archived, so nothing in it can be changed. Unarchive it, or use another one.',
};

function isArchiveRefusal(body: unknown): boolean {
  return /\barchived\b/iu.test(textField(body, 'message'));
}

/** The message, and those of the errors behind it, which say what "Validation Failed" was about. */
export function wordsOf(body: unknown): string {
  const details = listField(body, 'errors').map((error) =>
    typeof error === 'string'
      ? error
      : textField(error, 'message') ||
        ['resource', 'field', 'code'].map((name) => fieldOf(error, name)).join(' '),
  );
  return [textField(body, 'message'), ...details].filter((words) => words.trim() !== '').join('; ');
}
