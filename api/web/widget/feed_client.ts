/** An item of `GET /v1/feed`. `minutes`: reading time. */
export interface FeedItem {
  id: string;
  position: number;
  minutes: number | null;
  article: {
    title: string;
    abstract: string | null;
    category: string | null;
    source: string | null;
    published_at: string | null;
    url: string | null;
    image_url: string | null;
  };
  reasons: { kind: string; text: string }[];
  also_in: { id: string; title: string; source: string | null; url: string | null }[];
}

/** A page of a feed. `cursor` requests the next one. */
export interface FeedPage {
  request_id: string;
  cursor: string | null;
  items: FeedItem[];
}

/** Topics and sources by what the reader chose for them. */
export interface Preferences {
  follow: string[];
  focus: string[];
  mute: string[];
}

/** The service, and the reader for whom it answers: of the token, or `reader` at a service without keys. */
export interface Access {
  base: string;
  token: string | undefined;
  reader: string | undefined;
}

/** An answer other than 2xx. `status`: 0 if the service was not reached. */
export class ServiceError extends Error {
  constructor(readonly status: number) {
    super(`the service answered ${status}`);
  }
}

/** Dispatched by the element when the service refuses the token: it has expired, or is wrong. */
export const REFUSED = "attune-refused";

/** Return the reader that a token is for. */
export function readerOf(token: string): string {
  const claims = atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(claims, (each) => each.charCodeAt(0)))).sub;
}

/** Return the answer to a request for the reader, as JSON. Throws ServiceError. */
export async function request<Answer>(access: Access, path: string, options: RequestInit = {}): Promise<Answer> {
  const headers = {
    ...(access.token && { Authorization: `Bearer ${access.token}` }),
    ...(options.body && { "Content-Type": "application/json" }),
    ...options.headers,
  };
  let answer: Response;
  try {
    answer = await fetch(access.base + path, { ...options, headers, credentials: "omit" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ServiceError(0);
  }
  if (!answer.ok) throw new ServiceError(answer.status);
  return answer.json();
}

/** Return a page of the feed. `query`: parameters of `GET /v1/feed`; empty ones are left out. */
export function feedPage(
  access: Access,
  query: Record<string, string | number | null | undefined>,
  language: string,
  signal: AbortSignal,
): Promise<FeedPage> {
  const given = Object.entries(query).filter(([, value]) => value);
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, `${value}`]));
  const path = access.token ? "v1/feed" : `v1/feed/${encodeURIComponent(access.reader ?? "")}`;
  return request(access, `${path}?${parameters}`, { signal, headers: { "Accept-Language": language } });
}

/** Return the address of what the service has of the reader. */
export const ofReader = ({ token, reader }: Access, what: string): string =>
  `v1/readers/${encodeURIComponent(token ? readerOf(token) : (reader ?? ""))}${what}`;

/** Replace all preferences of the reader. */
export const setPreferences = (access: Access, { follow, focus, mute }: Preferences): Promise<Preferences> =>
  request(access, ofReader(access, "/preferences"), {
    method: "PUT",
    body: JSON.stringify({ follow, focus, mute }),
  });

/** Return preferences in which `subject` is in `lists` alone; without a list, in none. */
export function prefer(from: Preferences, subject: string, ...lists: (keyof Preferences)[]): Preferences {
  const but = (names: string[]): string[] => names.filter((name) => name !== subject);
  const next = { follow: but(from.follow), focus: but(from.focus), mute: but(from.mute) };
  for (const list of lists) next[list].push(subject);
  return next;
}

/**
 * Put a topic or source into a list of the reader's preferences. Return what puts it back where it was, and keeps what
 * the reader chose for others since then.
 */
export async function choose(
  access: Access,
  subject: string,
  list: keyof Preferences,
): Promise<(access: Access) => Promise<unknown>> {
  const read = async (by: Access): Promise<Preferences> =>
    (await request<{ preferences: Preferences }>(by, ofReader(by, "/attention"))).preferences;
  const before = await read(access);
  const former = (["follow", "focus", "mute"] as const).filter((name) => before[name].includes(subject));
  await setPreferences(access, prefer(before, subject, list));
  return async (later) => setPreferences(later, prefer(await read(later), subject, ...former));
}
