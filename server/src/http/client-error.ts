import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody } from './error-body.ts';

const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/**
 * Answers bytes that are no HTTP request, or one that does not come to its end: no route ever sees them.
 * Where an answer is already on its way nothing may be put into the middle of it.
 */
export function onClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  const busy = '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined;
  if (error.code === 'ECONNRESET' || !socket.writable || busy) {
    socket.destroy();
    return;
  }
  const status = statuses[error.code ?? ''] ?? 400;
  const message =
    status === 400 ? 'this is not a valid HTTP request' : (STATUS_CODES[status] ?? '').toLowerCase();
  const body = JSON.stringify(errorBody({ status, message }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${randomUUID()}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
