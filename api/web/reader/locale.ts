const LANGUAGE = document.documentElement.lang;

/** Dates and numbers are written as this browser writes the language of the page: 29/11 or 11/29. */
const LOCALE = navigator.languages.find((each) => each.toLowerCase().split("-")[0] === LANGUAGE) ?? LANGUAGE;

const percents = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });

/** Return the day of a time: a short one, or with the month as a word. */
export const day = (at: string, style: "short" | "long" = "short"): string =>
  new Date(at).toLocaleDateString(LOCALE, style === "long" ? { dateStyle: style } : undefined);

/** Return a share of at most 1 as a percentage. */
export const percent = (share: number): string =>
  share > 0 && share < 0.01 ? `<${percents.format(0.01)}` : percents.format(share);
