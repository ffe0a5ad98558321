/** Time in which the reader can take an action back, milliseconds. */
export const UNDO = 6_000;

export interface DelayedActions {
  /** Run `act` in a while. Return what cancels it. */
  add(act: () => void): () => void;
  /** Run all that waits, now: the page may never run again. */
  settle(): void;
}

/**
 * Return actions that wait until they can no longer be taken back. The log has no event that undoes a hide or a save, so
 * they are sent late instead.
 */
export function delayedActions(): DelayedActions {
  const waiting = new Map<() => void, number>();

  function run(act: () => void): void {
    clearTimeout(waiting.get(act));
    if (waiting.delete(act)) act();
  }

  return {
    add(act) {
      waiting.set(act, setTimeout(run, UNDO, act));
      return () => {
        clearTimeout(waiting.get(act));
        waiting.delete(act);
      };
    },
    settle() {
      for (const act of [...waiting.keys()]) run(act);
    },
  };
}
