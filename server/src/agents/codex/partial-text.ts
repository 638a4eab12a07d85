export type PartialText = {
  /** More of an item's text, which has been told. */
  readonly add: (itemId: string, delta: string) => void;
  /** The item is complete: whether what was told of it is all that it says. Asked once for each item. */
  readonly repeats: (itemId: string, text: string) => boolean;
};

/**
 * What has been told of each item while it was being written, so that nothing is told twice. The complete
 * text decides: what it says otherwise than its pieces did is told in full.
 */
export function createPartialText(): PartialText {
  const told = new Map<string, string>();
  return {
    add(itemId, delta) {
      told.set(itemId, (told.get(itemId) ?? '') + delta);
    },
    repeats(itemId, text) {
      const pieces = told.get(itemId);
      told.delete(itemId);
      return pieces !== undefined && pieces === text;
    },
  };
}
