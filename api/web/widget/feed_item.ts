import { element, webAddress } from "./elements";
import type { FeedItem } from "./feed_client";
import { menuButton } from "./item_menu";
import { fill, type Texts } from "./texts";

/** What a reader can do with an item. */
export interface ItemActions {
  /** Hide or save an article. `shown`: its element. */
  react(kind: "hide" | "save", item: FeedItem, shown: HTMLElement): void;
  /** Follow or mute a topic or source. */
  prefer(list: "follow" | "mute", subject: string, shown: HTMLElement): void;
}

/** How items are shown. `link`: address of an article with `{id}`; without it, the publisher's. */
export interface Shown {
  language: string;
  texts: Texts;
  link: string | undefined;
}

const HOUR = 3_600_000;

/** Return a time as readers say it: "3 hours ago", or the day. */
function ago(at: string, language: string): string {
  const hours = (Date.now() - Date.parse(at)) / HOUR;
  if (hours >= 24 * 7) return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(at));
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (hours >= 24) return format.format(-Math.round(hours / 24), "day");
  return hours >= 1 ? format.format(-Math.round(hours), "hour") : format.format(-Math.round(hours * 60), "minute");
}

const unbroken = (text: string): string => text.replace(/ /g, "\xa0");

/** Return text in its own direction, which does not move it to the other side of the page. */
const isolated = (text: string): HTMLElement => element("bdi", {}, text);

function image(address: string | undefined): HTMLElement | undefined {
  if (!address) return undefined;
  const picture = element("img", {
    src: address,
    alt: "", // the title beside it says what it is about
    loading: "lazy",
    decoding: "async",
    referrerpolicy: "no-referrer",
    width: 320,
    height: 180,
  });
  picture.addEventListener("error", () => picture.remove()); // its box stays, so that nothing moves
  return element("div", { class: "picture" }, picture);
}

/** Return the element of an item, the `index`th of the feed, from 1. */
export function feedItem(
  item: FeedItem,
  request: string,
  index: number,
  { language, texts, link }: Shown,
  actions: ItemActions,
): HTMLElement {
  const { article } = item;
  const address = webAddress(link ? fill(link.replace("{id}", "{}"), encodeURIComponent(item.id)) : article.url);
  const facts = [
    article.category,
    article.source,
    article.published_at && unbroken(ago(article.published_at, language)),
    item.minutes && unbroken(fill(texts.minutes, Math.max(1, Math.round(item.minutes)))),
  ].filter(Boolean);
  const also = item.also_in.filter(({ url }) => webAddress(url));
  const reasons = element("ul", { class: "reasons", hidden: true });
  reasons.append(...item.reasons.map(({ text }) => element("li", {}, isolated(text))));
  const why = element(
    "button",
    { type: "button", class: "text", "aria-expanded": "false", click: () => explain() },
    texts.why,
  );

  function explain(): void {
    reasons.hidden = !reasons.hidden;
    why.setAttribute("aria-expanded", `${!reasons.hidden}`);
  }

  const subjects = [article.category, article.source].filter((name): name is string => !!name);
  const shown: HTMLElement = element(
    "article",
    { "aria-posinset": index, "aria-setsize": -1, "aria-labelledby": `t${index}`, tabindex: -1 },
    element(
      "div",
      { class: "item" },
      image(webAddress(article.image_url)),
      element(
        "div",
        { class: "words" },
        element("p", { class: "facts" }, facts.join(" · ")),
        element(
          "h3",
          { id: `t${index}` },
          element(
            "a",
            {
              href: address,
              dir: "auto",
              "data-attune-item": item.id,
              "data-attune-request": request,
              "data-attune-position": item.position,
            },
            article.title,
          ),
        ),
        article.abstract && element("p", { class: "abstract" }, isolated(article.abstract)),
        also.length > 0 &&
          element(
            "p",
            { class: "also" },
            `${texts.also} `,
            ...also.flatMap(({ source, title, url }, at) => [
              at ? ", " : "",
              // another article of the same source is named by its title
              element("a", { href: webAddress(url), title }, source === article.source ? title : (source ?? title)),
            ]),
          ),
        item.reasons[0] && element("p", { class: "reason" }, isolated(item.reasons[0].text)),
        reasons,
      ),
      element(
        "div",
        { class: "tools" },
        item.reasons.length > 1 && why,
        element("button", { type: "button", class: "text", click: () => actions.react("save", item, shown) }, texts.save),
        menuButton(fill(texts.options, article.title), [
          [texts.hide, () => actions.react("hide", item, shown)],
          ...(["follow", "mute"] as const).flatMap((list) =>
            subjects.map((name): [string, () => void] => [
              fill(texts[list], name),
              () => actions.prefer(list, name, shown),
            ]),
          ),
        ]),
      ),
    ),
  );
  shown.dataset.subjects = JSON.stringify(subjects);
  return shown;
}
