import type { FastifySchema } from 'fastify';
import type { Answer, Documentation } from './documented.ts';
import { liftStated, type JsonObject } from './describe-schemas.ts';
import { nativeErrors, type ErrorForm } from './error-body.ts';

const retryAfter = { 'Retry-After': 'Seconds until it is worth trying again.' };

/** The headers that come with an error, whatever the route. */
const errorHeaders: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'WWW-Authenticate': 'Always `Bearer`.' },
  429: retryAfter,
  503: retryAfter,
};

/** What an error means where a route says nothing else. */
const sharedErrors: Readonly<Record<number, { readonly name: string; readonly text: string }>> = {
  400: { name: 'BadRequest', text: 'A field is wrong: see `fields`.' },
  401: { name: 'Unauthenticated', text: 'The credential is missing or wrong.' },
  403: { name: 'Forbidden', text: 'The credential lacks what the operation needs.' },
  413: { name: 'TooLarge', text: 'The body is larger than 1 MiB.' },
  500: { name: 'Fault', text: 'A fault of the server: its log has the text, under the id of the request.' },
  503: { name: 'Unavailable', text: 'The database is away, or the server stops.' },
};

/** What errors say, for the examples; which field, task or key it is differs from route to route. */
const exampleErrors: Readonly<Record<number, Omit<Parameters<ErrorForm['bodyOf']>[0], 'status'>>> = {
  400: { message: 'name: field is required', fields: { name: 'field is required' } },
  401: { message: 'missing or invalid Bearer token' },
  403: { message: 'missing ability: runs:start' },
  404: { message: 'not found' },
  409: { message: 'it is not in a state that allows this' },
  413: { message: 'request body is too large' },
  429: { message: 'at most 10 tasks a minute; try again in 6 s' },
  500: { message: 'internal error' },
  502: { message: 'GitHub did not answer in time' },
  503: { message: 'the database cannot be reached; try again in a moment' },
};

/** The answers that operations share, as the description's components. */
export function sharedAnswers(): JsonObject {
  return Object.fromEntries(
    Object.entries(sharedErrors).map(([status, { name, text }]) => [
      name,
      describeError(Number(status), text, nativeErrors),
    ]),
  );
}

/** The operation's `requestBody`, where the route takes one. */
export function describeBody(
  { requestExample }: Documentation,
  schema: FastifySchema | undefined,
): JsonObject {
  if (schema?.body === undefined) return {};
  const body = liftStated(schema.body);
  const required = Array.isArray(body['required']) && body['required'].length > 0;
  return { requestBody: { required, content: contentOf('application/json', body, requestExample) } };
}

/** The operation's `responses`: what the route documents, and the errors that it has by itself. */
export function describeAnswers(documentation: Documentation, schema: FastifySchema | undefined): JsonObject {
  const { errorForm: form = nativeErrors } = documentation;
  const own = (schema?.response ?? {}) as Readonly<Record<string, unknown>>;
  const answers = Object.entries(documentation.answers).map(
    ([status, answer]) => [status, describeAnswer(answer, answer.schema ?? own[status])] as const,
  );
  const refusals = [...refusalsOf(documentation, schema)]
    .filter(([status]) => documentation.answers[status] === undefined)
    .map(([status, text]) => [String(status), describeRefusal(status, text, form)] as const);
  return Object.fromEntries([...answers, ...refusals].sort(([one], [other]) => Number(one) - Number(other)));
}

function describeAnswer(answer: Answer, schema: unknown): JsonObject {
  const { description, headers, mediaType, otherMediaTypes = [], example } = answer;
  const body = mediaType === undefined ? schema : { type: 'string' };
  return {
    description,
    ...(headers === undefined ? {} : { headers: describeHeaders(headers) }),
    ...(body === undefined
      ? {}
      : {
          content: {
            ...contentOf(mediaType ?? 'application/json', liftStated(body), example),
            ...Object.fromEntries(otherMediaTypes.map((type) => [type, { schema: { type: 'string' } }])),
          },
        }),
  };
}

/** `text` undefined: as everywhere. */
function describeRefusal(status: number, text: string | undefined, form: ErrorForm): JsonObject {
  const shared = sharedErrors[status];
  if (text === undefined && shared !== undefined && form === nativeErrors) {
    return { $ref: `#/components/responses/${shared.name}` };
  }
  return describeError(status, text ?? shared?.text ?? '', form);
}

function describeError(status: number, description: string, form: ErrorForm): JsonObject {
  const headers = errorHeaders[status];
  const example = exampleErrorOf(status, form);
  return describeAnswer({ description, example, ...(headers === undefined ? {} : { headers }) }, form.schema);
}

function exampleErrorOf(status: number, form: ErrorForm): object | undefined {
  const known = exampleErrors[status];
  return known && form.bodyOf({ status, ...known, message: form.messages[status] ?? known.message });
}

function refusalsOf(
  documentation: Documentation,
  schema: FastifySchema | undefined,
): Map<number, string | undefined> {
  const hasBody = schema?.body !== undefined;
  const hasInput = hasBody || schema?.querystring !== undefined;
  const automatic = [
    ...(hasInput ? [400] : []),
    ...(hasBody ? [413] : []),
    ...(documentation.open === true ? [500] : [401, 500, 503]),
    ...(mayLack(documentation) ? [403] : []),
  ];
  const named = Object.entries(documentation.errors ?? {});
  return new Map([
    ...automatic.map((status) => [status, undefined] as const),
    ...named.map(
      ([status, text]) => [Number(status), withLack(documentation, Number(status), text)] as const,
    ),
  ]);
}

/** Whether a caller who is known can lack what the operation needs. */
function mayLack({ needs }: Documentation): boolean {
  return needs !== undefined && needs !== 'any credential';
}

/** What a 403 of the operation's own means, beside the one that it has by itself. */
function withLack(documentation: Documentation, status: number, text: string): string {
  if (status !== 403 || !mayLack(documentation) || documentation.needs === 'administrator') return text;
  return `${text} Or the credential lacks what the operation needs.`;
}

function describeHeaders(headers: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, schema: { type: name === 'Retry-After' ? 'integer' : 'string' } },
    ]),
  );
}

function contentOf(mediaType: string, schema: JsonObject, example: unknown): JsonObject {
  return { [mediaType]: { schema, ...(example === undefined ? {} : { example }) } };
}
