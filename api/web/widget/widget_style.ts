/** Style of the widget. Each variable `--attune-…` may be set by the page; colours follow the page's `color-scheme`. */
export const STYLE = `
:host{display:block;container-type:inline-size;position:relative;
--text:var(--attune-text,light-dark(#17191c,#eceef1));
--soft:var(--attune-muted,light-dark(#565e69,#a9b2be));
--accent:var(--attune-accent,light-dark(#0a665c,#6fd6c7));
--line:var(--attune-line,light-dark(#dfe2e6,#343a43));
--fill:var(--attune-fill,light-dark(#eef0f2,#262b33));
--surface:var(--attune-surface,light-dark(#fff,#1b1f25));
color:var(--text);font:var(--attune-font,1rem/1.5 system-ui,sans-serif);accent-color:var(--accent)}
:host([theme=light]){color-scheme:light}
:host([theme=dark]){color-scheme:dark}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
p,h3,ul{margin:0}
.status{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1rem;padding-block:.25rem 1rem;border-block-end:1px solid var(--line)}
.bar input{flex:1 1 4rem;max-inline-size:20rem;min-inline-size:4rem;block-size:1.75rem;margin:0}
output{min-inline-size:6em}
article{position:relative;border-block-end:1px solid var(--line);scroll-margin-block:5rem}
.item,.bone{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:.5rem 1.25rem;padding-block:1.25rem .75rem}
.words{grid-column:1;grid-row:1;display:grid;gap:.3rem;align-content:start}
.picture{grid-column:2;inline-size:clamp(6rem,26cqi,12rem);aspect-ratio:16/9;background:var(--fill);border-radius:var(--attune-radius,.5rem);overflow:hidden}
.item:not(:has(.picture)) .words{grid-column:1/-1}
.picture img{display:block;inline-size:100%;block-size:100%;object-fit:cover}
.facts,.also,.text,.note,.bar,.reason,.reasons{font-size:.875rem}
.facts,.also,.text,.note,.abstract,.icon,.state,output{color:var(--soft)}
.facts::first-letter{text-transform:uppercase}
h3{font:var(--attune-title,600 1.25rem/1.3 Charter,"Iowan Old Style",Georgia,serif);text-wrap:pretty;overflow-wrap:anywhere}
a{color:inherit}
h3 a{text-decoration:none}
h3 a::after{content:"";position:absolute;inset:0}
h3 a:hover{text-decoration:underline;text-underline-offset:.15em}
.abstract{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.reason{color:var(--accent)}
.reasons{padding-inline-start:1.1rem}
.words:has(.reasons:not([hidden])) .reason{display:none}
.also a,.tools,.note{position:relative;z-index:1}
.tools{grid-column:1/-1;display:flex;align-items:center;gap:.25rem;min-block-size:2.25rem;margin-inline-start:-.6rem}
button{font:inherit;color:inherit;background:none;border:0;border-radius:.4rem;cursor:pointer;min-block-size:2.25rem;padding:.25rem .6rem}
button:hover{background:var(--fill)}
.menu{position:relative;margin-inline-start:auto}
.icon{min-inline-size:2.5rem;font-size:1.25rem;line-height:1}
[role=menu]{position:absolute;inset-inline-end:0;inset-block-start:100%;z-index:2;display:grid;min-inline-size:12rem;max-inline-size:80cqi;padding:.35rem;background:var(--surface);border:1px solid var(--line);border-radius:.6rem;box-shadow:0 .5rem 1.5rem #0003}
[role=menuitem]{text-align:start;font-size:.9375rem}
:is(a,button,input,article):focus-visible,article:has(h3 a:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
h3 a:focus-visible{outline:0}
.note{display:flex;align-items:center;gap:.5rem;padding-block:.5rem}
.note button,.state button,.more{color:var(--accent);font-weight:600}
.gone .item{display:none}
.state{padding-block:3rem;text-align:center}
.more{display:block;inline-size:100%;margin-block:1rem;border:1px solid var(--line);min-block-size:2.75rem}
.bone{block-size:12.5rem;grid-template-rows:.75rem 1.5rem 2.75rem;gap:.75rem 1.25rem;border-block-end:1px solid var(--line)}
.bone i{background:var(--fill);border-radius:.3rem}
.bone i:first-child{inline-size:45%}
.bone i:nth-child(2){inline-size:90%}
.bone i:last-child{grid-area:1/2/4;inline-size:clamp(6rem,26cqi,12rem);aspect-ratio:16/9}
.cards .list{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));gap:1.5rem;padding-block:1.25rem}
.cards :is(article,.bone){padding-inline:1rem;border:1px solid var(--line);border-radius:var(--attune-radius,.75rem);background:var(--surface)}
.cards .item{display:flex;flex-direction:column;block-size:100%;padding-block:1rem .25rem}
.cards .picture{order:-1;inline-size:auto;margin:-1rem -1rem .25rem;border-radius:var(--attune-radius,.75rem) var(--attune-radius,.75rem) 0 0}
.cards .item:not(:has(.picture)) .abstract{-webkit-line-clamp:6}
.cards .tools{margin-block-start:auto}
.cards .bone{block-size:23rem}
@container (width>40rem){.list h3{font-size:1.375rem}}
@container (width<30rem){h3{font-size:1.125rem}.abstract{-webkit-line-clamp:3}}
@media (prefers-reduced-motion:no-preference){.bone i{animation:pulse 1.6s ease-in-out infinite alternate}@keyframes pulse{to{opacity:.5}}}
@media (forced-colors:active){.picture,.bone i{border:1px solid}}
`.replace(/\n/g, "");
