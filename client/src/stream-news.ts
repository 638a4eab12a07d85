/** What following a stream yields: its events, how its subject stands, and with the last word also `End`. */
export type StreamNews<Event, Status, End> =
  /** The stream is open, for the first time or again. `at`: the server's time then, where it told. */
  | { readonly kind: 'connected'; readonly status: Status; readonly at: string | undefined }
  /** The connection was lost; the stream goes on by itself, without a gap or a repeat, after `waitMs`. */
  | { readonly kind: 'interrupted'; readonly reason: string; readonly waitMs: number }
  | StreamContent<Event, Status, End>;

/** Of that, what the stream itself says but once. */
export type StreamContent<Event, Status, End> =
  /** `id` resumes behind this event; undefined where the server gave none. */
  | { readonly kind: 'event'; readonly id: string | undefined; readonly event: Event }
  /** The subject has come to its end; nothing comes after this. */
  | ({ readonly kind: 'done'; readonly status: Status } & End);
