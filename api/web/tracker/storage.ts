const PREFIX = "attune:";

/**
 * Run `use` on localStorage, or return undefined where the browser blocks it or it is full.
 * The tracker then works from memory, and loses only what the page could not send before it closed.
 */
function attempt<Result>(use: (storage: Storage) => Result): Result | undefined {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}

export const load = (name: string): string | null => attempt((storage) => storage.getItem(PREFIX + name)) ?? null;

export const save = (name: string, value: string): void => attempt((storage) => storage.setItem(PREFIX + name, value));

export const remove = (name: string): void => attempt((storage) => storage.removeItem(PREFIX + name));

/** Return the names of all stored values that begin with `start`. */
export const names = (start: string): string[] =>
  (attempt((storage) => Object.keys(storage)) ?? [])
    .filter((key) => key.startsWith(PREFIX + start))
    .map((key) => key.slice(PREFIX.length));

const CLEARED = "cleared";

/** Call `act` when another tab has cleared the storage. */
export function whenCleared(act: () => void): void {
  addEventListener("storage", ({ key }) => {
    if (key === PREFIX + CLEARED) act();
  });
}

/** Remove every value of Attune but the one that `keep` names, and let other tabs know if there was one. */
export function clear(keep: string | undefined, mustSignal: boolean): void {
  const found = names("");
  for (const name of found) if (name !== keep) remove(name);
  if (found.length || mustSignal) {
    // other tabs see the change; it leaves nothing behind
    save(CLEARED, "1");
    remove(CLEARED);
  }
}
