import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Secret } from '../../../lib/secret.ts';
import type { RepositoryPageWish, RepositorySource } from '../../../services/list-repositories.ts';
import { documented } from '../../documented.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { headerTokenProblem } from './key-submission.ts';
import { wholeNumber } from './list-query.ts';
import {
  listingProviders,
  listRepositoriesQuery,
  repositoryList,
  repositoryPageSizes,
  type ListRepositoriesQuery,
} from './repository-schemas.ts';
import { leavingOf } from '../../request-parts.ts';

const tokenHeader = 'X-Provider-Token';
/** Beyond any forge's last page. */
const lastPage = 1_000_000;

/** The repositories that a token reaches. */
export function addRepositoryRoutes(api: FastifyInstance, { services, auth, closing }: CodeforgeDeps): void {
  api
    .withTypeProvider<TypeBoxTypeProvider>()
    .get(
      '/repositories',
      { schema: { querystring: listRepositoriesQuery }, config: document },
      async (request, reply) => {
        const source = parseSource(request.query, tokenOf(request));
        const wish = parsePage(request.query);
        const signal = AbortSignal.any([closing, leavingOf(reply)]);
        const found = await services.listRepositories(auth.callerOf(request), source, wish, signal);
        return {
          repositories: found.repositories.map((repository) => ({
            name: repository.name,
            full_name: repository.fullName,
            clone_url: repository.cloneUrl,
            default_branch: repository.defaultBranch ?? '',
            private: repository.isPrivate,
            description: repository.description,
            updated_at: repository.updatedAt,
          })),
          count: found.repositories.length,
          provider: found.provider,
          page: wish.page,
          per_page: wish.perPage,
        };
      },
    );
}

const document = documented({
  operationId: 'listRepositories',
  summary: 'List the repositories that a token reaches',
  description:
    'With `provider_key` those of a stored key, and only those within its scope (of a key with a scope, the 2,000 repositories that changed last are looked through); with `provider` those of the token in `X-Provider-Token`. `page` and `per_page` are moved into their ranges.',
  tag: 'Keys',
  needs: 'projects:read',
  requestHeaders: { [tokenHeader]: 'A token of `provider`. It is used for this request and not kept.' },
  answers: {
    200: {
      description: 'A page of them.',
      schema: repositoryList,
      example: {
        repositories: [
          {
            name: 'my-repo',
            full_name: 'user/my-repo',
            clone_url: 'https://github.com/user/my-repo.git',
            default_branch: 'main',
            private: true,
            description: 'My repo description',
            updated_at: '2026-02-20T10:00:00Z',
          },
        ],
        count: 1,
        provider: 'github',
        page: 1,
        per_page: 30,
      },
    },
  },
  errors: {
    400: 'It is not said whose repositories, or not with what token.',
    404: 'The caller has no such key.',
    502: 'The forge failed, or refused the token.',
  },
});

function tokenOf(request: FastifyRequest): string {
  const header = request.headers[tokenHeader.toLowerCase()];
  return typeof header === 'string' ? header.trim() : '';
}

/** A stored key goes before a token of the request. */
function parseSource(query: ListRepositoriesQuery, token: string): RepositorySource {
  if (query.provider_key) return { kind: 'key', name: query.provider_key };
  if (!query.provider) throw invalidFields({ provider_key: 'provider_key or provider is required' });
  const provider = listingProviders.find((known) => known === query.provider);
  if (provider === undefined) {
    throw invalidFields({ provider: `must be one of ${listingProviders.join(', ')}` });
  }
  const problem = token === '' ? 'header is required with provider' : headerTokenProblem(token);
  if (problem !== undefined) throw invalidFields({ [tokenHeader]: problem });
  return { kind: 'token', provider, token: new Secret(token) };
}

function parsePage({ page, per_page: perPage }: ListRepositoriesQuery): RepositoryPageWish {
  const sizes = repositoryPageSizes;
  return {
    page: within(wholeNumber('page', page) ?? 1, lastPage),
    perPage: within(wholeNumber('per_page', perPage) ?? sizes.default, sizes.max),
  };
}

function within(value: number, max: number): number {
  return Math.min(Math.max(value, 1), max);
}
