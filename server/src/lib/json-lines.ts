import type { Readable } from 'node:stream';

/**
 * The JSON values that stand one a line in a stream, in order; a last line without its end counts too.
 * Ends with the stream. Throws a `RangeError` when a line is longer than `maxBytes` and a `SyntaxError`
 * when one is not JSON: who writes to us is another process of ours, so neither is worth going on after.
 */
export async function* readJsonLines(
  stream: Readable,
  maxBytes: number,
): AsyncGenerator<unknown, void, void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const data of stream) {
    let rest: Buffer = Buffer.isBuffer(data) ? data : Buffer.from(String(data));
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]);
      parts = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
      if (line.length > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
      if (line.length > 0) yield JSON.parse(line.toString('utf8'));
    }
    parts.push(rest);
    bytes += rest.length;
    if (bytes > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`);
  }
  const last = Buffer.concat(parts).toString('utf8').trim();
  if (last !== '') yield JSON.parse(last);
}
