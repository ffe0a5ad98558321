import { itemFields } from "./items";
import type { Draft, Put } from "./tracked_event";

const ACTION = /^(like|save|hide|share)$/;

/**
 * Put a `click` for a click on an item, or the reaction of `data-attune-action`. The reaction is on the item or article
 * around it; outside of both, on the article `current`.
 */
export function putClick(event: MouseEvent, current: string | undefined, put: Put): void {
  // a double click is one; of the other buttons, the middle one opens a link
  if (event.detail > 1 || event.button > 1) return;
  const path = event.composedPath().filter((node): node is HTMLElement => node instanceof HTMLElement);
  const nearest = (name: string): HTMLElement | undefined => path.find(({ dataset }) => dataset[name]);
  const item = nearest("attuneItem");
  const action = nearest("attuneAction")?.dataset.attuneAction;
  const article = nearest("attuneArticle")?.dataset.attuneArticle ?? current;
  const subject: Omit<Draft, "kind"> | undefined = item ? itemFields(item) : article ? { article } : undefined;
  if (action) {
    if (subject && ACTION.test(action)) put({ kind: action, ...subject });
  } else if (item && subject) {
    put({ kind: "click", ...subject });
  }
}
