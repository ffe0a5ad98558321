/** Time without activity after which a reader no longer counts as engaged, milliseconds. */
export const IDLE = 15_000;

/** Least time between two activities that the clock looks at, milliseconds. */
const THROTTLE = 200;

export interface EngagementClock {
  /** Count the time since the last call, and look again if the page is visible and focused. */
  settle(activity?: boolean): void;
  /** Count the time since the last call, and stop until `settle`. */
  stop(): void;
  /** Note an activity of the reader. Return false if one was noted a moment ago. */
  touch(): boolean;
}

export const visible = (): boolean => document.visibilityState === "visible";

/**
 * Take engaged milliseconds, which ended `ago` milliseconds before now: more than zero if the reader was idle at last,
 * or the page stood still.
 */
export type Spend = (milliseconds: number, ago: number) => void;

/** Return a clock that gives `spend` the engaged time: visible, focused, and active within `IDLE`. */
export function engagementClock(spend: Spend): EngagementClock {
  let settledAt = performance.now();
  let activeAt = settledAt;
  let running = false;

  function count(): void {
    const now = performance.now();
    const end = Math.min(now, activeAt + IDLE);
    if (running && end > settledAt) spend(end - settledAt, now - end);
    settledAt = now;
  }

  const clock: EngagementClock = {
    settle(activity) {
      count();
      if (activity) activeAt = settledAt;
      running = visible() && document.hasFocus();
    },
    stop() {
      count();
      running = false;
    },
    touch() {
      const fresh = performance.now() - activeAt >= THROTTLE;
      if (fresh) clock.settle(true);
      return fresh;
    },
  };
  return clock;
}
