// Script of the console: htmx loads parts of pages, such as search results and live figures.
import htmx from "htmx.org";

// the content security policy forbids inline styles and eval; pages stay out of the browser's storage
Object.assign(htmx.config, {
    includeIndicatorStyles: false,
    allowEval: false,
    allowScriptTags: false,
    historyEnabled: false,
    historyCacheSize: 0,
    selfRequestsOnly: true,
    // errors come as a part of the page that names the fix
    responseHandling: [{ code: "204", swap: false }, { code: "...", swap: true }],
    timeout: 30_000,
});

// on a phone the pages of the console are in one row that scrolls
document.querySelector("header [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
