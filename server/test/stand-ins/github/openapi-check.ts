import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import type { OpenapiSlice, SlicedOperation } from './cut-openapi-slice.ts';
import type { GithubOperation } from './openapi-operations.ts';

type Schema = Readonly<Record<string, unknown>>;

/** A request's operation, by its method and path. */
export type MatchedOperation = {
  readonly name: GithubOperation;
  /** The parts of the path, decoded. */
  readonly path: Readonly<Record<string, string>>;
};

/** Something that a request has and the description does not, in GitHub's own words where it has some. */
export type RequestProblem = { readonly where: 'path' | 'query' | 'body'; readonly message: string };

const slice = JSON.parse(
  readFileSync(join(import.meta.dirname, 'openapi-slice.json'), 'utf8'),
) as OpenapiSlice;
const patterns = Object.keys(slice.operations).map((name) => {
  const [method = '', path = ''] = name.split(' ');
  // A branch may have slashes, which GitHub takes both bare and encoded.
  const source = path.replaceAll(/\{(\w+)\}/gu, (_, word: string) =>
    word === 'branch' ? `(?<${word}>.+)` : `(?<${word}>[^/]+)`,
  );
  return { name: name as GithubOperation, method, pattern: new RegExp(`^${source}$`, 'u') };
});

/** Statuses that any operation may give, though the description names them at few: their bodies are errors. */
const everywhere = new Set([400, 401, 403, 404, 307, 415, 429]);

const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
ajvFormats.default(ajv);
ajv.addSchema({ $id: 'github', schemas: slice.schemas });
/** Schemas are compiled when they are first needed: all of them take seconds. */
const compiled = new Map<string, ValidateFunction>();

function validate(key: string, schema: Schema, value: unknown): readonly ErrorObject[] {
  const check = compiled.get(key) ?? ajv.compile(rooted(schema) as Schema);
  compiled.set(key, check);
  check(value);
  return check.errors ?? [];
}

/** What is wrong with a request. `body` is undefined where there was none. */
export function checkRequest(
  operation: MatchedOperation,
  query: URLSearchParams,
  body: unknown,
): readonly RequestProblem[] {
  const sliced = slicedOperation(operation);
  return [
    ...checkParameters(sliced, 'path', Object.entries(operation.path)),
    ...checkParameters(sliced, 'query', [...query.entries()]),
    ...checkBody(operation, sliced, body).map((message) => ({ where: 'body' as const, message })),
  ];
}

function checkBody(operation: MatchedOperation, sliced: SlicedOperation, body: unknown): readonly string[] {
  if (sliced.body === undefined) return body === undefined ? [] : ['no body belongs here'];
  if (body === undefined && !sliced.body.required) return [];
  return validate(`${operation.name} body`, closed(sliced.body.schema), body ?? {}).map(tellError);
}

/** What is wrong with an answer. */
export function checkAnswer(operation: MatchedOperation, status: number, body: unknown): readonly string[] {
  const schema = slicedOperation(operation).answers[String(status)];
  if (schema === undefined && !everywhere.has(status)) return [`${status} is not described`];
  const wanted = schema ?? { $ref: '#/schemas/basic-error' };
  return validate(`${operation.name} ${status}`, wanted, withHeadRepository(body)).map(
    ({ instancePath, message }) => `${instancePath}: ${message}`,
  );
}

/** The operation that a request means; `path` is without the API's own prefix. Undefined: none of ours. */
export function matchOperation(method: string, path: string): MatchedOperation | undefined {
  for (const { name, method: wanted, pattern } of patterns) {
    const found = method === wanted ? pattern.exec(path) : null;
    if (found === null) continue;
    const parts = Object.entries(found.groups ?? {}).map(([word, value]) => [
      word,
      decodeURIComponent(value),
    ]);
    return { name, path: Object.fromEntries(parts) as Record<string, string> };
  }
  return undefined;
}

function slicedOperation({ name }: MatchedOperation): SlicedOperation {
  const operation = slice.operations[name];
  if (operation === undefined) throw new Error(`the slice has no ${name}: cut it anew`);
  return operation;
}

/** Strings of a path or a query: known, once, of the kind and among the values that are described. */
function checkParameters(
  operation: SlicedOperation,
  where: 'path' | 'query',
  given: readonly (readonly [string, string])[],
): readonly RequestProblem[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [name, value] of given) {
    const schema = operation.parameters.find((one) => one.in === where && one.name === name)?.schema;
    if (schema === undefined) problems.push(`"${name}" is not a permitted parameter.`);
    else if (seen.has(name)) problems.push(`"${name}" is given twice.`);
    else if (schema['type'] === 'integer' && !/^\d+$/u.test(value))
      problems.push(`"${name}" is not an integer.`);
    else if (Array.isArray(schema['enum']) && !schema['enum'].includes(value))
      problems.push(`"${name}" may not be "${value}".`);
    // GitHub cuts a larger page to 100 without a word, and who asked for it misses the rest.
    if (name === 'per_page' && Number(value) > 100) problems.push('"per_page" may be 100 at most.');
    seen.add(name);
  }
  return problems.map((message) => ({ where, message }));
}

/** GitHub's words for the common errors of a body. */
function tellError(error: ErrorObject): string {
  const params = error.params as Readonly<Record<string, unknown>>;
  if (error.keyword === 'required') return `"${String(params['missingProperty'])}" wasn't supplied.`;
  if (error.keyword === 'additionalProperties')
    return `"${String(params['additionalProperty'])}" is not a permitted key.`;
  return `For '${error.instancePath.slice(1) || 'links/0/schema'}', it ${error.message ?? 'is wrong'}.`;
}

/** The schema of a body that takes no field beside the described ones, at no depth. */
function closed(schema: Schema): Schema {
  const copy: Record<string, unknown> = { ...schema };
  for (const word of ['oneOf', 'anyOf', 'allOf'])
    if (Array.isArray(copy[word])) copy[word] = (copy[word] as readonly Schema[]).map(closed);
  if (isSchema(copy['items'])) copy['items'] = closed(copy['items']);
  if (isSchema(copy['properties'])) {
    const entries = Object.entries(copy['properties']);
    copy['properties'] = Object.fromEntries(entries.map(([name, value]) => [name, closed(value as Schema)]));
    copy['additionalProperties'] ??= false;
  }
  return copy;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** References of an operation's schema point into the slice. */
function rooted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rooted);
  if (!isSchema(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([word, inner]) =>
      word === '$ref' ? [word, `github${String(inner)}`] : [word, rooted(inner)],
    ),
  );
}

/**
 * The description has a repository behind every head; GitHub gives null once the fork was deleted. Such an
 * answer is checked with the base's repository in its place.
 */
function withHeadRepository(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withHeadRepository);
  if (!isSchema(body) || !isSchema(body['head']) || !isSchema(body['base'])) return body;
  return body['head']['repo'] === null
    ? { ...body, head: { ...body['head'], repo: body['base']['repo'] } }
    : body;
}
