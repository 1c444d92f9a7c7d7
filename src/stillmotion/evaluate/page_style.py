"""What the pages look like and how they react: one style sheet and one script, in text.

Both stand inside every page and are named by their hashes in its content security policy, so that nothing
else runs. Without the script a page is whole, worst first; the script only sorts, filters and seeks.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f5f2; --card: #ffffff; --ink: #1d1c1a; --soft: #66635d; --line: #e2dfd8; --well: #efede8;
  --accent: #2457c5; --bad: #b3261e; --bad-well: #fbe9e7; --warn: #8a5300; --warn-well: #fdf1dc;
  --good: #14764a; --c0: #0067b0; --c1: #c8500a; --c2: #0a8a63; --c3: #8c4fb3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121315; --card: #1b1d20; --ink: #eceae6; --soft: #a3a09a; --line: #303338; --well: #25282c;
    --accent: #8fb2ff; --bad: #ff9a90; --bad-well: #3d1f1d; --warn: #f3c272; --warn-well: #3a2c14;
    --good: #6fd6a4; --c0: #62b4ff; --c1: #ff9b5c; --c2: #4fd0a2; --c3: #cf9cf0;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 5rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main, .bar > div { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 2.2rem 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .7rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
h3 span { color: var(--soft); font-weight: 400; }
p { margin: .4rem 0; }
code { font: .92em ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.number, td, dd { font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 1.3rem 0 0; padding: 0; }
.tiles div {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px;
}
.tiles dt { color: var(--soft); font-size: .87rem; }
.tiles dd { margin: 0; font-size: 1.65rem; font-weight: 600; line-height: 1.25; }
.tiles .bad dd { color: var(--bad); }
.tiles .warn dd { color: var(--warn); }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 6px 16px; border-top: 1px solid var(--line); vertical-align: middle; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .85rem; background: var(--well); }
tbody th { font-weight: 500; }
td b { font-size: 1.05rem; }
td.how { color: var(--soft); font-size: .85rem; min-width: 15em; overflow-wrap: anywhere; }
td.spread { width: 216px; }
td.firm { white-space: nowrap; }
td.right, th.right { text-align: right; }
.notes { margin: 0; padding: 10px 16px 10px 34px; }
.notes li { margin: .25rem 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 10px system-ui, "DejaVu Sans", sans-serif; fill: var(--soft); }
.bin { fill: var(--soft); opacity: .38; }
.spread text { font-size: 10.5px; }
.band { fill: var(--accent); opacity: .25; }
.mean { stroke: var(--accent); stroke-width: 2; }
.zero { stroke: var(--soft); stroke-dasharray: 2 3; }
.whisker { stroke: currentColor; stroke-width: 2; }
.dot { fill: currentColor; }
.a { color: var(--bad); } .b { color: var(--good); } .open { color: var(--soft); }
.bar {
  position: sticky; top: 0; z-index: 2; background: var(--paper); border-bottom: 1px solid var(--line);
  margin-top: 2.2rem; padding: 10px 0;
}
.bar[hidden], .card[hidden] { display: none; }
.bar > div { display: flex; flex-wrap: wrap; gap: 8px 10px; align-items: center; }
.bar label { color: var(--soft); font-size: .87rem; display: inline-flex; gap: 6px; align-items: center; }
.bar output { margin-left: auto; color: var(--soft); font-size: .87rem; }
select, input, button {
  font: inherit; font-size: .9rem; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; padding: 5px 9px; min-height: 34px;
}
input[type=number] { width: 5em; }
input[type=search] { width: 9.5em; }
select { max-width: 10.5em; }
select[name=order] { max-width: 16em; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.cards { display: grid; gap: 16px; margin: 16px 0 60px; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 16px;
  display: grid; grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); gap: 10px 22px;
  content-visibility: auto; contain-intrinsic-block-size: auto 420px;
}
.card > header { grid-column: 1 / -1; display: flex; gap: 6px 10px; flex-wrap: wrap; align-items: center; }
.rank { color: var(--soft); font-size: .85rem; min-width: 1.6em; }
.flag {
  font-size: .8rem; border-radius: 99px; padding: 1px 10px; color: var(--warn); background: var(--warn-well);
}
.flag.bad { color: var(--bad); background: var(--bad-well); }
.media { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px; align-content: start; }
.wide-video { grid-template-columns: minmax(0, 1fr) minmax(0, 1.733fr) minmax(0, 1.733fr); }
.tall-video { grid-template-columns: minmax(0, 1.733fr) minmax(0, 1fr) minmax(0, 1fr); }
figure { margin: 0; min-width: 0; }
figure img, figure video, .none {
  width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--well); border-radius: 9px;
  display: block;
}
.wide-video figure + figure > :first-child { aspect-ratio: 1.733; }
.tall-video figure + figure > :first-child { aspect-ratio: .577; }
.none {
  display: grid; place-items: center; color: var(--soft); font-size: .85rem; padding: 8px;
  text-align: center;
}
figcaption { color: var(--soft); font-size: .82rem; margin-top: 4px; }
.prompt { margin: 0 0 10px; max-height: 6em; overflow: auto; overflow-wrap: anywhere; }
.error { color: var(--bad); margin: 0 0 10px; overflow-wrap: anywhere; }
.figures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(118px, 1fr)); gap: 6px 14px; margin: 0;
}
.figures dt { color: var(--soft); font-size: .8rem; line-height: 1.25; }
.figures dd { margin: 0; font-weight: 600; }
.figures .worst dd { color: var(--bad); }
.curve { margin-top: 14px; }
.curve svg text { font-size: 8.5px; }
.curve.seek svg { cursor: crosshair; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .8rem; color: var(--soft); }
.legend i {
  display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 5px;
  vertical-align: middle;
}
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); }
.f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); }
i.s0 { background: var(--c0); } i.s1 { background: var(--c1); }
i.s2 { background: var(--c2); } i.s3 { background: var(--c3); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.grid { stroke: var(--line); }
.gap { fill: var(--bad); opacity: .13; }
.head { stroke: var(--ink); stroke-width: 1; opacity: .7; }
.pairs td, .pairs th { padding: 3px 8px; font-size: .88rem; }
.pairs td b { font-size: inherit; }
.pairs thead th { background: none; }
figure.tap { position: relative; cursor: pointer; }
figure.tap::after {
  content: ""; position: absolute; right: 9px; top: 9px; width: 30px; height: 30px; border-radius: 50%;
  background: rgb(0 0 0 / .55); pointer-events: none;
}
figure.tap::before {
  content: ""; position: absolute; right: 18px; top: 17px; z-index: 1; pointer-events: none;
  border: solid transparent; border-width: 7px 0 7px 11px; border-left-color: #fff;
}
figure.tap.plays::before, figure.tap.plays::after { display: none; }
footer { color: var(--soft); font-size: .85rem; padding-bottom: 40px; }
@media (max-width: 760px) {
  main, .bar > div { padding: 0 14px; }
  h1 { font-size: 1.45rem; margin-top: 1.4rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; }
  .bar { position: static; }
  .bar output { margin-left: 0; width: 100%; }
  .card { grid-template-columns: minmax(0, 1fr); padding: 12px; contain-intrinsic-block-size: auto 860px; }
  .card .media { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .card .media figure:nth-child(3) { grid-column: 1 / -1; }
  .card .wide-video { grid-template-columns: minmax(0, 1fr) minmax(0, 1.733fr); }
  .card .tall-video { grid-template-columns: minmax(0, 1.733fr) minmax(0, 1fr); }
  .card .tall-video figure:nth-child(3) { grid-column: 1; }
  .pairs .card .media { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .pairs .media figure:nth-child(3) { grid-column: auto; }
  .pairs .media figure:first-child { grid-column: 1 / -1; width: 50%; }
  .curve svg text { font-size: 14px; }
  .wide thead { display: none; }
  .wide tr {
    display: grid; grid-template-columns: 1fr auto; padding: 8px 0; border-top: 1px solid var(--line);
  }
  .wide tbody tr:first-child { border-top: 0; }
  .wide th, .wide td { border: 0; padding: 2px 14px; }
  .wide td.spread, .wide td.how { grid-column: 1 / -1; width: auto; }
  .duel th, .duel td.full { grid-column: 1 / -1; }
  .duel td.right, .duel td { text-align: left; }
  .wide td[data-label]::before { content: attr(data-label) " "; color: var(--soft); }
}
@media print { .bar { display: none; } .card { break-inside: avoid; content-visibility: visible; } }
"""

