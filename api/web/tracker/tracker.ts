import { putClick } from "./clicks";
import { engagementClock, visible } from "./engagement_clock";
import { eventQueue } from "./event_queue";
import { identify, type Identity, ownerOf, VISITOR } from "./identity";
import { watchItems } from "./items";
import { objects } from "./privacy";
import { randomId } from "./random_id";
import { pageReadings } from "./readings";
import { clear, mark, marked, remove, whenCleared } from "./storage";
import type { Draft } from "./tracked_event";
import { post, type Service, transport } from "./transport";

/** Engaged time after which a reading is stored, so that a crash loses no more of it, milliseconds. */
const CHECKPOINT = 5_000;

/** Time in which changes of the page are looked at together, milliseconds. */
const SETTLING = 100;

/** The functions of a page: `window.attune`. */
export interface Attune {
  /** Return true if the page measures: only then does `event` store anything. */
  measures(): boolean;
  /** Begin to measure; with false, stop, and remove all that is stored in the browser. */
  consent(given: boolean): void;
  /** Count what follows for the reader of `token`; without one, for the visitor of this browser. */
  reader(token?: string | null): void;
  /** Send an action that the page measures itself. `more`: the request and position of the feed that it is on. */
  event(kind: string, article: string, value?: number | null, more?: Partial<Draft>): void;
  /** Watch also the items in a shadow root. */
  watch(root: ParentNode): void;
  /** Send all that waits; resolves when the service has answered, or could not be reached. */
  flush(): Promise<unknown>;
  /**
   * Stop, remove all that is stored in the browser, and erase the reader and the visitor at the service. Resolves to
   * true when the service has done it. The visitor id is kept until the visitor is erased, so the page can call again.
   */
  erase(): Promise<boolean>;
}

/** Return the tracker of this page. It measures, stores and sends nothing before `consent(true)`. */
export function createTracker(service: Service): Attune {
  const queue = eventQueue();
  const sender = transport(service, queue);
  const readings = pageReadings(put);
  const clock = engagementClock(readings.spend);
  const items = watchItems(put);
  const roots: ParentNode[] = [document];
  let token: string | undefined;
  let enabled = false;
  let listening = false;
  let looking = 0;
  let away = false;
  let markStored = false;

  function put(draft: Draft): void {
    if (!enabled) return;
    queue.put(ownerOf(token), { id: randomId(), at: new Date().toISOString(), ...draft });
    sender.schedule();
  }

  function look(): void {
    looking = 0;
    clock.settle();
    if (readings.locate()) void sender.send();
    roots.forEach(items.watch);
  }

  function checkpoint(closing?: boolean): Promise<unknown> {
    clock.settle();
    readings.locate();
    readings.checkpoint();
    return sender.send(closing);
  }

  /** Count until now, and send: the page may never run again. */
  function leave(): void {
    void checkpoint(true);
    clock.stop();
    items.stop();
    queue.store(true);
  }

  function resume(): void {
    if (away) {
      // while this page stood still, another may have taken over its events, or have erased all
      away = false;
      if (markStored && !marked()) return halt();
      queue.restore();
    }
    queue.adopt();
    queue.store(false);
    clock.settle(true);
    look();
    void sender.send();
  }

  function halt(): void {
    enabled = false;
    clock.stop();
    items.stop();
    readings.end();
    queue.clear();
  }

  /** Halt in all tabs, and remove what is stored but `keep`. */
  function stop(keep?: string): void {
    halt();
    clear(keep);
  }

  /** Erase one identity at the service. Return true if the service has done it. */
  async function erased(identity: Identity): Promise<boolean> {
    const status = await post(`${service.url}/erase`, { site_key: service.siteKey, ...identity });
    return status >= 200 && status < 300;
  }

  function on(types: string, handle: (event: Event) => void): void {
    const guarded = (event: Event): void => {
      if (enabled) handle(event);
    };
    for (const type of types.split(" ")) addEventListener(type, guarded, { capture: true, passive: true });
  }

  function listen(): void {
    listening = true;
    on("mousemove scroll keydown touchstart pointerdown wheel", () => {
      if (clock.touch()) readings.locate();
    });
    on("focus", () => clock.settle(true));
    on("blur", () => clock.settle());
    on("visibilitychange", () => (visible() ? resume() : leave()));
    on("freeze pagehide", () => {
      leave();
      away = true;
    });
    on("pagehide", readings.end); // a page that comes back from the cache begins new readings
    on("resume pageshow", resume);
    on("online", () => void sender.send());
    on("click auxclick", (event) => putClick(event as MouseEvent, readings.current(), put));
    whenCleared(halt);
    setInterval(() => {
      if (!enabled || !visible()) return;
      look();
      readings.checkpoint(CHECKPOINT);
      // what a page stores while it goes may be seen here only later
      if (queue.adopt()) void sender.send();
    }, 1_000);
    new MutationObserver(() => {
      if (enabled) looking ||= setTimeout(look, SETTLING);
    }).observe(document, {
      subtree: true,
      childList: true,
      attributeFilter: ["data-attune-article", "data-attune-item", "data-attune-request"],
    });
  }

  return {
    measures: () => enabled,
    consent(given) {
      if (!given || objects()) {
        stop();
      } else if (!enabled) {
        enabled = true;
        markStored = mark();
        if (!listening) listen();
        resume();
      }
    },
    reader(next) {
      if (enabled && ownerOf(next || undefined) !== ownerOf(token)) {
        void checkpoint();
        readings.end();
      }
      token = next || undefined;
      sender.use(token);
      if (enabled) resume();
    },
    event(kind, article, value, more) {
      put({ kind, article, ...(value != null && { value }), ...more });
    },
    watch: (root) => void roots.push(root),
    flush: async () => enabled && checkpoint(),
    async erase() {
      const reader = token;
      stop(VISITOR);
      await sender.send(); // nothing waits, but what is on its way must not arrive after the erasure
      // who has signed in was a visitor before: both have events
      const { visitor } = identify(undefined, false);
      const [readerErased, visitorErased] = await Promise.all([
        !reader || erased({ token: reader }),
        !visitor || erased({ visitor }),
      ]);
      if (visitor && visitorErased) remove(VISITOR);
      return readerErased && visitorErased;
    },
  };
}
