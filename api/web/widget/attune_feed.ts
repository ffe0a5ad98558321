import type { Attune } from "../tracker/tracker";
import { delayedActions } from "./delayed_actions";
import { element } from "./elements";
import { type Access, choose, type FeedItem, feedPage, readerOf, REFUSED, ServiceError } from "./feed_client";
import { feedItem, type ItemActions } from "./feed_item";
import { fill, supported, type Texts, textsOf } from "./texts";
import { STYLE } from "./widget_style";

declare global {
  interface Window {
    attune?: Attune;
  }
  interface Document {
    readonly prerendering?: boolean;
  }
}

/** Longest budget of the slider, minutes, and the step after it that stands for no limit. */
const LONGEST = 60;
const UNLIMITED = LONGEST + 5;

/** Time after which a moved slider requests a feed, milliseconds. */
const SETTLING = 300;

const ATTRIBUTES = ["limit", "minutes", "lang", "layout", "link", "reader"];

/** Dispatched by the element for each action of the reader; `detail`: kind, and article or subject. */
const ACTION = "attune-action";

/** `<attune-feed>`: the feed of one reader, with reasons, and with what the reader can do about it. */
class AttuneFeed extends HTMLElement implements ItemActions {
  static observedAttributes = ATTRIBUTES;

  private readonly root = this.attachShadow({ mode: "open" });
  private readonly list = element("div", { class: "list", role: "feed", keydown: (event) => this.step(event) });
  private readonly bones = element("div", { class: "list", "aria-hidden": "true" });
  private readonly status = element("p", { class: "status", role: "status" });
  private readonly state = element("div", { class: "state" });
  private readonly more = element("button", { type: "button", class: "more", click: () => this.load() });
  private readonly bar = element("div", { class: "bar" });
  private readonly actions = delayedActions();
  private readonly scrolled = new IntersectionObserver(([end]) => end!.isIntersecting && this.load(), {
    rootMargin: "200px",
  });
  private readonly tokens = new MutationObserver(() => this.renew());
  private readonly leave = (): void => {
    this.actions.settle();
    void window.attune?.flush();
  };
  private readonly reconnect = (): void => {
    if (!this.state.hidden) this.restart();
  };
  private readonly activate = (): void => this.begin();
  private texts!: Texts;
  private language = "en";
  private minutes = 0;
  private count = 0;
  private subject: string | undefined;
  private cursor: string | null = null;
  private running: AbortController | undefined;
  private timer = 0;

