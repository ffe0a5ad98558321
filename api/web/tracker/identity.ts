import { randomId } from "./random_id";
import { load, save } from "./storage";

/** Name of the stored visitor id. */
export const VISITOR = "visitor";

/** Fields of a request that say for whom its events are. */
export interface Identity {
  token?: string;
  visitor?: string;
}

/** Owner of the events of a browser without a reader token. */
export const ANONYMOUS = "";

/**
 * Return the owner of events: a short hash of the reader that a token is for. Events wait for a token of their owner,
 * so that on a shared computer nothing is counted for another reader; neither token nor reader id is stored.
 */
export function ownerOf(token: string | undefined): string {
  if (!token) return ANONYMOUS;
  let subject = token;
  try {
    subject = JSON.parse(atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).sub ?? token;
  } catch {
    // not a JWT: each token is its own owner
  }
  // FNV-1a, twice with different primes: 64 bits, so that two readers of one computer never share a hash
  let first = 0x811c9dc5;
  let second = first;
  for (const character of `${subject}`) {
    const code = character.codePointAt(0)!;
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x85ebca6b);
  }
  return first.toString(36) + second.toString(36);
}

/**
 * Return the identity of `token`; without one, of the stored visitor id, made here if `create` and there is none.
 * A browser that stores nothing has no identity: an id for each request would only look like one.
 */
export function identify(token: string | undefined, create: boolean): Identity {
  if (token) return { token };
  if (create && !load(VISITOR)) save(VISITOR, randomId());
  const visitor = load(VISITOR);
  return visitor ? { visitor } : {};
}
