import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify';
import { statedKeyword, tags, type Documentation } from './documented.ts';
import { describeAnswers, describeBody, sharedAnswers } from './describe-messages.ts';
import { headerParameters, liftStated, shareSchemas, type JsonObject } from './describe-schemas.ts';

/** An OpenAPI 3.1 document. */
export type ApiDescription = JsonObject & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: Readonly<Record<'schemas' | 'responses', Readonly<Record<string, JsonObject>>>>;
};

const about = `The native API of Slipway, a control plane for coding agents.

- **Bodies** are JSON objects in UTF-8, whatever \`Content-Type\` says; an empty one is \`{}\`; at most 1 MiB. Unknown fields are ignored; \`null\` and empty texts count as absent.
- **Times** are RFC 3339 in UTC with milliseconds.
- **Every answer** has \`X-Request-Id\`: yours, where it is 1 to 100 letters, digits, \`_\`, \`.\` or \`-\`.
- A path that exists with other methods answers 405 with \`Allow\`; headers above 16 KiB 431; a request that does not come to its end in 60 s 408.`;

/**
 * Describes what `addRoutes` adds to a server. The routes are added to a server of its own that never listens
 * and is dropped again, with the libraries that it takes loaded for it: who does not ask pays nothing.
 *
 * @throws Error where a route has no documentation, two have one operation id, or two schemas one title.
 */
export async function describeApi(
  version: string,
  addRoutes: (app: FastifyInstance) => void,
): Promise<ApiDescription> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = Fastify({ logger: false, ajv: { customOptions: { keywords: [statedKeyword] } } });
  const operations = new Map<string, JsonObject>();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Slipway',
        version,
        description: about,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The server that gave this description.' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      security: [{ bearer: [] }, { apiKey: [] }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'Decides where it is there.' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same tokens.' },
        },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: describeRoute(schema, route, operations), url }),
  });
  addRoutes(app);
  await app.ready();
  const document = structuredClone(app.swagger()) as JsonObject;
  await app.close();
  return shareSchemas(complete(document, operations)) as ApiDescription;
}

/** What the library is told of a route: path, parameters and words. Bodies are put in behind it. */
function describeRoute(
  schema: FastifySchema | undefined,
  route: RouteOptions,
  operations: Map<string, JsonObject>,
): FastifySchema {
  const documentation = route.config?.documentation;
  if (route.method === 'HEAD' || documentation === 'none') return { hide: true };
  if (documentation === undefined) throw new Error(`nothing describes ${String(route.method)} ${route.url}`);
  const { operationId, summary, tag, open, requestHeaders } = documentation;
  const description = withNeed(documentation);
  if (operations.has(operationId)) throw new Error(`two routes have the operation id ${operationId}`);
  operations.set(operationId, {
    ...describeBody(documentation, schema),
    responses: describeAnswers(documentation, schema),
  });
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(open === true ? { security: [] } : securityOf(documentation)),
    ...(schema?.params === undefined ? {} : { params: liftStated(schema.params) }),
    ...(schema?.querystring === undefined ? {} : { querystring: liftStated(schema.querystring) }),
    ...(requestHeaders === undefined ? {} : { headers: headerParameters(requestHeaders) }),
  };
}

/** The operation's words with what its caller has to have. */
function withNeed({ description, needs }: Documentation): string | undefined {
  if (needs === undefined || needs === 'any credential') return description;
  const need = needs === 'administrator' ? 'For administrators.' : `Needs the ability \`${needs}\`.`;
  return description === undefined ? need : `${description}\n\n${need}`;
}

/** The same for programs: what a caller needs stands as a role (OpenAPI 3.1, security requirement). */
function securityOf({ needs }: Documentation): Pick<FastifySchema, 'security'> {
  if (needs === undefined || needs === 'any credential') return {};
  return { security: [{ bearer: [needs] }, { apiKey: [needs] }] };
}

/** The library's document in the usual order, with the bodies of the operations. */
function complete(document: JsonObject, operations: ReadonlyMap<string, JsonObject>): JsonObject {
  const { openapi, info, servers, tags, security, paths, components } = document;
  const withBodies = (operation: JsonObject): JsonObject => ({
    ...operation,
    ...operations.get(String(operation['operationId'])),
  });
  return {
    openapi,
    info,
    servers,
    tags,
    security,
    paths: mapValues(paths as Record<string, JsonObject>, (item) =>
      mapValues(item as Record<string, JsonObject>, withBodies),
    ),
    components: { ...(components as JsonObject), responses: sharedAnswers() },
  };
}

function mapValues<From, To>(entries: Readonly<Record<string, From>>, change: (value: From) => To) {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, change(value)]));
}