  connectedCallback(): void {
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE); // an inline style would need 'unsafe-inline' in the policy of the page
    this.root.adoptedStyleSheets = [style];
    const script = this.script();
    if (script) this.tokens.observe(script, { attributeFilter: ["data-reader-token"] });
    addEventListener("pagehide", this.leave);
    addEventListener("online", this.reconnect);
    window.attune?.watch(this.root);
    this.restart();
  }

  disconnectedCallback(): void {
    this.running?.abort();
    this.scrolled.disconnect();
    this.tokens.disconnect();
    document.removeEventListener("prerenderingchange", this.activate);
    removeEventListener("pagehide", this.leave);
    removeEventListener("online", this.reconnect);
    this.leave();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (!this.bar.isConnected || before === after) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.restart()); // attributes that are set together are one change
  }

  react(kind: "hide" | "save", item: FeedItem, shown: HTMLElement): void {
    const link = shown.querySelector("a")!.dataset;
    const { hidden, saved, hiddenHere, notSaved } = this.texts;
    const measuring = window.attune?.measures();
    const cancel = this.actions.add(() => {
      window.attune?.event(kind, item.id, null, {
        request_id: link.attuneRequest!,
        position: item.position,
      });
    });
    this.announce(ACTION, { kind, article: item.id });
    if (kind === "save" && !measuring) return this.note(shown, notSaved);
    if (kind === "hide") shown.classList.add("gone");
    this.note(shown, kind === "save" ? saved : measuring ? hidden : hiddenHere, () => {
      cancel();
      shown.classList.remove("gone");
    });
  }

  async prefer(list: "follow" | "mute", subject: string, shown: HTMLElement): Promise<void> {
    const affected = list === "mute" ? this.items().filter((each) => about(each, subject)) : [];
    const others = affected.filter((each) => each !== shown && !each.classList.contains("gone") && !each.hidden);
    const text = list === "follow" ? this.texts.followed : this.texts.muted;
    try {
      const back = await choose(this.access(), subject, list);
      if (affected.length) shown.classList.add("gone");
      for (const each of others) each.hidden = true;
      this.announce(ACTION, { kind: list, subject });
      this.note(shown, fill(text, subject), async () => {
        shown.classList.remove("gone");
        for (const each of others) each.hidden = false;
        await back(this.access()); // the token may be a new one by now
      });
    } catch {
      this.note(shown, this.texts.refused); // the reader can choose again: nothing was changed
    }
  }

  /** Show a note in an item, with the focus on what takes the action back. */
  private note(shown: HTMLElement, text: string, undo?: () => unknown): void {
    shown.querySelector(".note")?.remove();
    const back = async (): Promise<void> => {
      note.remove();
      shown.focus();
      try {
        await undo!();
      } catch {
        this.note(shown, this.texts.refused);
      }
    };
    const button = undo && element("button", { type: "button", click: back }, this.texts.undo);
    const note = element("p", { class: "note" }, element("span", {}, text), button);
    shown.append(note);
    button?.focus();
    this.status.textContent = text;
  }

  private announce(name: string, detail?: object): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  private script(): HTMLScriptElement | null {
    return document.querySelector("script[data-site-key]");
  }

  private access(): Access {
    const script = this.script();
    return {
      base: new URL("..", script?.src ?? new URL("static/", document.baseURI)).href,
      token: script?.dataset.readerToken || undefined,
      reader: this.getAttribute("reader") ?? undefined,
    };
  }

  private items(): HTMLElement[] {
    return [...this.list.querySelectorAll("article")];
  }

  /** Draw another reader's feed; a new token of the same reader changes nothing that is shown. */
  private renew(): void {
    if (!this.count || !this.state.hidden || subjectOf(this.access()) !== this.subject) this.restart();
  }

  /** Draw everything anew, and request the first page. */
  private restart(): void {
    this.running?.abort();
    this.running = undefined;
    this.subject = subjectOf(this.access());
    this.language = supported(
      this.closest("[lang]")?.getAttribute("lang") || document.documentElement.lang || navigator.language,
    );
    this.texts = textsOf(this.language);
    this.minutes = Number(this.getAttribute("minutes")) || 0;
    this.more.textContent = this.texts.more;
    this.bar.replaceChildren(...this.slider());
    const root = element("section", { "aria-label": this.texts.feed, part: "feed" });
    root.className = this.getAttribute("layout") === "cards" ? "cards" : "";
    const title = element("h2", { class: "status" }, this.texts.feed); // between the page's heading and those of items
    root.append(title, this.bar, this.status, this.list, this.bones, this.state, this.more);
    this.bar.hidden = !this.hasAttribute("minutes");
    this.root.replaceChildren(root);
    this.begin();
  }

  private slider(): Node[] {
    const shown = element("output", { for: "minutes" });
    const input = element("input", { type: "range", id: "minutes", min: 5, max: UNLIMITED, step: 5 });
    const show = (): void => {
      this.minutes = Number(input.value) > LONGEST ? 0 : Number(input.value);
      shown.textContent = this.minutes ? fill(this.texts.minutes, this.minutes) : this.texts.unlimited;
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.value = `${this.minutes || UNLIMITED}`;
    show();
    input.addEventListener("input", () => {
      show();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.begin(), SETTLING);
    });
    return [element("label", { for: "minutes" }, this.texts.budget), input, shown];
  }

  private begin(): void {
    this.running?.abort();
    this.running = undefined;
    this.cursor = null;
    this.count = 0;
    this.list.replaceChildren();
    void this.load(true);
  }

  private async load(first = false): Promise<void> {
    if (this.running || (!first && !this.cursor)) return;
    // a page that may never be seen requests nothing: an answered feed counts as shown
    if (document.prerendering) return document.addEventListener("prerenderingchange", this.activate, { once: true });
    const access = this.access();
    if (!access.token && !access.reader) return this.explain(this.texts.signIn);
    const limit = Number(this.getAttribute("limit")) || 0;
    const running = (this.running = new AbortController());
    this.wait(first ? Math.min(limit || 8, 8) : 2);
    try {
      const query = { limit, minutes: this.minutes, cursor: this.cursor };
      const page = await feedPage(access, query, this.language, running.signal);
      this.cursor = page.cursor;
      const { language, texts } = this;
      const link = this.getAttribute("link") ?? undefined;
      for (const item of page.items) {
        this.list.append(feedItem(item, page.request_id, ++this.count, { language, texts, link }, this));
      }
      this.settle();
      if (!this.count) this.explain(texts.empty);
    } catch (error) {
      if (running.signal.aborted) return;
      this.settle();
      const refused = error instanceof ServiceError && error.status === 401;
      const text = refused ? "signIn" : navigator.onLine ? "failed" : "offline";
      this.explain(this.texts[text], () => (first ? this.begin() : this.load()));
      if (refused) this.announce(REFUSED);
    } finally {
      if (this.running === running) this.running = undefined;
    }
    // observed anew: an end that is still in the window requests the next page
    this.scrolled.unobserve(this.more);
    if (this.cursor && this.state.hidden) this.scrolled.observe(this.more);
  }

  /** Show `bones` places where items will be. */
  private wait(bones: number): void {
    this.state.hidden = true;
    this.more.hidden = true;
    this.list.hidden = !this.count;
    this.list.setAttribute("aria-busy", "true");
    this.status.textContent = this.texts.loading;
    const bone = (): HTMLElement => element("div", { class: "bone" }, ...[0, 1, 2, 3].map(() => element("i")));
    this.bones.replaceChildren(...Array.from({ length: bones }, bone));
    this.bones.hidden = false;
  }

  private settle(): void {
    this.bones.hidden = true;
    this.list.hidden = !this.count;
    this.list.removeAttribute("aria-busy");
    this.status.textContent = "";
    this.more.hidden = !this.cursor;
  }

  /** Say why there are no items, or no more. */
  private explain(text: string, retry?: () => unknown): void {
    this.settle();
    this.more.hidden = true;
    this.status.textContent = text;
    const button = retry && element("button", { type: "button", click: retry }, this.texts.retry);
    this.state.replaceChildren(element("p", {}, text), ...(button ? [button] : []));
    this.state.hidden = false;
  }

  /** Move the focus between articles with Page Up and Page Down, as in every feed. */
  private step(event: Event): void {
    const { key } = event as KeyboardEvent;
    const way = key === "PageDown" ? 1 : key === "PageUp" ? -1 : 0;
    const items = this.items().filter((each) => !each.hidden);
    const next = items[items.findIndex((each) => each.contains(event.target as Node)) + way];
    if (way && next) {
      event.preventDefault();
      next.focus();
    }
  }
}

/** Return the reader of the token; of one that cannot be read, the token. */
function subjectOf({ token }: Access): string | undefined {
  try {
    return token && readerOf(token);
  } catch {
    return token;
  }
}

/** Return true if an item is on a topic, or from a source. */
const about = (shown: HTMLElement, subject: string): boolean =>
  (JSON.parse(shown.dataset.subjects ?? "[]") as string[]).includes(subject);

if (!customElements.get("attune-feed")) customElements.define("attune-feed", AttuneFeed);
