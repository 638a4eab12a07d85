/** What can go wrong with one request at every forge. */
export type ForgeFault =
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection breaks before anything was done. */
  | { readonly kind: 'drop' }
  /** All is done, and the connection breaks before the answer. */
  | { readonly kind: 'drop_reply' }
  /** Nothing is done; the body is the forge's own for this status unless one is given. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** All is done, and the answer is cut in the middle of its JSON. */
  | { readonly kind: 'malformed' }
  /** The proxy in front answers with a page for people. */
  | { readonly kind: 'bad_gateway' }
  /** The token that came with the request ends before it is looked at. */
  | { readonly kind: 'expire_token' }
  /** Something else happens in the world before the request is looked at. */
  | { readonly kind: 'before'; readonly act: () => void | Promise<void> };

/** Which requests a fault is for. Without a method or path: all. */
export type FaultMatch = {
  readonly method?: string;
  /** Tried on the path below the API's prefix, as it came, without the query. */
  readonly path?: RegExp;
  /** How many matching requests are left alone first; none unless said. */
  readonly skip?: number;
  /** How many it hits after those; 1 unless said. */
  readonly times?: number;
};

/** Faults in the order in which they were planned; the first that matches a request and is not used up acts. */
export type FaultPlan<Fault> = {
  readonly plan: (match: FaultMatch, fault: Fault) => void;
  /** Takes the fault for a request; undefined: all goes well. */
  readonly take: (method: string, path: string) => Fault | undefined;
  /** How many hits were planned and did not come. */
  readonly left: () => number;
};

/** An empty plan. */
export function createFaultPlan<Fault>(): FaultPlan<Fault> {
  const planned: { readonly match: FaultMatch; readonly fault: Fault; skip: number; left: number }[] = [];
  return {
    plan: (match, fault) =>
      void planned.push({ match, fault, skip: match.skip ?? 0, left: match.times ?? 1 }),
    take(method, path) {
      for (const entry of planned) {
        const { match } = entry;
        if (entry.left === 0 || (match.method ?? method) !== method) continue;
        if (match.path !== undefined && !match.path.test(path)) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        entry.left -= 1;
        return entry.fault;
      }
      return undefined;
    },
    left: () => planned.reduce((sum, { left }) => sum + left, 0),
  };
}
