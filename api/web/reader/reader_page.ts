import type { Attune } from "../tracker/tracker";
import { element } from "../widget/elements";
import { REFUSED, ServiceError } from "../widget/feed_client";
import { showAttention } from "./attention_view";
import { showEngagedTime } from "./engaged_time";
import { day } from "./locale";
import { find, findAll, problem } from "./page_parts";
import { texts } from "./page_texts";
import { BASE, keep, type Session } from "./session";
import { signIn } from "./sign_in";

declare global {
  interface Window {
    attune?: Attune;
  }
}

const { page, open, tracker } = document.body.dataset;

/** Articles of a page of the feed: enough for the first window, and few so that they come soon. */
const LIMIT = 10;

/** Minutes of the button "I have 10 minutes". */
const TEN = "10";

/** Articles that a budget of minutes may need. */
const MOST = 50;

function showFeed(): void {
  const feed = element("attune-feed" as "div", {
    limit: LIMIT,
    minutes: 0,
    lang: document.documentElement.lang,
    // texts are here before keys exist, and at the publisher after that
    link: open === "yes" ? `${BASE}read?id={id}` : undefined,
  });
  const ten = find("ten")!;
  ten.addEventListener("click", () => {
    const chosen = ten.getAttribute("aria-pressed") !== "true";
    ten.setAttribute("aria-pressed", `${chosen}`);
    feed.setAttribute("limit", `${chosen ? MOST : LIMIT}`);
    feed.setAttribute("minutes", chosen ? TEN : "0");
  });
  feed.addEventListener(REFUSED, signOut);
  find("feed")!.append(feed);
}

function showArticle(): void {
  for (const each of document.querySelectorAll("time")) each.textContent = day(each.dateTime, "long");
  const shown = find("engaged");
  if (shown) showEngagedTime(shown);
  for (const button of findAll("attune-action")) {
    button.addEventListener("click", () => button.setAttribute("aria-pressed", "true"));
  }
}

/** Ask the reader of a token that the service refused for another one. */
function signOut(): void {
  keep();
  find("signed-in")!.hidden = true;
  find("who")!.hidden = true;
  find("enter")!.hidden = false;
  problem(texts.expired);
}

let started = false;

async function start(session: Session): Promise<void> {
  if (started) return location.reload(); // as the reader of a new token, which is kept
  started = true;
  find("who")!.hidden = false;
  find("reader")!.textContent = session.reader;
  find("leave")!.addEventListener("click", () => {
    keep();
    location.assign(BASE);
  });
  const content = find("signed-in");
  if (content) content.hidden = false;
  const script = element("script", {
    src: new URL(tracker!, BASE).href,
    "data-site-key": session.siteKey,
    "data-reader-token": session.token,
    // once keys exist, events need a site key
    "data-consent": session.consent && (open === "yes" || session.siteKey) ? "granted" : undefined,
  });
  document.head.append(script);
  try {
    if (page === "feed") showFeed();
    else if (page === "article") showArticle();
    else await showAttention(session);
  } catch (error) {
    if (error instanceof ServiceError && error.status === 401) signOut();
    else problem(texts.no_answer);
  }
}

signIn((session) => void start(session));
