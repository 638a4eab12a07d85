import { isDeepStrictEqual } from 'node:util';
import { statedKeyword } from './documented.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A schema as the description shows it: plain JSON, with what is only stated among its keywords. */
export function liftStated(schema: unknown): JsonObject {
  return visit(JSON.parse(JSON.stringify(schema)), (node) => {
    const { [statedKeyword]: stated, ...rest } = node;
    return stated === undefined ? node : { ...rest, ...(stated as JsonObject) };
  }) as JsonObject;
}

/** Headers that an operation reads, as the schema of a request's headers. */
export function headerParameters(headers: Readonly<Record<string, string>>): JsonObject {
  const properties = Object.entries(headers).map(([name, description]) => [
    name,
    { type: 'string', description },
  ]);
  return { type: 'object', properties: Object.fromEntries(properties) };
}

/**
 * Puts every schema that has a title among the components, under that name, and a reference in its place.
 *
 * @throws Error where two different ones have the same title.
 */
export function shareSchemas(document: JsonObject): JsonObject {
  const shared = new Map<string, JsonObject>();
  const share = (node: JsonObject): JsonObject => {
    const { title, ...schema } = node;
    if (typeof title !== 'string' || !('type' in schema || 'anyOf' in schema)) return node;
    const known = shared.get(title);
    if (known !== undefined && !isDeepStrictEqual(known, schema)) {
      throw new Error(`two different schemas have the title ${title}`);
    }
    shared.set(title, schema);
    return { $ref: `#/components/schemas/${title}` };
  };
  const paths = visit(document['paths'], share);
  const components = document['components'] as JsonObject;
  const responses = visit(components['responses'], share);
  const byName = [...shared].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    ...document,
    paths,
    components: { ...components, responses, schemas: Object.fromEntries(byName) },
  };
}

/** The value with every object in it replaced by what `change` gives, the inner ones first; examples stay. */
function visit(value: unknown, change: (node: JsonObject) => JsonObject): unknown {
  if (Array.isArray(value)) return value.map((entry) => visit(entry, change));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([name, entry]) => [name, name === 'example' ? entry : visit(entry, change)] as const,
  );
  return change(Object.fromEntries(entries));
}
