/** A place in a trace, by the ids of W3C Trace Context: 32 and 16 lower-case hex digits, neither all zeros. */
export type TracePlace = { readonly traceId: string; readonly spanId: string };

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/u;

/**
 * Reads a `traceparent` header as https://www.w3.org/TR/trace-context/ has it; undefined: there is none, or
 * it has to be ignored. Later versions may be longer; version ff does not exist.
 */
export function parseTraceparent(header: string | readonly string[] | undefined): TracePlace | undefined {
  const [, version, traceId = '', spanId = '', more] =
    typeof header === 'string' ? (pattern.exec(header) ?? []) : [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  return isZero(traceId) || isZero(spanId) ? undefined : { traceId, spanId };
}

/** As another program reads it; `sampled` tells that this side records the trace. */
export function traceparentOf({ traceId, spanId }: TracePlace, sampled: boolean): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/**
 * The place that a row has in its trace. A span id is made of the row's UUID, so that every process, also one
 * that never saw the span, can hang others below it: the last 16 hex digits, which hold the variant (never
 * zero) and 62 random bits in versions 4 and 7.
 */
export function placeOf(traceId: string, id: string): TracePlace {
  return { traceId, spanId: id.replaceAll('-', '').slice(16) };
}

function isZero(digits: string): boolean {
  return /^0*$/u.test(digits);
}
