import { parentPort } from 'node:worker_threads';
import { JSONPathEnvironment, JSONPathError } from 'json-p3';
import type { JsonObject, JsonValue } from '../domain/workflow.ts';
import { depthMax, selectedMaxCharacters, type SelectOrder, type Selection } from './select-protocol.ts';

/**
 * A thread's program: takes one order, answers with what the paths find. Beside the server's own thread, since a
 * path can ask for more time or memory than there is, and only a thread can be ended in the middle of that.
 */
const environment = new JSONPathEnvironment({ maxRecursionDepth: depthMax + 10 });

/** What is told to people. */
class Unselectable extends Error {}

parentPort?.once('message', (order: SelectOrder) => {
  answer(select(order));
});
answer('ready');

function answer(message: Selection | 'ready'): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(message);
}

function select({ json, outputs }: SelectOrder): Selection {
  try {
    const document = parse(json);
    let room = selectedMaxCharacters;
    const selected = Object.entries(outputs).map(([name, path]) => {
      const { value, length } = valueAt(document, path, room);
      room -= length;
      return [name, value] as const;
    });
    // As text: what is copied between threads is copied by a function that calls itself for each level.
    return { kind: 'selected', json: JSON.stringify(Object.fromEntries(selected)) };
  } catch (error) {
    return { kind: 'failed', problem: error instanceof Unselectable ? error.message : 'cannot be evaluated' };
  }
}

function parse(json: string): JsonValue {
  if (isDeep(json)) throw new Unselectable(`the answer nests deeper than ${depthMax} levels`);
  try {
    return JSON.parse(json.replace(/^\ufeff/u, '')) as JsonValue;
  } catch {
    throw new Unselectable('the answer is not JSON');
  }
}

function valueAt(
  document: JsonValue,
  path: string,
  room: number,
): { readonly value: JsonValue; readonly length: number } {
  const values: JsonValue[] = [];
  let length = 0;
  try {
    for (const node of environment.lazyQuery(path, document as Parameters<typeof environment.lazyQuery>[1])) {
      const value = storable(node.value as JsonValue);
      length += JSON.stringify(value).length + 1;
      if (length > room) throw new Unselectable('what the paths find is longer than 1 MB');
      values.push(value);
    }
  } catch (error) {
    if (error instanceof Unselectable) throw error;
    const why = error instanceof JSONPathError ? ` (${error.name})` : '';
    throw new Unselectable(`${path} cannot be evaluated${why}`);
  }
  const [first] = values;
  if (first === undefined) throw new Unselectable(`nothing at ${path}`);
  return { value: values.length === 1 ? first : values, length };
}

/** Neither half a surrogate pair nor NUL can be stored: both become the sign for what cannot be shown. */
function storable(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((inner: JsonValue) => storable(inner));
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, inner]) => [storableText(name), storable(inner)]),
  );
}

function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/** Looked for in the text: whatever else meets the levels calls itself for each. */
function isDeep(json: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const sign = json[at];
    if (isText) {
      if (sign === '\\') at += 1;
      else if (sign === '"') isText = false;
    } else if (sign === '"') {
      isText = true;
    } else if (sign === '[' || sign === '{') {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (sign === ']' || sign === '}') {
      depth -= 1;
    }
  }
  return false;
}
