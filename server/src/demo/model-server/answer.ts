import type { ServerResponse } from 'node:http';

/** The way back of one request: a whole body of JSON, or a stream of server-sent events. */
export type Answer = {
  readonly header: (name: string, value: string) => void;
  readonly json: (status: number, body: unknown) => void;
  /** Sends the head of a stream. */
  readonly begin: () => void;
  /** Resolves when the text was handed to the kernel: what breaks behind it has been sent. */
  readonly write: (text: string) => Promise<void>;
  readonly end: () => void;
  /** Aborted when the connection is gone, or the server closes: what waits then gives up. */
  readonly signal: AbortSignal;
};

/** `onHead` is told the status at the first byte. */
export function createAnswer(
  response: ServerResponse,
  signal: AbortSignal,
  onHead: (status: number) => void,
): Answer {
  const head = (status: number, type: string): void => {
    onHead(status);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-cache' });
  };
  return {
    signal,
    header: (name, value) => void response.setHeader(name, value),
    json(status, body) {
      head(status, 'application/json');
      response.end(JSON.stringify(body));
    },
    begin: () => head(200, 'text/event-stream'),
    write: (text) =>
      new Promise((resolve, reject) => {
        const stop = (): void => reject(signal.reason);
        signal.addEventListener('abort', stop, { once: true });
        response.write(text, (error) => {
          signal.removeEventListener('abort', stop);
          if (error) reject(error);
          else resolve();
        });
      }),
    end: () => void response.end(),
  };
}
