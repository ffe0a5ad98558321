import { element } from "./elements";

/** An entry of a menu: its text, and what it does. */
export type Choice = [text: string, act: () => void];

/**
 * Return a button that opens a menu: arrow keys, Home and End move in it, Escape and a click elsewhere close it, and the
 * focus comes back to the button. `label`: of the button, for screen readers.
 */
export function menuButton(label: string, choices: Choice[]): HTMLElement {
  const button = element(
    "button",
    { type: "button", class: "icon", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": label },
    element("span", { "aria-hidden": "true" }, "⋯"),
  );
  const entries = choices.map(([text, act]) =>
    element("button", { type: "button", role: "menuitem", tabindex: -1, click: () => (close(), act()) }, text),
  );
  const menu = element("div", { role: "menu", "aria-label": label, hidden: true }, ...entries);
  const box = element("div", { class: "menu", keydown: (event) => move(event as KeyboardEvent) }, button, menu);

  function open(at: number): void {
    menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    entries[(at + entries.length) % entries.length]!.focus();
  }

  function close(): void {
    menu.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  function move(event: KeyboardEvent): void {
    const root = box.getRootNode() as ShadowRoot;
    const at = entries.indexOf(root.activeElement as HTMLButtonElement);
    const places: Record<string, number> = {
      ArrowDown: (at + 1) % entries.length,
      ArrowUp: at < 1 ? -1 : at - 1,
      Home: 0,
      End: -1,
    };
    const next = places[event.key];
    if (next !== undefined) {
      event.preventDefault();
      open(next);
    } else if (event.key === "Escape" && !menu.hidden) {
      close();
      button.focus();
    }
  }

  button.addEventListener("click", () => (menu.hidden ? open(0) : close()));
  box.addEventListener("focusout", ({ relatedTarget }) => {
    if (!box.contains(relatedTarget as Node | null)) close();
  });
  return box;
}
