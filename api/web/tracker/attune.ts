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
  window.attune = attune;
}
