import { createTracker, type Attune } from "./tracker";

declare global {
  interface Window {
    attune?: Attune;
  }
}

const script = (document.currentScript ??
  document.querySelector("script[data-site-key]")) as HTMLScriptElement | null;

// a page that has the lines twice must not count twice
if (script && !window.attune) {
  const { siteKey = "", readerToken, consent } = script.dataset;
  // the service is where the script is from
  const attune = createTracker({ url: new URL("../v1/collect", script.src).href, siteKey });
  attune.reader(readerToken);
  if (consent === "granted") attune.consent(true);
  window.attune = {
    ...attune,
    reader(token) {
      attune.reader(token);
      script.dataset.readerToken = token ?? ""; // the widget reads it there, and notices a change
    },
  };

  // the widget is loaded by the first page that has one, however late the element comes
  const widgets = document.getElementsByTagName("attune-feed");
  const observer = new MutationObserver(load);
  function load(): void {
    if (!widgets[0]) return;
    observer.disconnect();
    void import(new URL("attune-feed.js", script!.src).href);
  }
  observer.observe(document, { subtree: true, childList: true });
  load();
}
