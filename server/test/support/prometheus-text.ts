/** A metric as it was scraped. */
export type ScrapedMetric = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
};

/** `name` may end in `_bucket`, `_sum`, `_count`. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/u;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/u;
/** As Go's ParseFloat takes it, which the format names: of `NaN` the case does not matter. */
const number = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|-Inf|[Nn]a[Nn])$/u;

/**
 * Reads Prometheus' text format 0.0.4 by its letter
 * (https://prometheus.io/docs/instrumenting/exposition_formats/) and throws what is wrong with it: a sample
 * without its HELP and TYPE in front, a name or label that is none, a series that comes twice, counters below
 * zero, buckets that are not in order or do not add up.
 */
export function parsePrometheusText(text: string): ReadonlyMap<string, ScrapedMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const metrics = new Map<string, ScrapedMetric & { readonly samples: Sample[] }>();
  const series = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  let current: (ScrapedMetric & { readonly samples: Sample[] }) | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/u.exec(line) ?? [];
    if (kind === 'HELP') {
      help = [name, rest];
      continue;
    }
    if (kind === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`${name} has no HELP in front of its TYPE`);
      if (metrics.has(name)) throw new Error(`${name} comes twice`);
      if (!metricName.test(name)) throw new Error(`${name} is no name`);
      if (!/^(?:counter|gauge|histogram|summary)$/u.test(rest)) throw new Error(`${name} is a ${rest}`);
      current = { name, type: rest, help: help[1], samples: [] };
      metrics.set(name, current);
      continue;
    }
    if (line.startsWith('#')) throw new Error(`a comment: ${line}`);
    const sample = sampleOf(line);
    if (current === undefined || !belongs(sample.name, current)) throw new Error(`no TYPE: ${line}`);
    const key = `${sample.name} ${JSON.stringify(
      Object.keys(sample.labels)
        .sort()
        .map((label) => [label, sample.labels[label]]),
    )}`;
    if (series.has(key)) throw new Error(`a series comes twice: ${line}`);
    series.add(key);
    current.samples.push(sample);
  }
  for (const metric of metrics.values()) check(metric);
  return metrics;
}

/** The sum of the samples with these labels; undefined: there is none. */
export function valueOf(
  metrics: ReadonlyMap<string, ScrapedMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const samples = [...metrics.values()]
    .flatMap((metric) => metric.samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  return samples.length === 0 ? undefined : samples.reduce((sum, sample) => sum + sample.value, 0);
}

function sampleOf(line: string): Sample {
  const [, name = '', inBraces, value = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/u.exec(line) ?? [];
  if (!metricName.test(name) || !number.test(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inBraces ?? '';
  while (rest !== '') {
    const pair = labelPair.exec(rest);
    const [whole = '', label = '', text = ''] = pair ?? [];
    if (pair === null) throw new Error(`no label: ${rest}`);
    if (label in labels) throw new Error(`a label comes twice: ${line}`);
    labels[label] = text;
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) };
}

function belongs(name: string, { name: metric, type }: ScrapedMetric): boolean {
  if (type !== 'histogram' && type !== 'summary') return name === metric;
  return [`${metric}_sum`, `${metric}_count`, type === 'histogram' ? `${metric}_bucket` : metric].includes(
    name,
  );
}

function check({ name, type, samples }: ScrapedMetric): void {
  if (type === 'counter' && samples.some((sample) => !(sample.value >= 0))) throw new Error(`${name} < 0`);
  if (type !== 'histogram') return;
  const counts = samples.filter((sample) => sample.name === `${name}_count`);
  for (const { labels, value } of counts) {
    const same = (sample: Sample): boolean =>
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text);
    const buckets = samples.filter((sample) => sample.name === `${name}_bucket` && same(sample));
    const bounds = buckets.map((bucket) =>
      bucket.labels['le'] === '+Inf' ? Infinity : Number(bucket.labels['le']),
    );
    const rises = (values: readonly number[]): boolean =>
      values.every((one, at) => at === 0 || one >= (values[at - 1] ?? 0));
    if (!rises(bounds) || bounds.at(-1) !== Infinity) throw new Error(`${name}: the bounds are out of order`);
    if (!rises(buckets.map((bucket) => bucket.value)) || buckets.at(-1)?.value !== value)
      throw new Error(`${name}: the buckets do not add up`);
  }
}
