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

/** Name of the mark that Attune measures in this browser: all tabs stop when it goes. It never replaces a consent. */
const MARK = "measures";

/** Set the mark. Return true if it is stored. */
export function mark(): boolean {
  save(MARK, "1");
  return marked();
}

export const marked = (): boolean => !!load(MARK);

/** Call `act` when another tab has removed the mark. */
export function whenCleared(act: () => void): void {
  addEventListener("storage", ({ key, newValue }) => {
    if (key === PREFIX + MARK && !newValue) act();
  });
}

/** Remove every value of Attune but the one that `keep` names. */
export function clear(keep?: string): void {
  for (const name of names("")) if (name !== keep) remove(name);
}
