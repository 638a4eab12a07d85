import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Bodies are JSON objects whatever their `Content-Type` says, and an empty one is `{}`: clients send both
 * wrong, and nothing here is authorised by what a browser may send unasked.
 */
export function takeJsonBodies(app: FastifyInstance): void {
  parseJsonBodies(app, 'invalid JSON body');
  app.addHook('onRequest', async (request) => {
    // Fastify refuses a type that it cannot parse before any parser is asked.
    delete request.headers['content-type'];
  });
  app.addHook('preValidation', async (request) => {
    request.body ??= {};
  });
}

/** What is no JSON object is refused in these words, on this server or below this plugin. */
export function parseJsonBodies(app: FastifyInstance, refusal: string): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    parseObject(body, refusal),
  );
}

function parseObject(bytes: Buffer, refusal: string): object {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw new Refusal('invalid', refusal, { cause: error });
  }
  throw new Refusal('invalid', refusal);
}
