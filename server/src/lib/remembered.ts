/** What `read` gave, for `milliseconds` from its end on; who asks while it reads waits for the same. */
export function remembered<Value>(milliseconds: number, read: () => Promise<Value>): () => Promise<Value> {
  let kept: Promise<Value> | undefined;
  let forgetAt = Infinity;
  return () => {
    if (kept !== undefined && performance.now() < forgetAt) return kept;
    forgetAt = Infinity;
    kept = read().finally(() => {
      forgetAt = performance.now() + milliseconds;
    });
    return kept;
  };
}
