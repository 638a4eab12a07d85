import { writeFileSync } from 'node:fs';

/** What happens at the armed point: `kill` ends this process like kill -9 does, `stop` freezes it (SIGSTOP). */
export type FaultAction = 'kill' | 'stop';

export type ArmedFault = {
  readonly point: string;
  readonly action: FaultAction;
  /** A file written when the point is reached: the proof that it was, and the fence that fires it once. */
  readonly mark: string;
};

/** Named places between two statements where a test can end or freeze the process. */
export type Faults<Point extends string> = {
  /** Does nothing unless this point is armed. */
  readonly reach: (point: Point) => void;
};

/**
 * `reach` costs one comparison when nothing is armed. The mark is created exclusively: a process that is
 * started again with the same arming passes the point.
 */
export function createFaults<Point extends string>(armed: ArmedFault | undefined): Faults<Point> {
  return {
    reach(point) {
      if (armed === undefined || armed.point !== point) return;
      try {
        writeFileSync(armed.mark, `${process.pid}\n`, { flag: 'wx' });
      } catch {
        return;
      }
      process.kill(process.pid, armed.action === 'kill' ? 'SIGKILL' : 'SIGSTOP');
    },
  };
}

/** Reads `POINT:ACTION:MARK`, as `SLIPWAY_FAULT` gives it; undefined when it is not of that form. */
export function parseArmedFault(text: string): ArmedFault | undefined {
  const [point, action, ...mark] = text.split(':');
  if (point === undefined || (action !== 'kill' && action !== 'stop') || mark.length === 0) return undefined;
  return { point, action, mark: mark.join(':') };
}
