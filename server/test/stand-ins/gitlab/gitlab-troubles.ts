import type { ApiAnswer } from './api-answer.ts';

const page = `<!DOCTYPE html>
<html>
<head><title>GitLab is not responding (502)</title></head>
<body><h1>502</h1><p>Whoops, GitLab is taking too much time to respond.</p></body>
</html>
`;

/** What GitLab, or the proxy in front of it, says with a status when nothing else is said. */
export function usualAnswer(status: number): ApiAnswer {
  switch (status) {
    case 401:
      return { status, body: { message: '401 Unauthorized' } };
    case 403:
      return { status, body: { message: '403 Forbidden' } };
    case 404:
      return { status, body: { message: '404 Project Not Found' } };
    case 409:
      return {
        status,
        body: { message: ['Another open merge request already exists for this source branch: !1'] },
      };
    case 422:
      return { status, body: { message: '422 Unprocessable Entity' } };
    case 502:
      return { status, body: page, headers: { 'content-type': 'text/html' } };
    case 503:
      return { status, body: '', headers: { 'content-type': 'text/plain' } };
    default:
      return { status, body: { message: `${status} Internal Server Error` } };
  }
}

/** A request over the limit: no JSON, and when to come again in seconds ("User and IP rate limits"). */
export function tooMany(seconds: number, now: number): ApiAnswer {
  const reset = Math.ceil(now / 1000) + seconds;
  return {
    status: 429,
    body: 'Retry later\n',
    headers: {
      'content-type': 'text/plain',
      'retry-after': String(seconds),
      'ratelimit-limit': '2000',
      'ratelimit-name': 'throttle_authenticated_api',
      'ratelimit-observed': '2001',
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(reset),
    },
  };
}
