import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { ApiDescription } from '../../../src/http/describe-api.ts';
import type { HttpServer } from '../../../src/http/app.ts';
import { close } from './closed-schemas.ts';

type Operation = {
  readonly pattern: RegExp;
  readonly method: string;
  readonly pointer: string;
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
};
type Response = {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, unknown>>;
};
type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
};

/** Fails where an answer is not one that the API's description has. */
export type AnswerCheck = (method: string, path: string, answer: Answer) => void;

let check: Promise<AnswerCheck> | undefined;

/** The check of what servers like this one answer; made once, since they all describe themselves alike. */
export function answerCheckOf(server: HttpServer): Promise<AnswerCheck> {
  check ??= describe(server).then(createAnswerCheck);
  return check;
}

async function describe(server: HttpServer): Promise<ApiDescription> {
  const described = await server.inject('/api/docs/json');
  assert.equal(described.statusCode, 200, described.body);
  return described.json();
}

/** The check of what servers with this description answer. */
export function createAnswerCheck(description: ApiDescription): AnswerCheck {
  const document = close(description) as ApiDescription;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'api');
  const operations = operationsOf(document);
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (pointer: string): ValidateFunction => {
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `api#${pointer}` });
    validators.set(pointer, validate);
    return validate;
  };
  return (method, path, answer) => {
    const asked = `${method} ${path.split('?', 1)[0] ?? ''}`;
    const found = findAnswer(document, operations, asked, answer);
    const documentedHeaders = Object.keys(found.response.headers ?? {});
    for (const name of documentedHeaders) {
      assert.ok(answer.headers[name.toLowerCase()] !== undefined, `${asked}: ${answer.status} lacks ${name}`);
    }
    if (method === 'HEAD') return;
    const type = answer.headers['content-type'];
    const mediaType = typeof type === 'string' ? type.split(';', 1)[0] : undefined;
    const known = Object.keys(found.response.content ?? {});
    if (known.length === 0 && answer.text === '') return;
    assert.ok(
      mediaType !== undefined && known.includes(mediaType),
      `${asked}: ${answer.status} is ${mediaType}, not ${known.join()}`,
    );
    if (mediaType !== 'application/json') return;
    const validate = validatorOf(`${found.pointer}/content/application~1json/schema`);
    const body: unknown = JSON.parse(answer.text);
    assert.ok(
      validate(body),
      `${asked}: ${answer.status} ${answer.text} is not as described: ${ajv.errorsText(validate.errors)}`,
    );
  };
}

/** The description of this answer, and where it stands in the document. */
function findAnswer(
  document: ApiDescription,
  operations: readonly Operation[],
  asked: string,
  { status }: Answer,
): { readonly response: Response; readonly pointer: string } {
  const [method = '', path = ''] = asked.replace(/^HEAD /u, 'GET ').split(' ');
  const operation = operations.find((known) => known.method === method && known.pattern.test(path));
  const isHeadRefused = asked.startsWith('HEAD ') && status === 405;
  if (operation === undefined || isHeadRefused) {
    // No such path, or another method of it: in front of every route.
    assert.ok([401, 404, 405, 503].includes(status), `${asked} is not described, and answers ${status}`);
    return { response: { content: { 'application/json': {} } }, pointer: anyError };
  }
  const response = operation.responses[status];
  assert.ok(response !== undefined, `${asked} answers ${status}, which is not described`);
  if (!('$ref' in response)) return { response, pointer: `${operation.pointer}/responses/${status}` };
  const pointer = response.$ref.slice(1);
  const shared = document.components.responses[pointer.split('/').at(-1) ?? ''];
  assert.ok(shared !== undefined, `${pointer} is not there`);
  return { response: shared, pointer };
}

/** Any of the shared errors: they all have the same body. */
const anyError = '/components/responses/Fault';

function operationsOf(document: ApiDescription): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/gu, '[^/]+').replaceAll('.', '\\.')}$`, 'u'),
      method: method.toUpperCase(),
      pointer: `/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}`,
      responses: operation['responses'] as Operation['responses'],
    })),
  );
}
