import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { ApiDescription } from '../../../src/http/describe-api.ts';
import { close } from './closed-schemas.ts';

/** A JSON body that the description has: of a request, or of an answer. */
export type Message = {
  /** `createTask` for what is sent, `createTask 201` for what comes back. */
  readonly name: string;
  /** Undefined: a request. */
  readonly status: string | undefined;
  readonly schema: object;
  readonly example: unknown;
  /** Whether it is the body that refusals have, and not one of the route's own. */
  readonly isErrorBody: boolean;
};

type Body = {
  readonly content?: Readonly<Record<string, { readonly schema: object; readonly example?: unknown }>>;
};
type Operation = {
  readonly operationId: string;
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body | { readonly $ref: string }>>;
};

const json = 'application/json';

/** All of them; an answer that operations share once for each. Streams and texts are no JSON. */
export function findMessages(description: ApiDescription): readonly Message[] {
  const operations = Object.values(description.paths).flatMap((item) => Object.values(item)) as Operation[];
  return operations.flatMap((operation) => [
    ...messageOf(operation.operationId, undefined, operation.requestBody),
    ...Object.entries(operation.responses).flatMap(([status, response]) =>
      messageOf(`${operation.operationId} ${status}`, status, found(description, response)),
    ),
  ]);
}

function found(description: ApiDescription, response: Body | { readonly $ref: string }): Body {
  if (!('$ref' in response)) return response;
  return description.components.responses[response.$ref.split('/').at(-1) ?? ''] as Body;
}

function messageOf(name: string, status: string | undefined, body: Body | undefined): readonly Message[] {
  const content = body?.content?.[json];
  if (content === undefined) return [];
  const { schema, example } = content;
  const isErrorBody = JSON.stringify(schema) === '{"$ref":"#/components/schemas/ErrorBody"}';
  return [{ name, status, schema, example, isErrorBody }];
}

/** What is wrong with a message's example; undefined: nothing. No object may have fields that it does not name. */
export function exampleCheckOf(description: ApiDescription): (message: Message) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(close(description) as object, 'api');
  return ({ schema, example }) => {
    const closed = JSON.parse(JSON.stringify(close(schema)).replaceAll('"#/', '"api#/')) as object;
    const validate = ajv.compile(closed);
    return validate(example) ? undefined : ajv.errorsText(validate.errors);
  };
}
