import type { JsonObject } from '../../../src/lib/json-fields.ts';
import type { State, Token, User } from './state.ts';

/** An answer of the API before the headers that every answer has. A text is sent as it is. */
export type ApiAnswer = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A request whose parameters are as documented, for an operation that its token's scopes allow. */
export type ApiCall = {
  readonly state: State;
  /** The instance's address for people, and in front of `/api/v4`. */
  readonly web: string;
  readonly now: number;
  /** Undefined: a request without a token, which sees what everybody sees. */
  readonly token: Token | undefined;
  readonly path: string;
  readonly segments: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: JsonObject;
  readonly refusesMissingBranches: boolean;
};

/** An answer that is no success, with the words of the real server (lib/api/helpers.rb in its source). */
export class ApiRefusal extends Error {
  readonly answer: ApiAnswer;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`GitLab answers ${status}`);
    this.name = 'ApiRefusal';
    this.answer = { status, body, headers };
  }
}

/** `{"message": …}`, as most refusals are written. */
export function refusal(status: number, message: unknown): ApiRefusal {
  return new ApiRefusal(status, { message });
}

export function notFound(what: string): ApiRefusal {
  return refusal(404, `404 ${what} Not Found`);
}

export function forbidden(): ApiRefusal {
  return refusal(403, '403 Forbidden');
}

/** The user behind the request; 401 without one. */
export function userOf(call: ApiCall): User {
  if (call.token === undefined) throw refusal(401, '401 Unauthorized');
  return call.token.user;
}

/**
 * A page of a list, with the headers of offset pagination ("REST API": pagination). Above 10,000 entries
 * GitLab leaves the totals out, so nobody may need them.
 */
export function paginate<Entry>(
  call: ApiCall,
  entries: readonly Entry[],
): { readonly entries: readonly Entry[]; readonly headers: Readonly<Record<string, string>> } {
  const page = Number(call.query.get('page') ?? 1);
  const perPage = Number(call.query.get('per_page') ?? 20);
  const pages = Math.max(1, Math.ceil(entries.length / perPage));
  const link = (relation: string, to: number): string => {
    const query = new URLSearchParams(call.query);
    query.set('page', String(to));
    query.set('per_page', String(perPage));
    return `<${call.web}/api/v4${call.path}?${query.toString()}>; rel="${relation}"`;
  };
  const links = [
    ...(page > 1 ? [link('prev', page - 1)] : []),
    ...(page < pages ? [link('next', page + 1)] : []),
    link('first', 1),
    link('last', pages),
  ];
  return {
    entries: entries.slice((page - 1) * perPage, page * perPage),
    headers: {
      link: links.join(', '),
      'x-next-page': page < pages ? String(page + 1) : '',
      'x-page': String(page),
      'x-per-page': String(perPage),
      'x-prev-page': page > 1 ? String(page - 1) : '',
      'x-total': String(entries.length),
      'x-total-pages': String(pages),
    },
  };
}

/** A list parameter: a text with commas, or an array. */
export function textList(value: unknown): string[] {
  const parts = Array.isArray(value) ? value.map(String) : String(value).split(',');
  return parts
    .flatMap((part) => part.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
