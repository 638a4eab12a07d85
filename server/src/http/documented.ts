import type { TSchema } from 'typebox';
import type { ErrorForm } from './error-body.ts';
import type { Ability } from '../domain/ability.ts';

/** The groups of the API's description, in its order. */
export const tags = {
  Tasks: 'Work for an agent: created, watched, continued, delivered.',
  Approvals: 'What agents ask people, and the answers.',
  Agents: 'The coding agents of this server, which the API calls CLIs.',
  Keys: 'Stored tokens for code hosts and for Sentry, and the repositories that they open.',
  'API keys': 'Keys that open this server, for people and programs.',
  'MCP servers': 'Servers of the Model Context Protocol that agents are given.',
  Tools: 'Tools that tasks can ask for, by name: MCP servers with settings.',
  Sentry: 'Errors that Sentry knows, through a stored key.',
  Deliveries: 'Callbacks that were sent or are to be sent, and how that went.',
  Webhooks: 'What code hosts tell of pull requests, and the reviews that it leads to.',
  Workspaces: 'The trees that tasks work in, as far as they lie on a disk.',
  Workflows: 'Steps that follow one another: requests, tasks, pull requests.',
  Codebot: 'The Codebot API: tasks that are submitted, and polled until they are over.',
  System: 'Health, metrics, and what the server is.',
} as const;

/** An answer of an operation. */
export type Answer = {
  readonly description: string;
  /** Of a JSON body; left out: what `schema.response` has for the status, else there is no body. */
  readonly schema?: TSchema;
  /** Where the body is no JSON, such as `text/plain`. */
  readonly mediaType?: string;
  /** Texts that come instead, for who asks for them by `Accept`. */
  readonly otherMediaTypes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** A body as clients see it; a test compares it with the schema. */
  readonly example?: unknown;
};

/** What the caller of an operation has to have; `any credential`: to be known is enough. */
export type Need = Ability | 'administrator' | 'any credential';

/**
 * What the description says of an operation beyond the schemas that the route checks requests with. What it `needs`
 * is also what `requireCaller` holds callers to; `open`: no credential is asked for.
 */
export type Documentation = OperationDocumentation &
  ({ readonly open: true; readonly needs?: never } | { readonly open?: false; readonly needs: Need });

type OperationDocumentation = {
  /** A verb and its object, unique: `createTask`. Clients name their methods by it. */
  readonly operationId: string;
  /** In a line, without a full stop. */
  readonly summary: string;
  /** Markdown, for what the summary leaves open. */
  readonly description?: string;
  readonly tag: keyof typeof tags;
  readonly answers: Readonly<Record<number, Answer>>;
  /**
   * What an error means here, by status. Every operation has 401, 500 and 503 by itself (an `open` one: 500), one
   * that needs an ability 403, one with a body 400 and 413, one with a query 400: name those only where there is
   * more to say.
   */
  readonly errors?: Readonly<Record<number, string>>;
  /** How they look; the native form unless said. */
  readonly errorForm?: ErrorForm;
  /** Headers that the operation reads, and what each means. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** A body that may be sent. */
  readonly requestExample?: unknown;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** See `documented`; `none`: for people who browse, and not part of the API. */
    readonly documentation?: Documentation | 'none';
  }
}

/**
 * The `config` of a route that stands in the API's description. It only describes: what is checked and how
 * an answer is written stays what `schema` says, so a list without `schema.response` is plain JSON.
 */
export function documented(documentation: Documentation): { readonly documentation: Documentation } {
  return { documentation };
}

/** The keyword by which schemas carry `stated`; checks skip it. */
export const statedKeyword = 'x-stated';

/**
 * Keywords that hold for a field of a request, but that the handler checks, since it has the messages for
 * them (`maxLength`, `enum`, `minimum`…). To be spread into a schema's options.
 */
export function stated(keywords: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { [statedKeyword]: keywords };
}
