import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Refusal } from '../domain/errors.ts';
import type { ApiDescription } from './describe-api.ts';
import { documented } from './documented.ts';

/** The files of Swagger UI that the page takes, and ours that starts it. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Only what this server serves, and no script or style in the page itself; the pictures are in the styles. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slipway: the API</title>
<link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js"></script>
</body>
</html>
`;

/** A token that is typed into the page is forgotten with it. */
const start = `SwaggerUIBundle({
  url: new URL('docs/json', document.baseURI).href,
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

const forPeople = { config: { documentation: 'none' } } as const;

/**
 * `/api/docs`: the API's description for people and for programs, which needs no credential. `describe` is
 * asked once, by the first who wants to read it.
 */
export function addDocsRoutes(app: FastifyInstance, describe: () => Promise<ApiDescription>): void {
  const description = once(describe);
  const text = once(async () => {
    const { stringify } = await import('yaml');
    return stringify(await description(), { aliasDuplicateObjects: false, singleQuote: true, lineWidth: 0 });
  });
  app.get('/api/docs', forPeople, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentSecurityPolicy)
      .send(page),
  );
  // The page's links are relative, so that they hold behind a proxy's prefix too: they need it without the slash.
  app.get('/api/docs/', forPeople, async (_request, reply) => reply.redirect('../docs', 308));
  app.get('/api/docs/json', { config: documents.json }, description);
  app.get('/api/docs/openapi.yaml', { config: documents.yaml }, async (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send(await text()),
  );
  app.get<{ Params: { file: string } }>('/api/docs/assets/:file', forPeople, async ({ params }, reply) => {
    reply.header('cache-control', 'public, max-age=3600');
    if (params.file === 'start.js') return reply.type('text/javascript; charset=utf-8').send(start);
    const type = Object.hasOwn(assets, params.file) ? assets[params.file] : undefined;
    if (type === undefined) throw new Refusal('not_found', 'not found');
    return reply.type(type).send(createReadStream(assetPath(params.file)));
  });
}

/** In the library's package, which is looked for but not loaded. */
function assetPath(name: string): string {
  return fileURLToPath(new URL(`static/${name}`, import.meta.resolve('@fastify/swagger-ui')));
}

/** What failed is tried again by the next who asks. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

const anyObject = Type.Object({}, { additionalProperties: true, description: 'An OpenAPI 3.1 document.' });

const documents = {
  json: documented({
    operationId: 'getApiDescription',
    summary: 'Read this description as JSON',
    tag: 'System',
    open: true,
    answers: { 200: { description: 'The description.', schema: anyObject } },
  }),
  yaml: documented({
    operationId: 'getApiDescriptionAsYaml',
    summary: 'Read this description as YAML',
    tag: 'System',
    open: true,
    answers: { 200: { description: 'The description.', mediaType: 'application/yaml' } },
  }),
};
