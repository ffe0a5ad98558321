import { randomId } from "./random_id";
import type { Spend } from "./engagement_clock";
import type { Put } from "./tracked_event";

/** One visit to an article. Times in milliseconds, scroll depth in percent; `at`: the newest engaged moment. */
interface Reading {
  id: string;
  article: string;
  at: number;
  spent: number;
  putSpent: number;
  depth: number;
  putDepth: number;
}

export interface Readings {
  /** Add engaged time to the article in view. */
  spend: Spend;
  /** Look for the articles of the page. Return true if a reading has ended because its article is gone. */
  locate(): boolean;
  /** Put the readings that have grown by at least `least` milliseconds. */
  checkpoint(least?: number): void;
  /** End all readings: the next engaged time begins new ones. */
  end(): void;
  /** Return the id of the article in view, if any. */
  current(): string | undefined;
}

/**
 * Return the readings of a page. Of several articles, the one that fills most of the window is read. An article that is
 * replaced, as in single-page navigation, ends its reading.
 */
export function pageReadings(put: Put): Readings {
  const open = new Map<string, Reading>();
  let current: Reading | undefined;

  function checkpoint(reading: Reading, least = 0): void {
    const { id, article } = reading;
    const value = Math.round(reading.spent / 100) / 10;
    if (value > Math.round(reading.putSpent / 100) / 10 && reading.spent - reading.putSpent >= least) {
      reading.putSpent = reading.spent;
      put({ id, kind: "read", article, value, at: new Date(reading.at).toISOString() });
      if (reading.depth > reading.putDepth) {
        put({ kind: "scroll", article, value: (reading.putDepth = reading.depth) });
      }
    }
  }

  function begin(article: string): Reading {
    const reading = { id: randomId(), article, at: 0, spent: 0, putSpent: 0, depth: 0, putDepth: 0 };
    open.set(article, reading);
    return reading;
  }

  return {
    spend(milliseconds, ago) {
      if (!current) return;
      current.at = Date.now() - ago;
      current.spent += milliseconds;
    },
    locate() {
      const present = new Set<string>();
      const before = current?.article;
      let next: HTMLElement | undefined;
      let most = 0;
      for (const element of document.querySelectorAll<HTMLElement>("[data-attune-article]")) {
        const article = element.dataset.attuneArticle;
        const { top, bottom, height } = element.getBoundingClientRect();
        if (!article || !height) continue; // not shown
        present.add(article);
        const filled = Math.max(Math.min(bottom, innerHeight) - Math.max(top, 0), 0);
        // with none in the window, as below the end, the reader stays with the last one
        if (!next || filled > most || (!most && article === before)) {
          next = element;
          most = filled;
        }
      }
      let ended = false;
      for (const [article, reading] of open) {
        if (!present.has(article)) {
          checkpoint(reading);
          open.delete(article);
          ended = true;
        }
      }
      current = undefined;
      if (next) {
        const article = next.dataset.attuneArticle!;
        const { top, height } = next.getBoundingClientRect();
        current = open.get(article) ?? begin(article);
        const depth = Math.round(((innerHeight - top) / height) * 100);
        current.depth = Math.max(current.depth, Math.min(depth, 100));
      }
      return ended;
    },
    checkpoint(least) {
      for (const reading of open.values()) checkpoint(reading, least);
    },
    end() {
      open.clear();
      current = undefined;
    },
    current: () => current?.article,
  };
}
