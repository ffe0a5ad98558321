import { delayedActions } from "../widget/delayed_actions";
import { element } from "../widget/elements";
import { ofReader, prefer, type Preferences, request, setPreferences } from "../widget/feed_client";
import { fill } from "../widget/texts";
import { day, percent } from "./locale";
import { find, message, problem } from "./page_parts";
import { texts } from "./page_texts";
import { access, keep, type Session } from "./session";

interface Weighed {
  name: string;
  weight: number;
}

interface WeighedRead {
  article: string;
  title: string;
  category: string | null;
  at: string;
  action: string;
  seconds: number | null;
  weight: number;
}

interface Attention {
  categories: Weighed[];
  sources: Weighed[];
  entities: Weighed[];
  reads: WeighedRead[];
  preferences: Preferences;
  learning_paused: boolean;
}

/** Reads that are shown at first. */
const FIRST = 12;

const CHOICES: [list: keyof Preferences, text: string][] = [
  ["follow", texts.follow],
  ["focus", texts.focus],
  ["mute", texts.mute],
];

/** Draw the attention of the reader, and connect what the page offers to do about it. */
export async function showAttention(given: Session): Promise<void> {
  const place = find("attention")!;
  const service = access(given);
  const actions = delayedActions();
  addEventListener("pagehide", () => {
    actions.settle();
    void window.attune?.flush();
  });
  connectData(given);

  const found = await request<Attention>(service, ofReader(service, "/attention"));
  let preferences = found.preferences;

  /** Store other preferences, and draw them. */
  async function change(next: Preferences, text: string): Promise<void> {
    const before = preferences;
    problem();
    try {
      preferences = await setPreferences(service, next);
      draw();
      message(text, () => change(before, texts.undone));
    } catch {
      problem(texts.not_stored);
    }
  }

  function choices(name: string): HTMLElement {
    const group = element("span", { class: "choices", role: "group", "aria-label": name });
    for (const [list, text] of CHOICES) {
      const chosen = preferences[list].includes(name);
      const next = (): Preferences => prefer(preferences, name, ...(chosen ? [] : [list]));
      const done = chosen ? fill(texts.as_read, name) : `${text}: ${name}.`;
      const click = async (): Promise<void> => {
        await change(next(), done);
        place.querySelector<HTMLElement>(`[data-choice="${CSS.escape(`${list} ${name}`)}"]`)?.focus();
      };
      group.append(
        element(
          "button",
          { type: "button", "aria-pressed": `${chosen}`, "data-choice": `${list} ${name}`, click },
          text,
        ),
      );
    }
    return group;
  }

  function subjects(title: string, weighed: Weighed[]): HTMLElement {
    const most = Math.max(...weighed.map(({ weight }) => weight), 0);
    const rows = weighed.map(({ name, weight }) =>
      element(
        "li",
        { class: preferences.mute.includes(name) ? "muted" : undefined },
        element("span", { class: "name", dir: "auto", lang: "" }, name),
        bar(weight, most),
        choices(name),
      ),
    );
    return section(title, element("ul", { class: "weights" }, ...rows));
  }

  function read({ article, title, category, at, action, seconds, weight }: WeighedRead, most: number): HTMLElement {
    const did = texts.actions[action] ?? action;
    const facts = [category, did, seconds && `${Math.round(seconds)} s`, day(at)];
    const row = element(
      "li",
      {},
      element(
        "span",
        { class: "name", dir: "auto", lang: "" },
        title,
        element("small", {}, facts.filter(Boolean).join(" · ")),
      ),
      bar(weight, most),
      element("span", { class: "choices" }, element("button", { type: "button", click: () => correct() }, texts.not_me)),
    );

    function correct(): void {
      const cancel = actions.add(() => window.attune?.event("dislike", article));
      row.hidden = true;
      message(fill(texts.counts_against, title), () => {
        cancel();
        row.hidden = false;
      });
    }
    return row;
  }

  function reads(all: WeighedRead[]): HTMLElement {
    const most = Math.max(...all.map(({ weight }) => weight), 0);
    const rows = all.map((each) => read(each, most));
    for (const row of rows.slice(FIRST)) row.hidden = true;
    const more = element(
      "button",
      {
        type: "button",
        click: () => {
          for (const row of rows.slice(FIRST)) row.hidden = false;
          more.remove();
        },
      },
      fill(texts.show_all, all.length),
    );
    return section(
      texts.reads,
      element("p", {}, texts.reads_lead),
      element("ul", { class: "weights reads" }, ...rows),
      rows.length > FIRST && more,
    );
  }

  function draw(): void {
    const { follow, focus, mute } = preferences;
    const known = new Set([...found.categories, ...found.sources, ...found.entities].map(({ name }) => name));
    const others = [...follow, ...focus, ...mute].filter((name) => !known.has(name));
    const topics = [...found.categories, ...others.map((name) => ({ name, weight: 0 }))];
    place.replaceChildren(
      ...(found.reads.length + topics.length
        ? [
            subjects(texts.topics, topics),
            subjects(texts.sources, found.sources),
            ...(found.entities.length ? [subjects(texts.entities, found.entities)] : []),
            reads(found.reads),
          ]
        : [element("p", { class: "waiting" }, texts.nothing_yet)]),
    );
    place.removeAttribute("aria-busy");
  }

  draw();
  connectPause(given, found.learning_paused);
}

