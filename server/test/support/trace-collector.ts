import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector got it. */
export type CollectedSpan = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly isError: boolean;
  readonly service: string;
  /** Of the process that recorded it. */
  readonly instance: string;
};

/** A collector on loopback. It takes OTLP over HTTP in JSON and nothing else, and refuses what is malformed. */
export type TraceCollector = AsyncDisposable & {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  readonly url: string;
  readonly spans: () => readonly CollectedSpan[];
  /** Every body as it came, for who looks for what must not be in it. */
  readonly bodies: () => string;
  /** Why requests were refused. */
  readonly refused: readonly string[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
  /** From now on requests are answered with this status, or not at all; undefined: as they deserve. */
  readonly misbehave: (how: number | 'silent' | undefined) => void;
  readonly close: () => Promise<void>;
};

/** Starts it on a free port. */
export async function startTraceCollector(): Promise<TraceCollector> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const refused: string[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  let how: number | 'silent' | undefined;
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      headers.push(request.headers);
      if (how === 'silent') return;
      if (how !== undefined) {
        response.writeHead(how).end();
        return;
      }
      try {
        spans.push(...decode(request, body));
        bodies.push(body);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
      } catch (error) {
        refused.push(String(error));
        response.writeHead(400).end();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => spans,
    bodies: () => bodies.join('\n'),
    refused,
    headers,
    misbehave: (next) => {
      how = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads a request by https://opentelemetry.io/docs/specs/otlp/ (JSON: ids in hex, 64-bit numbers as decimal
 * text, lowerCamelCase). Throws what is wrong with it.
 */
function decode(request: IncomingMessage, body: string): readonly CollectedSpan[] {
  expect(request.method === 'POST' && request.url === '/v1/traces', `${request.method} ${request.url}`);
  expect(request.headers['content-type'] === 'application/json', 'the content type');
  const spans: CollectedSpan[] = [];
  for (const resourceSpans of objectsOf(objectOf(JSON.parse(body)), 'resourceSpans')) {
    const resource = attributesOf(objectOf(resourceSpans['resource']));
    for (const scopeSpans of objectsOf(resourceSpans, 'scopeSpans')) {
      expect(typeof objectOf(scopeSpans['scope'])['name'] === 'string', 'the scope has no name');
      for (const span of objectsOf(scopeSpans, 'spans')) spans.push(spanOf(span, resource));
    }
  }
  expect(spans.length > 0, 'no span in it');
  return spans;
}

type Fields = Readonly<Record<string, unknown>>;

function spanOf(span: Fields, resource: CollectedSpan['attributes']): CollectedSpan {
  const [traceId, spanId] = [idOf(span['traceId'], 32), idOf(span['spanId'], 16)];
  const parent = span['parentSpanId'];
  const [start, end] = [nanosecondsOf(span['startTimeUnixNano']), nanosecondsOf(span['endTimeUnixNano'])];
  expect(end >= start, 'a span ends before it begins');
  expect(typeof span['name'] === 'string' && span['name'] !== '', 'a span without a name');
  expect(Number.isInteger(span['kind']) && Number(span['kind']) >= 1 && Number(span['kind']) <= 5, 'a kind');
  const status = span['status'] === undefined ? {} : objectOf(span['status']);
  return {
    name: span['name'],
    traceId,
    spanId,
    parentSpanId: parent === undefined || parent === '' ? undefined : idOf(parent, 16),
    kind: Number(span['kind']),
    start,
    end,
    attributes: attributesOf(span),
    isError: status['code'] === 2,
    service: String(resource['service.name']),
    instance: String(resource['service.instance.id']),
  };
}

function attributesOf(holder: Fields): CollectedSpan['attributes'] {
  return Object.fromEntries(
    objectsOf(holder, 'attributes').map((attribute) => {
      const value = objectOf(attribute['value']);
      const [kind, ...more] = Object.keys(value);
      expect(more.length === 0, 'an attribute with several values');
      const found = value[kind ?? ''];
      if (kind === 'intValue') return [String(attribute['key']), Number(found)];
      expect(
        (kind === 'stringValue' && typeof found === 'string') ||
          (kind === 'boolValue' && typeof found === 'boolean') ||
          (kind === 'doubleValue' && typeof found === 'number'),
        `an attribute of the kind ${kind}`,
      );
      return [String(attribute['key']), found];
    }),
  );
}

function idOf(value: unknown, digits: number): string {
  expect(typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/u.test(value), 'an id');
  expect(!/^0+$/u.test(value), 'an id of zeros');
  return value;
}

function nanosecondsOf(value: unknown): bigint {
  expect(typeof value === 'string' && /^\d{19}$/u.test(value), `a time: ${String(value)}`);
  return BigInt(value);
}

function objectsOf(holder: Fields, name: string): readonly Fields[] {
  const value = holder[name];
  expect(Array.isArray(value), `${name} is no array`);
  return (value as unknown[]).map(objectOf);
}

function objectOf(value: unknown): Fields {
  expect(typeof value === 'object' && value !== null && !Array.isArray(value), 'an object is missing');
  return value as Fields;
}

function expect(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(problem);
}
