/**
 * The time that an agent has used up. It stands still while the agent is on hold: what a person takes to
 * answer is neither the agent's time nor its silence.
 */
export type AgentClock = {
  /** Milliseconds without those on hold, from an arbitrary start. */
  readonly now: () => number;
  /** Stops the clock; nothing changes where it stands already. */
  readonly hold: () => void;
  readonly go: () => void;
  /** How long it stood still so far, in whole milliseconds. */
  readonly heldMs: () => number;
  /** Calls `action` once, when `now()` has come to `time`; never while on hold. Returns what calls that off. */
  readonly at: (time: number, action: () => void) => () => void;
};

export function createAgentClock(): AgentClock {
  let heldBefore = 0;
  let heldSince: number | undefined;
  const waiting = new Set<{ readonly wait: () => void; readonly pause: () => void }>();
  const held = (): number => heldBefore + (heldSince === undefined ? 0 : performance.now() - heldSince);
  const now = (): number => performance.now() - held();
  return {
    now,
    hold() {
      heldSince ??= performance.now();
      for (const one of waiting) one.pause();
    },
    go() {
      heldBefore = held();
      heldSince = undefined;
      for (const one of waiting) one.wait();
    },
    heldMs: () => Math.round(held()),
    at(time, action) {
      let timer: LongTimer | undefined;
      const appointment = {
        wait() {
          timer ??= setTimeoutLong(() => {
            waiting.delete(appointment);
            action();
          }, time - now());
        },
        pause() {
          timer?.stop();
          timer = undefined;
        },
      };
      waiting.add(appointment);
      if (heldSince === undefined) appointment.wait();
      return () => {
        waiting.delete(appointment);
        appointment.pause();
      };
    },
  };
}

export type LongTimer = { readonly stop: () => void };

/** A timer for any length: Node's own fires at once beyond 2^31 ms. */
export function setTimeoutLong(action: () => void, milliseconds: number): LongTimer {
  const until = performance.now() + milliseconds;
  const wait = (): NodeJS.Timeout =>
    setTimeout(
      () => {
        if (performance.now() + 1 < until) timer = wait();
        else action();
      },
      Math.min(2 ** 30, Math.max(0, until - performance.now())),
    );
  let timer = wait();
  return { stop: () => clearTimeout(timer) };
}
