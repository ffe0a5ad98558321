import { texts } from "./page_texts";

/** Return the one element that a page marks with the attribute `data-NAME`, if it has it. */
export const find = <Kind extends HTMLElement = HTMLElement>(name: string): Kind | null =>
  document.querySelector<Kind>(`[data-${name}]`);

/** Return all elements that a page marks with the attribute `data-NAME`. */
export const findAll = (name: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-${name}]`)];

/** Show a problem to the reader; without a text, remove it. */
export function problem(text?: string): void {
  const shown = find("problem")!;
  shown.textContent = text ?? "";
  shown.hidden = !text;
}

/** Show a message about what has just been done. */
export function message(text: string, undo?: () => unknown): void {
  const shown = find("note")!;
  shown.textContent = `${text} `;
  shown.hidden = false;
  if (!undo) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = texts.undo;
  button.addEventListener("click", () => {
    shown.hidden = true;
    undo();
  });
  shown.append(button);
}
