export type TurnLimit = {
  /** An item of our conversation began. True: it belongs to a request beyond the limit. */
  readonly itemBegan: (isTool: boolean) => boolean;
  /** The model has answered a request. True: it will be asked once more, beyond the limit. */
  readonly answered: () => boolean;
};

/**
 * Counts the requests to the model, of which each ends in one report of usage. A request whose answer used
 * a tool is followed by another one, so the turn can be broken off at the report; an answer without one is
 * the last, and must not be. Tools that show as no item are noticed by what comes after them.
 */
export function createTurnLimit(maxTurns: number | undefined): TurnLimit {
  let answers = 0;
  let toolUsed = false;
  return {
    itemBegan(isTool) {
      toolUsed ||= isTool;
      return maxTurns !== undefined && answers >= maxTurns;
    },
    answered() {
      answers += 1;
      const goesOn = toolUsed;
      toolUsed = false;
      return maxTurns !== undefined && (answers > maxTurns || (answers === maxTurns && goesOn));
    },
  };
}
