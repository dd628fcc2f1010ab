"""How an audit's page looks: in light and dark, on phones, wide screens and paper."""

# The colours are Okabe and Ito's blue and vermilion, told apart by all eyes; paler in the dark.
STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c1e21; --soft: #5a6068; --line: #d5d9de;
  --panel: #f5f6f8; --good: #00639c; --bad: #b84300; --bar: #0072b2; --off: #d55e00;
  --noise: #0072b222; --link: #00558a; }
@media (prefers-color-scheme: dark) { :root { --page: #15171a; --ink: #e4e6e9; --soft: #a2a9b2;
  --line: #3a3f46; --panel: #1e2125; --good: #6cc3f5; --bad: #ff9a57; --bar: #3f9fd8;
  --off: #f0803a; --noise: #6cc3f52e; --link: #8ccdf7; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem clamp(.75rem, 3vw, 2.5rem) 3rem; max-width: 96rem;
  background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .25rem; }
p, ul, dl { margin: .5rem 0; max-width: 75ch; }
li { margin: 0 0 .5rem; }
a { color: var(--link); }
.soft, figcaption, .cut { color: var(--soft); }
.cut { font: .8em system-ui, sans-serif; margin-left: .3em; }
code, .name { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
code { font-size: .92em; unicode-bidi: isolate; white-space: break-spaces; }
bdi i, code i { color: var(--soft); }
.guide { columns: 28rem; column-gap: 3rem; max-width: none; padding-left: 1.2rem; }
.guide li { break-inside: avoid; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.verdict { font-weight: 600; }
.verdict, .whole { white-space: nowrap; }
.good { color: var(--good); }
.bad { color: var(--bad); }
/* A shade on the right as long as there is more to scroll to. */
.scroll { overflow-x: auto; max-width: 100%; margin: .5rem 0; background:
  linear-gradient(to left, var(--page) 40%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to left, var(--line), transparent) right / 1.2rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; font-size: .85rem; line-height: 1.25;
  vertical-align: bottom; }
thead th.number { white-space: normal; }
tbody th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.cases, .kinds { font-size: .85rem; }
.cases th, .cases td { min-width: 3.5rem; }
.cases tbody th { min-width: 7rem; }
.cases .wide { min-width: 12rem; max-width: 24rem; overflow-wrap: anywhere; }
.verdicts { width: 100%; }
.verdicts td, .verdicts th { overflow-wrap: anywhere; }
.verdicts .number, .verdicts .verdict { overflow-wrap: normal; }
.verdicts tbody th { min-width: 10.5rem; }
.verdicts td[data-of="Held against"] { min-width: 9rem; }
.verdicts td[data-of="Version"] { min-width: 5rem; }
section.sampler { border-top: 2px solid var(--line); padding-top: 1.25rem; margin-top: 2rem; }
.figures { display: grid; gap: 1.25rem 2rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 28rem; }
figcaption { font-size: .85rem; line-height: 1.35; margin-bottom: .35rem; }
figcaption strong { display: block; color: var(--ink); font-size: .95rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 11.5px; }
svg .name { fill: var(--ink); font-size: 11.5px; unicode-bidi: isolate; }
.small { width: 7.5rem; height: auto; }
.grid, .axis, .law, .mark, .dots { fill: none; }
.grid { stroke: var(--line); stroke-width: .6; }
.axis { stroke: var(--soft); }
.law { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 5 3; }
.mark { stroke: var(--ink); stroke-width: 2.2; }
.noise { fill: var(--noise); }
.bar { fill: var(--bar); }
.dots { stroke: var(--bar); stroke-width: 3.6; stroke-linecap: round; }
.off { fill: var(--off); }
.dots.off { fill: none; stroke: var(--off); stroke-width: 5; stroke-linecap: square; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--link); padding: .35rem 0; }
@media screen and (max-width: 44rem) {
  .verdicts, .verdicts tbody, .verdicts tr, .verdicts th, .verdicts td { display: block; }
  .verdicts thead { display: none; }
  .verdicts tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .verdicts th, .verdicts td { border: 0; padding: .05rem 0; text-align: left; }
  .verdicts td:empty { display: none; }
  .verdicts td[data-of]::before { content: attr(data-of) ": "; color: var(--soft); }
}
@media print {
  :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --good: #00558a; --bad: #9c3a00; --bar: #0072b2; --off: #d55e00; --noise: #0072b222;
    --link: #000; }
  body { max-width: none; padding: 0; font-size: 9.5pt;
    print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; background: none; }
  .cases, .cases thead th { font-size: 6.5pt; }
  .kinds, .kinds thead th, .verdicts, .verdicts thead th { font-size: 8pt; }
  .cases th, .cases td, .cases tbody th { min-width: 0; padding-right: .4em; }
  .cases tbody th { min-width: 7rem; }
  .cases .wide { min-width: 0; }
  .figures { grid-template-columns: repeat(2, 1fr); gap: 1rem; }
  details::details-content { content-visibility: visible; }
  h2, h3, figcaption { break-after: avoid; }
  figure { max-width: 21rem; }
  figure, tr { break-inside: avoid; }
}
"""
