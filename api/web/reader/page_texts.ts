/** Texts of the scripts of a page, in its language. `{}` stands for a name or a number. */
export interface PageTexts {
  refused_reader: string;
  unreachable: string;
  no_token: string;
  expired: string;
  no_answer: string;
  not_stored: string;
  undo: string;
  undone: string;
  follow: string;
  focus: string;
  mute: string;
  as_read: string;
  not_me: string;
  counts_against: string;
  show_all: string;
  topics: string;
  sources: string;
  entities: string;
  reads: string;
  reads_lead: string;
  nothing_yet: string;
  pause: string;
  resume: string;
  paused: string;
  resumed: string;
  export_failed: string;
  erased: string;
  receipt: string;
  erasure_failed: string;
  /** Words for what a reader did with an article, by the action that the service names. */
  actions: Record<string, string>;
}

/** The service writes them into the page. */
export const texts: PageTexts = JSON.parse(document.querySelector("[data-texts]")!.textContent!);
