import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelFailure } from './model-failure.ts';

/** Messages as 0.169 writes them, but for the status lines of other statuses. */
const messages = [
  [
    'unexpected status 401 Unauthorized: x, url: http://127.0.0.1:3128/openai/responses',
    'model_authentication',
    false,
  ],
  ['unexpected status 403 Forbidden: x', 'model_authentication', false],
  ['Missing environment variable: `SLIPWAY_MODEL_KEY`.', 'model_authentication', false],
  ['exceeded retry limit, last status: 429 Too Many Requests', 'model_rate_limit', true],
  ['rate limit exceeded: Rate limit reached for gpt in organization.', 'model_rate_limit', true],
  ['Quota exceeded. Check your plan and billing details.', 'model_rate_limit', false],
  ['We’re currently experiencing high demand, which may cause temporary errors.', 'model_overloaded', true],
  ['unexpected status 529 <unknown status code>: x', 'model_overloaded', true],
  ['Selected model is at capacity. Please try a different model.', 'model_overloaded', true],
  ['stream disconnected before completion: Transport error: network error', 'model_overloaded', true],
  ['Connection failed: error sending request', 'model_overloaded', true],
  ["Codex ran out of room in the model's context window. Start a new thread", 'context_overflow', false],
  ['This content was flagged for possible cybersecurity risk', 'model_refused', false],
  [
    'stream disconnected before completion: Incomplete response returned, reason: content_filter',
    'model_refused',
    false,
  ],
  ['unexpected status 404 Not Found: x', 'agent_failed', false],
  ['Incomplete response returned, reason: max_output_tokens', 'agent_failed', false],
  ['', 'agent_failed', false],
] as const;

test('a turn’s failure is told by its message', () => {
  for (const [message, code, retryable] of messages) {
    const failure = modelFailure({ message });
    assert.deepEqual([failure.code, failure.retryable], [code, retryable], message);
    assert.notEqual(failure.message, '');
  }
});

const infos = [
  ['contextWindowExceeded', 'context_overflow'],
  ['usageLimitExceeded', 'model_rate_limit'],
  ['serverOverloaded', 'model_overloaded'],
  ['cyberPolicy', 'model_refused'],
  [{ httpConnectionFailed: { httpStatusCode: 401 } }, 'model_authentication'],
  [{ responseTooManyFailedAttempts: { httpStatusCode: 429 } }, 'model_rate_limit'],
  [{ responseStreamDisconnected: { httpStatusCode: null } }, 'agent_failed'],
  ['of a later version', 'agent_failed'],
  ['toString', 'agent_failed'],
  [null, 'agent_failed'],
] as const;

test('the app-server’s own word stands before the message', () => {
  for (const [codexErrorInfo, code] of infos) {
    assert.equal(modelFailure({ message: 'it failed', codexErrorInfo }).code, code);
  }
});

test('people read the model’s words, not its JSON nor the address of the relay', () => {
  const json = JSON.stringify({ error: { message: 'The schema is wrong.', type: 'invalid_request_error' } });
  assert.equal(modelFailure({ message: json }).message, 'The schema is wrong.');
  assert.equal(
    modelFailure({
      message: 'unexpected status 404 Not Found: gone, url: http://127.0.0.1:3128/openai/responses',
    }).message,
    'unexpected status 404 Not Found: gone',
  );
  assert.equal(modelFailure(undefined).message, 'the turn failed, and codex did not say why');
});
