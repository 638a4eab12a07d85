import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { githubOperations } from './openapi-operations.ts';

/**
 * Cuts `openapi-slice.json` out of GitHub's OpenAPI description. Run by hand, with the path of the big file:
 * `tools/with-node node server/test/stand-ins/github/cut-openapi-slice.ts <folder>/generated/api.github.com.json`
 */

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
type JsonObject = { readonly [name: string]: Json };

/** An operation, with its parameters and answers in place and its schemas by reference. */
export type SlicedOperation = {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: JsonObject;
  }[];
  readonly body?: { readonly required: boolean; readonly schema: JsonObject };
  /** By status; null: an answer without a body, or with one that is not described. */
  readonly answers: Readonly<Record<string, JsonObject | null>>;
};

/** The slice: what is left is JSON Schema, with references to `#/schemas/<name>`. */
export type OpenapiSlice = {
  readonly operations: Readonly<Record<string, SlicedOperation>>;
  readonly schemas: Readonly<Record<string, JsonObject>>;
};

/** What the words of a schema that check nothing are called. */
const silent = new Set([
  'default',
  'deprecated',
  'description',
  'discriminator',
  'example',
  'examples',
  'externalDocs',
  'readOnly',
  'title',
  'writeOnly',
]);

/**
 * Keeps these operations (`GET /user`) of an OpenAPI 3.0 description with every schema that they need. Texts
 * and examples are left out, and `nullable` becomes JSON Schema. Throws for an operation that there is not.
 */
export function cutOpenapiSlice(description: JsonObject, wanted: readonly string[]): OpenapiSlice {
  const operations: Record<string, SlicedOperation> = {};
  for (const name of wanted) operations[name] = cutOperation(description, name);
  const schemas: Record<string, JsonObject> = {};
  let missing = referencesIn(operations);
  while (missing.length > 0) {
    for (const name of missing)
      schemas[name] = convert(objectAt(description, ['components', 'schemas', name]));
    missing = referencesIn({ ...schemas }).filter((name) => schemas[name] === undefined);
  }
  const sorted = Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return { operations, schemas: Object.fromEntries(sorted) };
}

function cutOperation(description: JsonObject, name: string): SlicedOperation {
  const [method = '', path = ''] = name.split(' ');
  const operation = objectAt(description, ['paths', path, method.toLowerCase()]);
  const parameters = arrayOf(operation['parameters']).map((given) => {
    const parameter = resolve(description, given);
    return {
      name: text(parameter['name']),
      in: text(parameter['in']),
      required: parameter['required'] === true,
      schema: convert(objectAt(parameter, ['schema'])),
    };
  });
  const answers: Record<string, JsonObject | null> = {};
  for (const [status, given] of Object.entries(objectAt(operation, ['responses'])))
    answers[status] = schemaOf(resolve(description, given)) ?? null;
  const body =
    operation['requestBody'] === undefined ? undefined : resolve(description, operation['requestBody']);
  const schema = body === undefined ? undefined : schemaOf(body);
  return {
    parameters,
    ...(schema === undefined ? {} : { body: { required: body?.['required'] === true, schema } }),
    answers,
  };
}

/** The schema of a body or an answer as JSON. */
function schemaOf(holder: JsonObject): JsonObject | undefined {
  const content = holder['content'];
  if (!isObject(content)) return undefined;
  const json = content['application/json'];
  return isObject(json) && isObject(json['schema']) ? convert(json['schema']) : undefined;
}

function convert(schema: JsonObject): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [word, value] of Object.entries(schema)) {
    if (silent.has(word) || word.startsWith('x-') || word === 'nullable') continue;
    if (word === '$ref') kept[word] = text(value).replace('#/components/schemas/', '#/schemas/');
    else if (word === 'properties' && isObject(value)) kept[word] = mapValues(value, convertAny);
    else if (['items', 'additionalProperties', 'not'].includes(word)) kept[word] = convertAny(value);
    else if (['allOf', 'anyOf', 'oneOf'].includes(word)) kept[word] = arrayOf(value).map(convertAny);
    else kept[word] = value;
  }
  return schema['nullable'] === true ? allowNull(kept) : kept;
}

function convertAny(value: Json): Json {
  return isObject(value) ? convert(value) : value;
}

/** OpenAPI 3.0's `nullable`, which JSON Schema does not know. */
function allowNull(schema: JsonObject): JsonObject {
  if (Object.keys(schema).length === 0) return schema;
  const isPlain =
    typeof schema['type'] === 'string' && !['allOf', 'anyOf', 'oneOf', '$ref'].some((word) => word in schema);
  if (!isPlain) return { anyOf: [schema, { type: 'null' }] };
  const type = [schema['type'] as string, 'null'];
  return schema['enum'] === undefined
    ? { ...schema, type }
    : { ...schema, type, enum: [...new Set([...arrayOf(schema['enum']), null])] };
}

function referencesIn(value: unknown): readonly string[] {
  const found = JSON.stringify(value).matchAll(/"#\/schemas\/(?<name>[^"]+)"/gu);
  return [...new Set([...found].map((match) => match.groups?.['name'] ?? ''))];
}

function resolve(description: JsonObject, given: Json): JsonObject {
  if (!isObject(given)) throw new Error('not an object where the description has one');
  const reference = given['$ref'];
  if (typeof reference !== 'string') return given;
  return objectAt(description, reference.split('/').slice(1));
}

function objectAt(from: JsonObject, path: readonly string[]): JsonObject {
  let value: Json | undefined = from;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  if (!isObject(value)) throw new Error(`the description has no ${path.join(' ')}`);
  return value;
}

function mapValues(from: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]));
}

function arrayOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error('no text where the description has one');
  return value;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

if (import.meta.main) {
  const from = process.argv[2];
  if (from === undefined) throw new Error('name the path of api.github.com.json');
  const description = JSON.parse(readFileSync(from, 'utf8')) as JsonObject;
  const slice = cutOpenapiSlice(description, githubOperations);
  writeFileSync(join(import.meta.dirname, 'openapi-slice.json'), `${JSON.stringify(slice, null, 1)}\n`);
}
