import { shortSeconds, type Meter } from '../lib/metrics.ts';

/** What is measured of event streams. */
export type StreamMetrics = {
  /** A stream was opened; what is returned tells that it ended. */
  readonly opened: () => () => void;
  /** A batch was handed to the socket: its oldest event counts, of those since the stream was opened. */
  readonly sent: (batch: readonly { readonly at: Date }[], openedAt: Date) => void;
};

export function createStreamMetrics(meter: Meter): StreamMetrics {
  let open = 0;
  meter.watch(
    { type: 'gauge', name: 'slipway_event_streams_open', help: 'Event streams that clients follow now.' },
    () => [{ labels: {}, value: open }],
  );
  const lag = meter.histogram({
    name: 'slipway_event_lag_seconds',
    help: 'From the writing of an event, by the clock of the database, to its sending to a client that follows.',
    buckets: shortSeconds,
  });
  return {
    opened() {
      open += 1;
      return () => {
        open -= 1;
      };
    },
    sent(batch, openedAt) {
      const oldest = batch.find(({ at }) => at > openedAt)?.at;
      // The database may lie on a host whose clock is a little ahead.
      if (oldest !== undefined) lag({}, Math.max(0, Date.now() - oldest.getTime()) / 1_000);
    },
  };
}
