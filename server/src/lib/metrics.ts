/**
 * What a room may measure. Every value of a label comes from a small set that is known beforehand (a route's
 * pattern, a state), never from a user or a repository: each combination is a series that is kept for ever.
 */
export type Meter = {
  readonly counter: <Label extends string = never>(metric: Metric<Label>) => Count<Label>;
  readonly histogram: <Label extends string = never>(
    metric: Metric<Label> & { readonly buckets: readonly number[] },
  ) => Observe<Label>;
  /** A number that is asked for when somebody looks. A read that rejects or gives no sample leaves it out. */
  readonly watch: <Label extends string = never>(
    metric: Metric<Label> & { readonly type: 'gauge' | 'counter' },
    read: () => Samples<Label> | Promise<Samples<Label>>,
  ) => void;
};

/** `name` in base units (seconds, bytes); whoever asks twice for a name gets the same metric. */
export type Metric<Label extends string> = {
  readonly name: string;
  /** One sentence for people. */
  readonly help: string;
  readonly labels?: readonly Label[];
};

export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

/** Adds one, or `by`. */
export type Count<Label extends string> = (labels: LabelValues<Label>, by?: number) => void;
export type Observe<Label extends string> = (labels: LabelValues<Label>, value: number) => void;
export type Samples<Label extends string> = readonly {
  readonly labels: LabelValues<Label>;
  readonly value: number;
}[];

/** Measures nothing: for tests, and for commands that nobody looks at. */
export const silentMeter: Meter = {
  counter: () => () => undefined,
  histogram: () => () => undefined,
  watch: () => undefined,
};

/** Bounds in seconds for answers of this process, from a millisecond on. */
export const shortSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** Bounds in seconds for work that takes from a tenth of a second to an hour. */
export const longSeconds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600] as const;
