import { readerOf, ServiceError } from "../widget/feed_client";
import { fill } from "../widget/texts";
import { find, findAll, problem } from "./page_parts";
import { texts } from "./page_texts";
import { keep, open, session, type Session } from "./session";

/** Show the form of the page until it gives a session; then call `start` with it. */
export function signIn(start: (session: Session) => void): void {
  async function choose(reader: string): Promise<void> {
    problem();
    try {
      enter(await open(reader));
    } catch (error) {
      const status = error instanceof ServiceError ? error.status : 0;
      problem(status ? fill(texts.refused_reader, status) : texts.unreachable);
    }
  }

  function enter(next: Session): void {
    keep(next);
    find("enter")!.hidden = true;
    start(next);
  }

  find("choose")?.addEventListener("submit", (event) => {
    event.preventDefault();
    void choose(String(new FormData(event.target as HTMLFormElement).get("reader")).trim());
  });
  for (const button of findAll("known")) button.addEventListener("click", () => void choose(button.dataset.known!));
  find("token")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement);
    const token = String(given.get("token")).trim();
    try {
      const siteKey = String(given.get("site-key")).trim();
      enter({ reader: readerOf(token), token, siteKey, consent: given.has("consent") });
    } catch {
      problem(texts.no_token);
    }
  });

  const named = new URLSearchParams(location.search).get("reader");
  const known = session();
  if (named && document.body.dataset.open === "yes" && named !== known?.reader) void choose(named);
  else if (known) start(known);
  else if (find("signed-in")) find("enter")!.hidden = false; // a missing article is missing for everybody
}
