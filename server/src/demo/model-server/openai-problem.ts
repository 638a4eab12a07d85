import type { ErrorAnswer } from './protocol.ts';
import type { Problem } from './reply.ts';

type Words = readonly [type: string, code: string | null, message: string];

const problems: Readonly<Record<number, Words>> = {
  400: ['invalid_request_error', null, 'The request is not valid.'],
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  403: ['invalid_request_error', 'permission_denied', 'You do not have access to this model.'],
  404: ['invalid_request_error', null, 'Not found'],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests.'],
  529: ['server_error', 'server_is_overloaded', 'The server is overloaded. Please try again later.'],
};

const overflown: Words = [
  'invalid_request_error',
  'context_length_exceeded',
  'Your input exceeds the context window of this model. Please adjust your input and try again.',
];

/** The error object of OpenAI's two protocols. */
export function openaiError({ status, overflow, message: ours }: Problem): Readonly<Record<string, unknown>> {
  const words = overflow === true ? overflown : problems[status];
  const [type, code, theirs] = words ?? ['server_error', null, 'The server had an error while processing.'];
  return { message: ours ?? theirs, type, param: null, code };
}

/** The error as the body of an answer with its status. */
export function openaiProblem(problem: Problem): ErrorAnswer {
  return { kind: 'body', status: problem.status, body: { error: openaiError(problem) } };
}
