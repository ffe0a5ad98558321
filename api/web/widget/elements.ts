type Child = Node | string | null | undefined | false;

/**
 * Return a new element with attributes and children. Text is set as text, never as HTML: what articles contain cannot
 * become markup. A function among the attributes listens to the event of that name; false and undefined are left out.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string | number | boolean | undefined | ((event: Event) => unknown)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : `${value}`);
  }
  made.append(...children.filter((child): child is Node | string => !!child || child === ""));
  return made;
}

/** Return an address if it is one of the web: no address of an article may run a script. */
export function webAddress(address: string | null | undefined): string | undefined {
  if (!address) return undefined;
  try {
    const found = new URL(address, document.baseURI);
    return /^https?:$/.test(found.protocol) ? found.href : undefined;
  } catch {
    return undefined; // not an address: the title is shown without a link
  }
}
