import { visible } from "./engagement_clock";
import type { Draft, Put } from "./tracked_event";

/** Time for which half of an item must be visible to count as an impression, milliseconds. */
const SHOWN = 1_000;

const ITEM = "[data-attune-item]";

/** Return the fields of an event on the item that `element` is. */
export function itemFields({ dataset }: HTMLElement): Omit<Draft, "kind"> {
  const { attuneItem, attuneRequest, attunePosition } = dataset;
  return {
    article: attuneItem!,
    ...(attuneRequest && { request_id: attuneRequest }),
    ...(attunePosition && { position: +attunePosition }),
  };
}

export interface Items {
  /** Watch the items under `root` that are not watched yet. */
  watch(root: ParentNode): void;
  /** Watch nothing, until `watch`. */
  stop(): void;
}

/** Put one `impression` for each item and request, once half of the item was visible for a second. */
export function watchItems(put: Put): Items {
  const shown = new Set<string>();
  const timers = new Map<Element, number>();
  let watched = new WeakMap<Element, string>();

  const keyOf = ({ dataset }: HTMLElement): string => `${dataset.attuneItem} ${dataset.attuneRequest}`;

  function show(item: HTMLElement): void {
    timers.delete(item);
    if (!shown.has(keyOf(item)) && item.dataset.attuneItem) {
      shown.add(keyOf(item));
      put({ kind: "impression", ...itemFields(item) });
    }
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRatio } of entries) {
        clearTimeout(timers.get(target));
        timers.delete(target);
        if (intersectionRatio >= 0.5) timers.set(target, setTimeout(show, SHOWN, target as HTMLElement));
      }
    },
    { threshold: 0.5 },
  );

  return {
    watch(root) {
      if (!visible()) return;
      for (const item of root.querySelectorAll<HTMLElement>(ITEM)) {
        // frameworks give an element to another article: then it is observed anew
        if (watched.get(item) === keyOf(item)) continue;
        watched.set(item, keyOf(item));
        observer.unobserve(item);
        observer.observe(item);
      }
    },
    stop() {
      observer.disconnect();
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      watched = new WeakMap();
    },
  };
}