function section(title: string, ...children: (Node | false)[]): HTMLElement {
  return element("section", { "aria-label": title }, element("h2", {}, title), ...children);
}

/** Return a bar for a weight in [0, 1]; the largest one fills its place. */
function bar(weight: number, most: number): HTMLElement {
  const filled = element("i");
  filled.style.inlineSize = `${most ? (100 * weight) / most : 0}%`;
  return element(
    "span",
    { class: "weight" },
    element("span", { class: "bar", "aria-hidden": "true" }, filled),
    element("span", { class: "percent" }, percent(weight)),
  );
}

/** Connect the button that pauses learning and resumes it. */
function connectPause(given: Session, before: boolean): void {
  const service = access(given);
  const button = find<HTMLButtonElement>("pause")!;
  let paused = before;

  function draw(): void {
    button.textContent = paused ? texts.resume : texts.pause;
    button.disabled = false;
  }

  button.addEventListener("click", async () => {
    problem();
    button.disabled = true;
    try {
      if (!paused) await window.attune?.flush(); // what was read before the pause still counts
      const body = JSON.stringify({ paused: !paused });
      ({ paused } = await request<{ paused: boolean }>(service, ofReader(service, "/learning"), { method: "PUT", body }));
      message(paused ? texts.paused : texts.resumed);
    } catch {
      problem(texts.not_stored);
    }
    draw();
    button.focus();
  });
  draw();
}

/** Connect the buttons that export and erase. */
function connectData(given: Session): void {
  const service = access(given);
  find("export")!.addEventListener("click", async () => {
    problem();
    try {
      const data = await request<object>(service, ofReader(service, "/export"));
      const href = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
      element("a", { href, download: "attune-export.json" }).click();
      URL.revokeObjectURL(href);
    } catch {
      problem(texts.export_failed);
    }
  });
  const dialog = find<HTMLDialogElement>("confirm")!;
  find("erase")!.addEventListener("click", () => {
    dialog.returnValue = ""; // Escape leaves the answer of the time before
    dialog.showModal();
  });
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "yes") return;
    problem();
    try {
      window.attune?.consent(false); // what waits in the browser must not arrive after the erasure
      const receipt = await request<{ id: string; digest: string }>(service, ofReader(service, ""), {
        method: "DELETE",
      });
      keep();
      find("attention")!.replaceChildren(
        element("h2", {}, texts.erased),
        element("p", {}, `${fill(texts.receipt, receipt.id)} `, element("code", {}, receipt.digest)),
      );
      for (const each of document.querySelectorAll(".data")) each.remove();
    } catch {
      problem(texts.erasure_failed);
    }
  });
}
