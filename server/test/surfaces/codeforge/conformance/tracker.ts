import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

type Asked = {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** A tracker of items, as workflows fetch from one: every item is there, but `/items/gone`. */
export type Tracker = {
  readonly url: string;
  /** What it was asked for a path, oldest first. */
  readonly asked: (path: string) => readonly Asked[];
  readonly close: () => Promise<void>;
};

export const itemTitle = 'Foo is called Bar';

export async function startTracker(): Promise<Tracker> {
  const all = new Map<string, Asked[]>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', headers } = request;
      const body = Buffer.concat(chunks).toString('utf8');
      all.set(path, [...(all.get(path) ?? []), { method, headers, body }]);
      const isGone = path === '/items/gone';
      const item = {
        title: itemTitle,
        body: 'Since {{.Params.item_id}}',
        labels: [{ name: 'a' }, { name: 'b' }],
      };
      response.writeHead(isGone ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isGone ? { message: 'no such item' } : item));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: (path) => all.get(path) ?? [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
