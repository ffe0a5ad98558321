import { type Access, request } from "../widget/feed_client";

/** The reader of this tab. It is gone when the tab closes. */
export interface Session {
  reader: string;
  token: string;
  siteKey: string;
  consent: boolean;
}

const NAME = "attune-reader";

/** Life of a token that the page makes for itself, seconds. */
const SECONDS = 86_400;

/** Return the session of this tab, if any. */
export function session(): Session | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(NAME)!) ?? undefined;
  } catch {
    return undefined; // storage is blocked, or was written by other code: the reader signs in again
  }
}

/** Keep a session for the pages of this tab; without one, forget it. */
export function keep(next?: Session): void {
  if (next) sessionStorage.setItem(NAME, JSON.stringify(next));
  else sessionStorage.removeItem(NAME);
}

/** Address of the service: all pages stand at its root. */
export const BASE = new URL(".", document.baseURI).href;

export const access = ({ token }: Session): Access => ({ base: BASE, token, reader: undefined });

/** Return a session for any reader of a service without keys. Throws ServiceError. */
export async function open(reader: string): Promise<Session> {
  const nobody: Access = { base: BASE, token: undefined, reader: undefined };
  const body = JSON.stringify({ reader, seconds: SECONDS });
  const { token } = await request<{ token: string }>(nobody, "v1/reader-tokens", { method: "POST", body });
  return { reader, token, siteKey: "", consent: true };
}
