import type { ApiDescription } from '../server/src/http/describe-api.ts';

/** A schema as our own description has it; all of JSON Schema is more than that. */
type Schema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly description?: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
};

const head = `/* oxlint-disable max-lines */
// Generated from docs/openapi.yaml by \`npm run gen\`: change the schemas of the routes instead.
`;

/**
 * The types of everything that an API's description names: one type a shared schema, and `Operations`, which
 * has the query, the body and the answer of each operation by its id.
 *
 * @throws Error for a schema that this generator does not know.
 */
export function apiTypesOf({ paths, components }: ApiDescription): string {
  const types = Object.entries(components.schemas).map(([name, schema]) =>
    documented(schema as Schema, '', `export type ${name} = ${typeOf(schema as Schema, '')};\n`),
  );
  const operations = Object.values(paths)
    .flatMap((item) => Object.values(item) as unknown as readonly Operation[])
    .map((operation) =>
      documented({ description: operation.summary }, '  ', `  readonly ${operationOf(operation)}\n`),
    );
  const all = `/** What each operation takes and gives, by its id. */\nexport type Operations = {\n${operations.join('')}};\n`;
  return [head, ...types, all].join('\n');
}

function operationOf({ operationId, parameters = [], requestBody, responses }: Operation): string {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const fields = query.map(({ name, description, required, schema }) =>
    field(name, { ...schema, ...(description === undefined ? {} : { description }) }, required, '      '),
  );
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1].content;
  const parts = [
    ...(fields.length === 0 ? [] : [`query: {\n${fields.join('')}    }`]),
    ...(requestBody === undefined ? [] : [`body: ${contentType(requestBody.content)}`]),
    `answer: ${good === undefined ? 'undefined' : contentType(good)}`,
  ];
  return `${operationId}: {\n${parts.map((part) => `    readonly ${part};\n`).join('')}  };`;
}

/** The type of a body; what is no JSON is text. */
function contentType(content: Content): string {
  const json = content['application/json'];
  return json === undefined ? 'string' : typeOf(json.schema, '    ');
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, indent)).join(' | ');
  switch (schema.type) {
    case 'object':
      return objectType(schema, indent);
    case 'array':
      return `readonly ${group(typeOf(schema.items ?? {}, indent))}[]`;
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case undefined:
      return 'unknown';
    default:
      throw new Error(`no type is known for ${JSON.stringify(schema)}`);
  }
}

function objectType(schema: Schema, indent: string): string {
  const { properties = {}, required = [], patternProperties = {}, additionalProperties } = schema;
  const fields = Object.entries(properties).map(([name, value]) =>
    field(name, value, required.includes(name), `${indent}  `),
  );
  if (fields.length > 0) return `{\n${fields.join('')}${indent}}`;
  const [values] = [...Object.values(patternProperties), additionalProperties];
  const of = typeof values === 'object' ? typeOf(values, indent) : 'unknown';
  return `Readonly<Record<string, ${of}>>`;
}

/** What may be left out may also be undefined: JSON has no word for that. */
function field(name: string, schema: Schema, required: boolean, indent: string): string {
  const key = /^[a-z_]\w*$/iu.test(name) ? name : literal(name);
  const type = typeOf(schema, indent);
  const rest = required || type === 'unknown' ? '' : ' | undefined';
  return documented(schema, indent, `${indent}readonly ${key}${required ? '' : '?'}: ${type}${rest};\n`);
}

function documented({ description }: Pick<Schema, 'description'>, indent: string, text: string): string {
  if (description === undefined) return text;
  return `${indent}/** ${description.replaceAll('*/', '*\\/').replaceAll('\n', ' ')} */\n${text}`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll(/['\\]/gu, '\\$&')}'` : JSON.stringify(value);
}

function group(type: string): string {
  return type.includes(' ') && !type.startsWith('{') ? `(${type})` : type;
}
