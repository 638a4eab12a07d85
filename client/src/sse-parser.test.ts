import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createSseParser, type SseMessage } from './sse-parser.ts';

const utf8 = new TextEncoder();

function parse(text: string, lastEventId?: string): readonly SseMessage[] {
  return createSseParser(lastEventId).push(utf8.encode(text));
}

/** `ownId`: null for an event that brought none. */
function message(data: string, event = 'message', lastEventId = '', ownId: string | null = null): SseMessage {
  return { event, data, lastEventId, ownId: ownId ?? undefined };
}

test('the examples of the HTML standard parse as it says', () => {
  assert.deepEqual(parse('data: YHOO\ndata: +2\ndata: 10\n\n'), [message('YHOO\n+2\n10')]);
  assert.deepEqual(
    parse(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n'),
    [message('first event', 'message', '1', '1'), message('second event', 'message', '', '')],
  );
  assert.deepEqual(parse('data\n\ndata\ndata\n\ndata:'), [message(''), message('\n')]);
  assert.deepEqual(parse('data:test\n\ndata: test\n\n'), [message('test'), message('test')]);
});

test('an id stays until another one comes, also from an earlier connection', () => {
  assert.deepEqual(parse('data: a\n\nid: 5\ndata: b\n\ndata: c\n\n', '4'), [
    message('a', 'message', '4'),
    message('b', 'message', '5', '5'),
    message('c', 'message', '5'),
  ]);
});

test('an id that holds NUL is ignored', () => {
  assert.deepEqual(parse('id: 1\0\ndata: a\n\n'), [message('a')]);
});

test('a block without data is no event, and its name does not reach the next one', () => {
  assert.deepEqual(parse('event: odd\n\ndata: a\n\n'), [message('a')]);
});

test('a byte order mark is dropped once, at the start', () => {
  assert.deepEqual(parse('\uFEFFdata: a\n\n'), [message('a')]);
  assert.deepEqual(parse('\uFEFF\uFEFFdata: a\n\n'), []);
});

test('unknown fields and comments are ignored, field names are exact', () => {
  assert.deepEqual(parse(':data: x\nDATA: x\n data: x\nother: x\ndata: a\n\n'), [message('a')]);
});

test('retry is taken where it is digits only', () => {
  const parser = createSseParser();
  parser.push(utf8.encode('retry: 1500\nretry: -1\nretry: 2s\nretry\n'));
  assert.equal(parser.retryMs(), 1500);
});

test('an event is there as soon as its bytes are, even where the last line end may be half of CRLF', () => {
  const parser = createSseParser();
  assert.deepEqual(parser.push(utf8.encode('data: a\r\r')), [message('a')]);
  assert.deepEqual(parser.push(utf8.encode('\ndata: b\r\n\r\n')), [message('b')]);
});

test('an event without an end is refused instead of filling the memory', () => {
  const parser = createSseParser('', 100);
  parser.push(utf8.encode(`data: ${'x'.repeat(80)}\n`));
  assert.throws(() => parser.push(utf8.encode('data: and some more text')), RangeError);
});

const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll(/[\r\n\0]/gu, '·'));
const block = fc.record({ name: text, lines: fc.array(text, { minLength: 1, maxLength: 4 }), id: text });

test('what is written comes back, whatever the line ends and wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(block), lineEnd, fc.infiniteStream(fc.nat({ max: 7 })), (blocks, end, cuts) => {
      const written = blocks.map(({ name, lines, id }) =>
        [`event: ${name}`, ': a comment', ...lines.map((line) => `data: ${line}`), `id: ${id}`, '', ''].join(
          end,
        ),
      );
      const bytes = utf8.encode(written.join(''));
      const parser = createSseParser();
      const read: SseMessage[] = [];
      for (let at = 0; at < bytes.length;) {
        const next = at + (cuts.next().value ?? 1);
        read.push(...parser.push(bytes.subarray(at, next)));
        at = next;
      }
      const expected = blocks.map(({ name, lines, id }) =>
        message(
          lines.join('\n').toWellFormed(),
          (name || 'message').toWellFormed(),
          id.toWellFormed(),
          id.toWellFormed(),
        ),
      );
      assert.deepEqual(read, expected);
    }),
  );
});

test('any bytes at all parse to the same events in one piece and byte by byte', () => {
  const unit = fc.constantFrom(
    'data',
    'id',
    'event',
    'retry',
    ':',
    ' ',
    '\r',
    '\n',
    '\r\n',
    'x',
    'é',
    '\uFEFF',
    '\0',
  );
  const stream = fc.string({ unit, maxLength: 60 }).map((value) => utf8.encode(value));
  fc.assert(
    fc.property(stream, (bytes) => {
      const whole = createSseParser().push(bytes);
      const parser = createSseParser();
      const pieces = Array.from(bytes, (byte) => parser.push(Uint8Array.of(byte))).flat();
      assert.deepEqual(pieces, whole);
    }),
    { numRuns: 500 },
  );
});
