/** The time as milliseconds since the epoch. A dependency, so that tests can move it. */
export type Clock = { readonly now: () => number };

export const systemClock: Clock = { now: () => Date.now() };
