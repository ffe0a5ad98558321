/** Texts of the widget in one language. `{}` stands for a name or a number. */
export interface Texts {
  feed: string;
  budget: string;
  minutes: string;
  unlimited: string;
  more: string;
  empty: string;
  offline: string;
  failed: string;
  signIn: string;
  retry: string;
  why: string;
  options: string;
  save: string;
  hide: string;
  follow: string;
  mute: string;
  saved: string;
  hidden: string;
  /** Instead of saved and hidden where nothing may be measured. */
  notSaved: string;
  hiddenHere: string;
  followed: string;
  muted: string;
  refused: string;
  undo: string;
  also: string;
  loading: string;
}

const en: Texts = {
  feed: "Your news",
  budget: "Time to read",
  minutes: "{} min",
  unlimited: "No limit",
  more: "More",
  empty: "Nothing new for you right now.",
  offline: "You are offline. The feed comes back with the network.",
  failed: "The feed could not be loaded.",
  signIn: "Sign in to see your feed.",
  retry: "Try again",
  why: "Why this?",
  options: "Options for: {}",
  save: "Save",
  hide: "Not for me",
  follow: "Follow {}",
  mute: "Mute {}",
  saved: "Saved.",
  hidden: "You will see fewer like this.",
  notSaved: "Not saved: measurement is off in this browser.",
  hiddenHere: "Hidden on this page only: measurement is off in this browser.",
  followed: "You follow {}.",
  muted: "{} is muted.",
  refused: "That did not work. Try again later.",
  undo: "Undo",
  also: "Also in",
  loading: "Loading …",
};

const da: Texts = {
  feed: "Dine nyheder",
  budget: "Tid til at læse",
  minutes: "{} min.",
  unlimited: "Ingen grænse",
  more: "Flere",
  empty: "Intet nyt til dig lige nu.",
  offline: "Du er offline. Nyhederne kommer igen med nettet.",
  failed: "Nyhederne kunne ikke hentes.",
  signIn: "Log ind for at se dine nyheder.",
  retry: "Prøv igen",
  why: "Hvorfor denne?",
  options: "Muligheder for: {}",
  save: "Gem",
  hide: "Ikke for mig",
  follow: "Følg {}",
  mute: "Skjul {}",
  saved: "Gemt.",
  hidden: "Du vil se færre som denne.",
  notSaved: "Ikke gemt: måling er slået fra i denne browser.",
  hiddenHere: "Kun skjult på denne side: måling er slået fra i denne browser.",
  followed: "Du følger {}.",
  muted: "{} er skjult.",
  refused: "Det lykkedes ikke. Prøv igen senere.",
  undo: "Fortryd",
  also: "Også i",
  loading: "Henter …",
};

const de: Texts = {
  feed: "Ihre Nachrichten",
  budget: "Zeit zum Lesen",
  minutes: "{} Min.",
  unlimited: "Ohne Grenze",
  more: "Mehr",
  empty: "Im Moment nichts Neues für Sie.",
  offline: "Sie sind offline. Die Nachrichten kommen mit dem Netz zurück.",
  failed: "Die Nachrichten konnten nicht geladen werden.",
  signIn: "Melden Sie sich an, um Ihre Nachrichten zu sehen.",
  retry: "Erneut versuchen",
  why: "Warum das?",
  options: "Optionen für: {}",
  save: "Merken",
  hide: "Nichts für mich",
  follow: "{} folgen",
  mute: "{} stummschalten",
  saved: "Gemerkt.",
  hidden: "Davon sehen Sie künftig weniger.",
  notSaved: "Nicht gemerkt: Die Messung ist in diesem Browser aus.",
  hiddenHere: "Nur auf dieser Seite ausgeblendet: Die Messung ist in diesem Browser aus.",
  followed: "Sie folgen {}.",
  muted: "{} ist stumm.",
  refused: "Das hat nicht geklappt. Versuchen Sie es später.",
  undo: "Rückgängig",
  also: "Auch in",
  loading: "Lädt …",
};

const zh: Texts = {
  feed: "您的新闻",
  budget: "阅读时间",
  minutes: "{} 分钟",
  unlimited: "不限",
  more: "更多",
  empty: "暂时没有新内容。",
  offline: "您已离线。联网后将恢复。",
  failed: "无法加载新闻。",
  signIn: "请登录以查看您的新闻。",
  retry: "重试",
  why: "为何推荐？",
  options: "选项：{}",
  save: "收藏",
  hide: "不感兴趣",
  follow: "关注{}",
  mute: "屏蔽{}",
  saved: "已收藏。",
  hidden: "将减少此类内容。",
  notSaved: "未收藏：此浏览器已关闭测量。",
  hiddenHere: "仅在本页隐藏：此浏览器已关闭测量。",
  followed: "已关注{}。",
  muted: "已屏蔽{}。",
  refused: "操作失败，请稍后重试。",
  undo: "撤销",
  also: "另见",
  loading: "正在加载……",
};

const CATALOGUE: Record<string, Texts> = { en, da, de, zh };

const languageOf = (tag: string): string => tag.toLowerCase().split("-")[0]!;

/** Return a language tag such as `da` or `de-AT`; `en` for a language that has no texts. */
export const supported = (tag: string): string => (languageOf(tag) in CATALOGUE ? tag : "en");

/** Return the texts of a supported language tag. */
export const textsOf = (tag: string): Texts => CATALOGUE[languageOf(tag)]!;

/** Return a text with a name or number in its place. */
export const fill = (text: string, value: string | number): string => text.replace("{}", () => `${value}`);
