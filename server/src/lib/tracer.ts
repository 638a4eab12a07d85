import type { TracePlace } from './traceparent.ts';

/**
 * Records what is done, as spans of traces. Recording never waits, fails or changes the work. Attributes hold
 * ids, names and numbers: no prompt, no credential, no message from outside, which might hold one.
 */
export type Tracer = {
  /** Whether anybody collects the spans. */
  readonly isOn: boolean;
  readonly begin: (name: string, options?: SpanOptions) => Span;
};

export type SpanOptions = {
  /** What it is a part of, perhaps in another process; undefined: it begins a trace. */
  readonly parent?: TracePlace | undefined;
  /** The span's own place, where others have to know it beforehand. It lies in its parent's trace. */
  readonly place?: TracePlace;
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** When it began; undefined: now. */
  readonly at?: Date;
  readonly attributes?: Attributes;
};

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type Span = {
  /** Where its parts hang; undefined: nobody collects, and nobody gave a place. */
  readonly place: TracePlace | undefined;
  /** To be called once. */
  readonly end: (result?: SpanEnd) => void;
};

export type SpanEnd = {
  /** A short code that tells how it failed; undefined: it did not. */
  readonly error?: string;
  readonly attributes?: Attributes;
  /** When it ended; undefined: now. */
  readonly at?: Date;
};

/** Collects nothing: a span is its parent's place, so that a caller's trace id passes through. */
export const silentTracer: Tracer = {
  isOn: false,
  begin: (_name, options) => ({ place: options?.parent, end: () => undefined }),
};
