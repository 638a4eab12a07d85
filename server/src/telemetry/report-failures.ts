import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../lib/logger.ts';

/** The library's code of a success: its `ExportResultCode.SUCCESS`, which is not exported by its SDK. */
const success = 0;
/** A collector that is away is said once in this time, not with every batch. */
const sayEveryMs = 60_000;

/** The same exporter, which tells the operator when spans could not be sent. Nobody else learns of it. */
export function reportFailures(exporter: SpanExporter, logger: Logger): SpanExporter {
  let saidAt = -Infinity;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const code: number = result.code;
        if (code !== success && performance.now() - saidAt >= sayEveryMs) {
          saidAt = performance.now();
          const error = result.error?.message ?? 'no reason was given';
          logger.warn(
            { error, spans: spans.length },
            'spans could not be sent to the collector; they are lost',
          );
        }
        // As a success: the library's own error handler would only say it again, somewhere else.
        done({ code: success });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
