import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter, Metric, Samples } from '../lib/metrics.ts';

/** A meter whose numbers can be read as Prometheus scrapes them. */
export type ScrapedMeter = Meter & {
  /** Never rejects for a number that cannot be read: that one is left out. */
  readonly scrape: () => Promise<Scrape>;
};

export type Scrape = { readonly contentType: string; readonly text: string };

/**
 * Makes a meter with a registry of its own, so that two servers of one process share nothing. Node's own
 * numbers are in it: memory, processor, event loop, garbage collection.
 */
export function createMeter(): ScrapedMeter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    counter(metric) {
      const known = registry.getSingleMetric(metric.name);
      const counter = known instanceof Counter ? known : new Counter({ ...describe(metric), registers });
      return (labels, by = 1) => counter.inc(labels, by);
    },
    histogram(metric) {
      const known = registry.getSingleMetric(metric.name);
      const histogram =
        known instanceof Histogram
          ? known
          : new Histogram({ ...describe(metric), buckets: [...metric.buckets], registers });
      return (labels, value) => histogram.observe(labels, value);
    },
    watch(metric, read) {
      const collect = async (fill: (samples: Samples<string>) => void): Promise<void> =>
        fill(
          await Promise.resolve()
            .then(read)
            .catch(() => []),
        );
      if (metric.type === 'gauge') watchGauge(registry, metric, collect);
      else watchCounter(registry, metric, collect);
    },
    scrape: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

type Collect = (fill: (samples: Samples<string>) => void) => Promise<void>;

function watchGauge(registry: Registry, metric: Metric<string>, collect: Collect): void {
  const gauge = new Gauge({
    ...describe(metric),
    registers: [],
    collect(): Promise<void> {
      return collect((samples) => {
        clear(this, metric);
        for (const { labels, value } of samples) this.set(labels, value);
      });
    },
  });
  registry.registerMetric(gauge);
}

function watchCounter(registry: Registry, metric: Metric<string>, collect: Collect): void {
  const counter = new Counter({
    ...describe(metric),
    registers: [],
    collect(): Promise<void> {
      return collect((samples) => {
        clear(this, metric);
        for (const { labels, value } of samples) this.inc(labels, value);
      });
    },
  });
  registry.registerMetric(counter);
}

/** `reset` would leave a zero where there is no label, and a zero is a number that somebody would believe. */
function clear(series: Gauge | Counter, metric: Metric<string>): void {
  if (labelsOf(metric).length === 0) series.remove();
  else series.reset();
}

function describe(metric: Metric<string>) {
  return { name: metric.name, help: metric.help, labelNames: [...labelsOf(metric)] };
}

function labelsOf(metric: Metric<string>): readonly string[] {
  return metric.labels ?? [];
}
