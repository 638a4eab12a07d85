import { cleanWords } from '../../lib/clean-words.ts';
import type { Clock } from '../../lib/clock.ts';
import { fieldOf, objectOf, textField } from '../../lib/json-fields.ts';
import { badToken } from '../forge-call.ts';
import type { ForgeAnswer, ForgeRefusal, ObserveForge } from '../forge-call.ts';
import { createForgeHttp, type ForgeHttp } from '../forge-http.ts';

export type GitlabHttpOptions = {
  /** `https://gitlab.com/api/v4`, or `https://HOST/api/v4` of a self-managed GitLab. */
  readonly apiUrl: string;
  /** Slipway's. */
  readonly version: string;
  readonly observe?: ObserveForge | undefined;
  readonly clock?: Clock;
};

/**
 * HTTP as GitLab's REST API wants it. Tokens of persons, projects and groups are taken in the header of
 * OAuth too ("REST API authentication" in its documentation), so one form does for all.
 */
export function createGitlabHttp(options: GitlabHttpOptions): ForgeHttp {
  return createForgeHttp({
    ...options,
    forge: 'gitlab',
    label: 'GitLab',
    headersOf: (token) => ({
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
    }),
    limitHeaders: { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
    isLimited: ({ status }) => status === 429,
    explain,
    wordsOf,
  });
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
        why: 'it is not there, or the token may not see it. Check the address, and that the owner of the token is a member with the scope `api`.',
      };
    default:
      return { code: 'refused', why: 'it was refused.' };
  }
}

function explainForbidden({ body }: ForgeAnswer): ForgeRefusal {
  if (textField(body, 'error') !== 'insufficient_scope') {
    const why = 'the owner of the token may not. He needs the role Developer or more in the project.';
    return { code: 'forbidden', why };
  }
  const scopes = cleanWords(textField(body, 'scope'), undefined, 100);
  const wanted = scopes === '' ? 'the scope api' : `one of the scopes ${scopes.replaceAll(' ', ', ')}`;
  return { code: 'forbidden', why: `the token may not. It needs ${wanted}.` };
}

/** What is the matter with an archived project. */
export const archivedRefusal: ForgeRefusal = {
  code: 'archived',
  why: 'the project is archived, so nothing in it can be changed. Unarchive it, or use another one.',
};

/** What is the matter with a project that takes no merge requests. */
export const noMergeRequestsRefusal: ForgeRefusal = {
  code: 'refused',
  why: "the project has no merge requests. Turn them on in the project's settings.",
};

/** What a refusal says: `message` is a text, a list, or lists by field; OAuth has `error` and a description. */
export function wordsOf(body: unknown): string {
  const message = fieldOf(body, 'message') ?? fieldOf(body, 'error');
  const words = wordsIn(message);
  const description = textField(body, 'error_description');
  return [words, description].filter((part) => part !== '').join('; ');
}

function wordsIn(message: unknown): string {
  if (typeof message === 'string') return message;
  if (Array.isArray(message)) return message.map(wordsIn).join(', ');
  return Object.entries(objectOf(message) ?? {})
    .map(([field, said]) => `${field} ${wordsIn(said)}`)
    .join('; ');
}
