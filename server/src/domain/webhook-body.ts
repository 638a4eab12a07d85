import { objectOf, type JsonObject } from '../lib/json-fields.ts';
import { Refusal } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const formField = 'payload=';

/**
 * The object that a webhook's bytes stand for: JSON, or a form with JSON in its field `payload`, which GitHub
 * sends where a hook was left at its default content type. No JSON begins as the form does, so the bytes tell.
 *
 * @throws Refusal `invalid`.
 */
export function parseWebhookBody(bytes: Uint8Array): JsonObject {
  try {
    const text = utf8.decode(bytes);
    const json = text.startsWith(formField) ? (new URLSearchParams(text).get('payload') ?? '') : text;
    const body = objectOf(JSON.parse(json));
    if (body !== undefined) return body;
  } catch (error) {
    throw new Refusal('invalid', 'invalid JSON body', { cause: error });
  }
  throw new Refusal('invalid', 'invalid JSON body');
}
