/**
 * The cursor of the next page by Sentry's `Link` header, which always names a next page and says with `results`
 * whether it has anything; undefined: it has nothing, or the header says nothing that is understood.
 */
export function nextCursorOf(headers: Headers): string | undefined {
  for (const link of (headers.get('link') ?? '').split(/,\s*(?=<)/u)) {
    const parameters = new Map(
      [...link.matchAll(/;\s*(?<name>\w+)="(?<value>[^"]*)"/gu)].map(({ groups }) => [
        groups?.['name'],
        groups?.['value'],
      ]),
    );
    const cursor = parameters.get('cursor');
    const isNext = parameters.get('rel') === 'next' && parameters.get('results') === 'true';
    if (isNext && cursor !== undefined && isCursor(cursor)) return cursor;
  }
  return undefined;
}

/** A cursor is numbers by colons (`0:100:0`), or for some lists a text in base64. */
function isCursor(text: string): boolean {
  return /^[A-Za-z0-9:_=.+/-]{1,200}$/u.test(text);
}
