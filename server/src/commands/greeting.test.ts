import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greetingText } from './greeting.ts';

const plain = {
  version: '1.2.3',
  url: 'http://127.0.0.1:5000',
  dataFolder: '/data',
  made: undefined,
  apiKeys: 0,
};

test('a server says where it listens and where its data lies, and a new token once', () => {
  assert.equal(
    greetingText({ ...plain, made: { token: 'secret', file: '/data/admin-token' } }),
    [
      'Slipway 1.2.3 is listening on http://127.0.0.1:5000',
      '  data   /data',
      '  token  secret',
      "         the administrator's, shown this once; kept in /data/admin-token",
    ].join('\n'),
  );
});

test('with API keys, it says first what they open', () => {
  assert.equal(
    greetingText({ ...plain, apiKeys: 2 }),
    [
      'HTTP API enabled with 2 API key(s)',
      'Starting server on port 5000...',
      'API endpoints: http://localhost:5000/api/tasks/submit',
      '               http://localhost:5000/api/tasks/{task_id}/status',
      '               http://localhost:5000/api/tasks',
      'Slipway 1.2.3 is listening on http://127.0.0.1:5000',
      '  data   /data',
    ].join('\n'),
  );
  const at = (url: string) => greetingText({ ...plain, url, apiKeys: 1 }).split('\n')[2];
  assert.equal(at('http://[::1]:5000'), 'API endpoints: http://localhost:5000/api/tasks/submit');
  assert.equal(at('http://0.0.0.0:5000'), at('http://[::1]:5000'));
  assert.equal(at('http://[::]:5000'), at('http://[::1]:5000'));
  assert.equal(at('http://10.0.0.7:80'), 'API endpoints: http://10.0.0.7/api/tasks/submit');
});
