import type { EventQueue } from "./event_queue";
import { ANONYMOUS, identify, ownerOf } from "./identity";

/** Longest delay of an event that waits for others to be sent with, milliseconds. */
const DELAY = 10_000;

/** First and longest wait after a failure, milliseconds. */
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 60_000;

/** Longest wait for an answer, milliseconds. */
const TIMEOUT = 20_000;

/** The service that takes events. `url`: of `/v1/collect`. */
export interface Service {
  url: string;
  siteKey: string;
}

/** Post `fields` as text/plain, which needs no preflight, and return the status; 0 if the service is not reached. */
export async function post(url: string, fields: object): Promise<number> {
  try {
    const body = JSON.stringify(fields);
    const signal = AbortSignal.timeout?.(TIMEOUT) ?? null;
    return (await fetch(url, { method: "POST", body, keepalive: true, credentials: "omit", signal })).status;
  } catch {
    return 0; // offline, or blocked: the caller tries again
  }
}

/** Return true if a request with this status need not be sent again: stored, or refused for good. */
export const answered = (status: number): boolean =>
  status >= 200 && status < 500 && status !== 408 && status !== 429;

export interface Transport {
  /** Use `token` for the next requests. */
  use(token: string | undefined): void;
  /** Send soon. */
  schedule(): void;
  /**
   * Send all that waits, now. `closing`: the page may not live to see the answer. Resolves when no request is on its way.
   */
  send(closing?: boolean): Promise<unknown>;
}

/** Send the events of `queue` in batches. What is not answered stays in it, and is sent again with the same ids. */
export function transport({ url, siteKey }: Service, queue: EventQueue): Transport {
  let token: string | undefined;
  let refused = false;
  let failures = 0;
  let timer = 0;
  let flights: Promise<unknown> = Promise.resolve();

  function wait(milliseconds: number): void {
    timer ||= setTimeout(() => {
      timer = 0;
      void send();
    }, milliseconds);
  }

  function send(closing?: boolean): Promise<unknown> {
    clearTimeout(timer);
    timer = 0;
    return (flights = Promise.all([flights, sendBatches(closing)]));
  }

  async function sendBatches(closing?: boolean): Promise<void> {
    const used = token;
    const batch = queue.take(used && !refused ? ownerOf(used) : ANONYMOUS);
    if (!batch.length) return;
    const identity = identify(batch[0]![0] === ANONYMOUS ? undefined : used, true);
    const events = batch.map(([, event]) => event);
    // the time of this clock: the service corrects `at` if the clock is wrong
    const fields = { site_key: siteKey, ...identity, sent_at: new Date().toISOString(), events };
    if (closing && !("keepalive" in Request.prototype)) {
      // a beacon has no answer: the batch stays until a later request has one. It is the last choice also because a
      // page with the policy `no-referrer` sends it with `Origin: null`, which the service refuses
      navigator.sendBeacon(url, JSON.stringify(fields));
      return queue.land(batch, false);
    }
    const more = closing ? sendBatches(closing) : undefined; // a closing page cannot wait for an answer
    const status = await post(url, fields);
    // a token that has expired says nothing about its events: they wait for a new one
    const stale = status === 401 && !!identity.token;
    if (stale && used === token) refused = true;
    const done = answered(status) && !stale;
    queue.land(batch, done);
    if (done || stale) failures = 0;
    else wait(Math.min(FIRST_RETRY * 2 ** failures++, LONGEST_RETRY) * (0.5 + Math.random() / 2));
    return more ?? (done || stale ? sendBatches() : undefined);
  }

  return {
    use(next) {
      token = next;
      refused = false;
    },
    schedule: () => wait(DELAY),
    send,
  };
}
