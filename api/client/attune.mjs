/**
 * Client of the API of Attune, for browsers and Node.js 18 or newer. Without dependencies.
 *
 *     import { AttuneClient } from "https://feed.example.org/static/attune-client.mjs";
 *     const attune = new AttuneClient("https://feed.example.org", { key: readerToken, language: "da" });
 *     const { request_id, items } = await attune.feed();
 *
 * In a page, `key` is a reader token, never a key. Every method rejects with an `AttuneClientError`.
 * Answers are those of the API documentation.
 */

/** Statuses that say: not stored, try again. */
const LATER = [429, 503];

/** A request failed, and trying again did not help or was of no use. `status` is 0 if the service was not reached. */
export class AttuneClientError extends Error {
  /** `problem`: the problem document (RFC 9457) with `title` and `detail`; the detail names the fix. */
  constructor(status, problem) {
    super(`${problem.title} (${status}): ${problem.detail}`);
    this.name = "AttuneClientError";
    this.status = status;
    this.problem = problem;
  }
}

export class AttuneClient {
  #url;
  #headers;
  #retry;
  #timeout;

  /**
   * Make a client of the service at `url`.
   *
   * key: of the needed scope, or a reader token. language: of the texts of reasons, as in `Accept-Language`.
   * retry: at most `times` repeated requests, with pauses of `first` milliseconds, doubled each time up to `longest`; if
   * `Retry-After` names a longer one, the request fails at once. timeout: longest wait for an answer, milliseconds.
   */
  constructor(url, { key, language = "en", retry = {}, timeout = 10_000 } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#headers = { "Accept-Language": language, ...(key && { Authorization: `Bearer ${key}` }) };
    this.#retry = { times: 4, first: 500, longest: 30_000, ...retry };
    this.#timeout = timeout;
  }

  /** Return a page of the feed of `reader`; with a reader token, of its reader. Options are those of the API. */
  feed(reader, options = {}) {
    // two feeds would count as shown, of which the reader saw one
    return this.#send("GET", "/v1/feed", { query: { reader, ...options }, repeatable: false });
  }

  /** Rank up to 2,000 articles, by id. */
  rank(candidates, options = {}) {
    return this.#send("POST", "/v1/rank", { body: { candidates, ...options } });
  }

  /** Store up to 1,000 events. One without an id gets one, so that a repeated request stores it once. */
  events(rows) {
    const events = rows.map((row) => ({ id: randomId(), ...row }));
    return this.#send("POST", "/v1/events", { body: { events } });
  }

  /** Store up to 1,000 articles; the newest content of an id wins. */
  articles(rows) {
    return this.#send("POST", "/v1/articles", { body: { articles: rows } });
  }

  /** Replace the topics and sources that a reader follows, focuses on and muted; what is left out ends. */
  preferences(reader, { follow = [], focus = [], mute = [] } = {}) {
    return this.#send("PUT", `${ofReader(reader)}/preferences`, { body: { follow, focus, mute } });
  }

  /** Store nothing more of what a reader is shown and reads; with `paused: false`, store and learn again. */
  pauseLearning(reader, { paused = true } = {}) {
    return this.#send("PUT", `${ofReader(reader)}/learning`, { body: { paused } });
  }

  /** Return the learned attention and the preferences of a reader. */
  attention(reader) {
    return this.#send("GET", `${ofReader(reader)}/attention`);
  }

  /** Return all stored data of a reader. */
  export(reader) {
    return this.#send("GET", `${ofReader(reader)}/export`);
  }

  /** Erase all data of a reader, and return the receipt. Keep it: it is returned once. */
  erase(reader) {
    return this.#send("DELETE", ofReader(reader));
  }

  /** Mint a token with which the page of a reader acts for this reader, for at most a day. */
  readerToken(reader, seconds = 3_600, access = "all") {
    return this.#send("POST", "/v1/reader-tokens", { body: { reader, seconds, access } });
  }

  async #send(method, path, { query = {}, body, repeatable = true } = {}) {
    for (let failures = 0; ; failures++) {
      const [answer, error, least] = await this.#attempt(method, path, query, body);
      if (!error) return answer;
      const again = error.status === 0 ? repeatable : LATER.includes(error.status);
      const { times, first, longest } = this.#retry;
      if (!again || failures >= times || least > longest) throw error;
      const pause = Math.min(first * 2 ** failures, longest) * (0.5 + Math.random() / 2);
      await new Promise((wake) => setTimeout(wake, Math.max(pause, least)));
    }
  }

  /** Return the answer; or null, the error, and the milliseconds that the service wants to be left alone. */
  async #attempt(method, path, query, body) {
    const headers = { ...this.#headers, ...(body && { "Content-Type": "application/json" }) };
    const request = { method, headers, credentials: "omit", signal: AbortSignal.timeout(this.#timeout) };
    if (body) request.body = JSON.stringify(body);
    let response, text;
    try {
      response = await fetch(this.#url + path + queryString(query), request);
      text = await response.text();
    } catch (cause) {
      const detail = `${cause.cause?.message ?? cause.message}: check the address, and that the service runs`;
      return [null, new AttuneClientError(0, { title: "Attune could not be reached", detail }), 0];
    }
    const content = parsed(text);
    if (response.ok && content) return [content, null, 0];
    const problem = content?.title ? content : { title: "The answer is not from Attune", detail: text.slice(0, 200) };
    const seconds = /^\d+$/.test(response.headers.get("Retry-After") ?? "") ? +response.headers.get("Retry-After") : 0;
    return [null, new AttuneClientError(response.status, problem), 1_000 * seconds];
  }
}

const ofReader = (reader) => `/v1/readers/${encodeURIComponent(reader)}`;

/** Return the query of defined values; lists repeat their name. */
function queryString(query) {
  const values = Object.entries(query).filter(([, value]) => value !== undefined);
  const pairs = values.flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not from Attune, which answers with JSON only
  }
}

/** Return 128 random bits; unlike `crypto.randomUUID`, also in pages without TLS. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
