/** How single items become batches. */
export type Gathering<Item, Result> = {
  /** Does all of them as one, in a time that has a limit; gives a result for each, in their order. */
  readonly perform: (items: readonly Item[]) => Promise<readonly Result[]>;
  /**
   * Whether this error of `perform` says that the other side is away. Then nobody knows what the batch did:
   * nothing is done twice, and what waits fails with it, instead of waiting for one time limit after the other.
   * Any other error has left nothing behind: each item of the batch is tried once more, by itself.
   */
  readonly isAway: (error: unknown) => boolean;
  readonly itemsPerBatch: number;
  readonly batchesAtOnce: number;
};

type Waiting<Item, Result> = { readonly item: Item } & Omit<PromiseWithResolvers<Result>, 'promise'>;

/**
 * Group commit: what arrives while batches are on their way waits, and goes together with the next one. No
 * timer: an item that finds a place free goes with what came in the same turn of the event loop, so that
 * alone it waits for nobody. Items leave in the order in which they came.
 *
 * The returned function does one item, and rejects with what `perform` threw about it.
 */
export function createGatherer<Item, Result>(
  gathering: Gathering<Item, Result>,
): (item: Item) => Promise<Result> {
  const { itemsPerBatch, batchesAtOnce } = gathering;
  const waiting: Waiting<Item, Result>[] = [];
  let batches = 0;
  let isSendDue = false;

  const settle = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await gathering.perform(batch.map(({ item }) => item));
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
    } catch (error) {
      const isAway = gathering.isAway(error);
      if (batch.length > 1 && !isAway) {
        await Promise.all(batch.map((one) => settle([one])));
      } else {
        for (const one of isAway ? [...batch, ...waiting.splice(0)] : batch) one.reject(error);
      }
    }
  };

  const send = (): void => {
    isSendDue = false;
    while (waiting.length > 0 && batches < batchesAtOnce) {
      batches += 1;
      void settle(waiting.splice(0, itemsPerBatch)).then(() => {
        batches -= 1;
        send();
      });
    }
  };

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    waiting.push({ item, resolve, reject });
    if (!isSendDue && batches < batchesAtOnce) {
      isSendDue = true;
      setImmediate(send);
    }
    return promise;
  };
}
