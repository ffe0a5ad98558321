import { ANONYMOUS } from "./identity";
import { randomId } from "./random_id";
import { load, names, remove, save } from "./storage";
import type { TrackedEvent } from "./tracked_event";

/** Bounds of what waits: events, and characters of their JSON. */
const MOST_EVENTS = 500;
const MOST_CHARACTERS = 250_000;

/** Bounds of one request: below those of the service, and of what browsers send while a page closes (64 KiB). */
const BATCH_EVENTS = 100;
const BATCH_CHARACTERS = 24_000;

/** Time after which another tab takes over the events of a tab that crashed, milliseconds. */
const STALE = 30_000;

/** Time after which an event that nobody could send is dropped, milliseconds. */
const OLD = 7 * 86_400_000;

const QUEUE = "queue:";

/** An event and its owner. */
type Entry = [owner: string, event: TrackedEvent];

export interface EventQueue {
  /** Add an event, or amend the one of the same id: the larger value wins. */
  put(owner: string, event: TrackedEvent): void;
  /** Take over the events that closed tabs left. Return true if there were any. */
  adopt(): boolean;
  /** Store the events. `free`: from now on, other pages may take them over at once; false: no longer. */
  store(free?: boolean): void;
  /** Read the stored events again: another page may have taken them over. */
  restore(): void;
  /** Return the next batch of one owner, anonymous or `owner`, which is then in flight. */
  take(owner: string | undefined): Entry[];
  /** End the flight of a batch: it waits again or, if `done`, is gone. */
  land(batch: Entry[], done: boolean): void;
  clear(): void;
}

/**
 * Return the queue of this page. The memory of the page is the truth; localStorage keeps a copy under a name of its own,
 * so tabs do not overwrite each other. An event that two pages hold is sent twice and stored once: its id is the same.
 */
export function eventQueue(): EventQueue {
  const name = QUEUE + randomId();
  const flying = new Set<Entry>();
  let entries: Entry[] = [];
  let freed = false;

  /** Drop what is too much: the oldest impressions first, then the oldest events. */
  function bound(): void {
    const size = (): number => (entries.length > 50 ? JSON.stringify(entries).length : 0);
    while (entries.length > MOST_EVENTS || size() > MOST_CHARACTERS) {
      const impression = entries.findIndex(([, event]) => event.kind === "impression");
      entries.splice(Math.max(impression, 0), 1);
    }
  }

  function put(owner: string, event: TrackedEvent): void {
    const entry: Entry = [owner, event];
    const known = entries.findIndex(([, { id }]) => id === event.id);
    if (known < 0) entries.push(entry);
    else if ((entries[known]![1].value ?? 0) < (event.value ?? 0)) entries[known] = entry;
    bound();
  }

  function read(other: string): [touchedAt: number, entries: Entry[]] {
    try {
      const [touchedAt, found] = JSON.parse(load(other)!);
      return [+touchedAt, found.filter(([, event]: Entry) => Date.now() - Date.parse(event.at) < OLD)];
    } catch {
      return [0, []]; // cut short or changed by other code: nothing in it can be sent
    }
  }

  const queue: EventQueue = {
    put(owner, event) {
      put(owner, event);
      queue.store();
    },
    adopt() {
      let any = false;
      for (const other of names(QUEUE)) {
        const [touchedAt, found] = read(other);
        if (other === name || Date.now() - touchedAt < STALE) continue;
        for (const [owner, event] of found) put(owner, event);
        queue.store(); // before the other copy goes
        remove(other);
        any = true;
      }
      return any;
    },
    store(free) {
      freed = free ?? freed;
      if (entries.length) save(name, JSON.stringify([freed ? 0 : Date.now(), entries]));
      else remove(name);
    },
    restore() {
      entries = read(name)[1];
    },
    take(owner) {
      const waiting = entries.filter((entry) => !flying.has(entry) && (entry[0] === ANONYMOUS || entry[0] === owner));
      const batch: Entry[] = [];
      let size = 0;
      for (const entry of waiting) {
        size += JSON.stringify(entry[1]).length;
        const full = batch.length === BATCH_EVENTS || (batch.length && size > BATCH_CHARACTERS);
        if (full) break;
        if (entry[0] === waiting[0]![0]) batch.push(entry);
      }
      for (const entry of batch) flying.add(entry);
      return batch;
    },
    land(batch, done) {
      for (const entry of batch) flying.delete(entry);
      if (done) entries = entries.filter((entry) => !batch.includes(entry));
      queue.store();
    },
    clear() {
      entries = [];
    },
  };
  return queue;
}