SCRIPT = """
"use strict";
(() => {
  const bar = document.querySelector(".bar");
  const list = document.querySelector(".cards");
  if (!bar || !list) return;
  const cards = [...list.children].map((node, place) => ({
    node, place, figures: JSON.parse(node.dataset.figures), kinds: node.dataset.kinds.split(" "),
    words: node.dataset.words,
  }));
  const part = (name) => bar.querySelector(`[name=${name}]`);
  const [sort, order, show, low, high, find] = ["sort", "order", "show", "low", "high", "find"].map(part);
  const all = [sort, order, show, low, high, find];
  const bound = (input, none) => (input.value.trim() === "" ? none : Number(input.value));

  function apply() {
    const metric = sort.value;
    const higher = sort.selectedOptions[0]?.dataset.better === "higher";
    const sign = (order.value === "worst") === higher ? 1 : -1;
    const from = bound(low, -Infinity), to = bound(high, Infinity), limited = low.value || high.value;
    const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const value = (card) => card.figures[metric];
    const sorted = [...cards].sort((a, b) => {
      if (metric === "") return order.value === "worst" ? a.place - b.place : b.place - a.place;
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) {
        return (y === undefined) - (x === undefined) || a.place - b.place;
      }
      return sign * (x - y) || a.place - b.place;
    });
    if (order.value === "worst" && metric !== "") {
      sorted.sort((a, b) => b.kinds.includes("failed") - a.kinds.includes("failed"));
    }
    let shown = 0;
    for (const card of sorted) {
      const inside = !limited || (value(card) !== undefined && value(card) >= from && value(card) <= to);
      const kind = show.value === "all" || card.kinds.includes(show.value);
      card.node.hidden = !(inside && kind && words.every((word) => card.words.includes(word)));
      shown += !card.node.hidden;
      const rank = card.node.querySelector(".rank");
      if (rank && !card.node.hidden) rank.textContent = String(shown);
    }
    list.append(...sorted.map((card) => card.node));
    bar.querySelector("output").textContent = `${shown} of ${cards.length} shown`;
    low.disabled = high.disabled = metric === "";
  }

  for (const pair of location.hash.slice(1).split("&")) {
    const [name, value] = pair.split("=").map(decodeURIComponent);
    const input = all.find((one) => one.name === name);
    if (input && value !== undefined) input.value = value;
  }
  bar.hidden = false;
  bar.addEventListener("submit", (event) => event.preventDefault());
  bar.addEventListener("input", apply);
  bar.addEventListener("reset", () => setTimeout(apply));
  apply();

  function tap(video) {
    const frame = video.closest("figure");
    const toggle = () => (video.paused ? video.play() : video.pause());
    video.controls = false;
    video.tabIndex = 0;
    video.title = "click to play or pause";
    frame.classList.add("tap");
    video.addEventListener("click", toggle);
    video.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle();
    });
    for (const name of ["play", "pause"]) {
      video.addEventListener(name, () => frame.classList.toggle("plays", name === "play"));
    }
  }

  for (const { node } of cards) {
    const videos = [...node.querySelectorAll("video")], curve = node.querySelector(".curve svg");
    for (const video of videos) tap(video);
    if (!videos.length || !curve) continue;
    const head = curve.querySelector(".head");
    const [left, right] = [curve.dataset.left, curve.dataset.right].map(Number);
    curve.parentElement.classList.add("seek");
    const place = (video) => {
      if (!(video.duration > 0)) return;
      const x = left + (right - left) * video.currentTime / video.duration;
      head.setAttribute("x1", x); head.setAttribute("x2", x); head.removeAttribute("visibility");
    };
    curve.addEventListener("click", (event) => {
      const box = curve.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * curve.viewBox.baseVal.width;
      const share = Math.min(1, Math.max(0, (x - left) / (right - left)));
      for (const video of videos) {
        const seek = () => { video.currentTime = share * Math.max(0, video.duration - 0.01); };
        if (video.readyState > 0) seek();
        else {
          video.addEventListener("loadedmetadata", seek, { once: true });
          video.preload = "auto";
          video.load();
        }
      }
    });
    for (const video of videos) {
      video.addEventListener("timeupdate", () => place(video));
      video.addEventListener("seeked", () => place(video));
    }
  }
})();
"""
