import type { View } from './render-repository.ts';
import type { GithubApp, GithubRepository, GithubToken } from './github-state.ts';
import { GithubRefusal, badCredentials, notFound } from './github-refusal.ts';

/** A request that has the described form, and who sent it. */
export type GithubCall = View & {
  /** The parts of the path: `pull_number`, `branch`. */
  readonly path: Readonly<Record<string, string>>;
  /** The path without the API's prefix, as it came. */
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  /** The app whose JSON web token it brought. */
  readonly app: GithubApp | undefined;
  /** The repository of the path, where it has one. */
  readonly repository: GithubRepository | undefined;
};

/** What a handler says; a refusal is thrown. */
export type GithubReply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers one operation, whose request has the described form. */
export type GithubHandler = (call: GithubCall) => GithubReply | Promise<GithubReply>;

/** A call about a repository that there is. */
export function repositoryOf(call: GithubCall): GithubRepository {
  if (call.repository === undefined) throw notFound();
  return call.repository;
}

/** A call with any valid token. */
export function tokenOf(call: GithubCall): GithubToken {
  if (call.token === undefined) throw new GithubRefusal(401, 'Requires authentication');
  return call.token;
}

/** A call with an app's own JSON web token. */
export function appOf(call: GithubCall): GithubApp {
  if (call.app !== undefined) return call.app;
  throw call.token === undefined
    ? badCredentials()
    : new GithubRefusal(401, 'A JSON web token could not be decoded');
}

/** A field of the body that the description has checked to be a text, if it is there. */
export function textOf(call: GithubCall, field: string): string | undefined {
  const value = call.body[field];
  return typeof value === 'string' ? value : undefined;
}

/**
 * One page of a list, 30 rows where it is not said, with its `Link` header. That leads to a repository by its
 * number, as GitHub's does: a renaming between two pages loses nobody.
 */
export function cutPage<T>(
  call: GithubCall,
  items: readonly T[],
): { readonly items: readonly T[]; readonly headers: Readonly<Record<string, string>> } {
  const perPage = Math.min(100, Math.max(1, Number(call.query.get('per_page') ?? 30)));
  const page = Math.max(1, Number(call.query.get('page') ?? 1));
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const path =
    call.repository === undefined
      ? call.pathname
      : `/repositories/${call.repository.id}/${call.pathname.split('/').slice(4).join('/')}`;
  const link = (number: number, relation: string): string => {
    const query = new URLSearchParams(call.query);
    query.set('page', String(number));
    return `<${call.api}${path}?${query.toString()}>; rel="${relation}"`;
  };
  const relations = [
    ...(page > 1 ? [link(page - 1, 'prev')] : []),
    ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
    ...(page > 1 ? [link(1, 'first')] : []),
  ];
  return {
    items: items.slice((page - 1) * perPage, page * perPage),
    headers: relations.length === 0 ? {} : { link: relations.join(', ') },
  };
}

/** One page of a list as a reply. */
export function replyPage<T>(call: GithubCall, all: readonly T[], render: (item: T) => unknown): GithubReply {
  const { items, headers } = cutPage(call, all);
  return { status: 200, body: items.map(render), headers };
}
