// Quality of the plane in view, and the checklist with its thumbnails.

import { captureOf } from "./story.js";
import { planeInView } from "./view.js";
import { breakable, goodOf, isKnown, percentOf, sentence, shortTitleOf, titleOf } from "./words.js";

const at = (id) => document.getElementById(id);

const NOT_JUDGED = "not_judged"; // no label of this model means it: nobody looks for it

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

let qualityDrawn = null;

export function renderQuality(story) {
  const quality = story.paused ? null : story.quality;
  if (quality === qualityDrawn && quality !== null) return;
  qualityDrawn = quality;
  const list = at("quality");
  list.replaceChildren();
  at("quality-hint").textContent = quality ? "" : "Told while a standard plane is in view: what is good, and what to mend.";
  if (!quality) return;
  const bad = quality.items.filter((item) => !item.ok);
  const good = quality.items.filter((item) => item.ok);
  for (const item of bad) {
    const line = element("li", "", sentence(item.reason || `not good enough: ${goodOf(item.name)}`));
    line.dataset.ok = "no";
    list.append(line);
  }
  if (!bad.length) list.append(element("li", "all-good", "Good picture"));
  if (good.length) list.append(element("li", "", sentence(good.map((item) => goodOf(item.name)).join(", "))));
}

const tiles = new Map(); // by item
const FEW = 6;
const LONG_CHARACTERS = 20;

/** How an item is called: as its protocol says; in narrow tiles by its planes, where those words are shorter. */
function nameOf(item, wanted, isNarrow) {
  const one = wanted.find((other) => other.item === item);
  if (!one) return titleOf(item);
  const [plane] = one.planes;
  const isOnlyOne = one.planes.length === 1 && wanted.every((other) => other === one || !other.planes.includes(plane));
  if (!isNarrow || one.title.length <= LONG_CHARACTERS && !(isOnlyOne && isKnown(plane))) return one.title;
  return isOnlyOne ? titleOf(plane) : [...new Set(one.planes.map(shortTitleOf))].slice(0, 3).join(" or ");
}

/** What the checklist shows: the protocol's items, or the planes seen where there is no protocol. */
function rowsOf({ story, about }) {
  const wanted = about?.wanted ?? [];
  const items = [...story.items.values()];
  if (items.length) {
    return items.map((item) => ({
      ...item, key: item.item, name: nameOf(item.item, wanted, items.length > FEW), words: wordsOf(item),
      planes: wanted.find((one) => one.item === item.item)?.planes ?? [item.plane],
    }));
  }
  const seen = new Set([...story.best.keys(), ...[...story.captures.values()].map((capture) => capture.plane)]);
  return [...seen].map((plane) => ({
    key: plane, planes: [plane], state: "done", reasons: [], name: titleOf(plane),
    words: `seen, best ${percentOf(story.best.get(plane)?.best_score ?? 0)}`,
  }));
}

function wordsOf(item) {
  const word = item.state.replaceAll("_", " ");
  return item.wanted > 1 && item.state !== NOT_JUDGED ? `${word}, ${item.seen} of ${item.wanted}` : word;
}

/** "it was good for 0.1 s only: hold it for 0.5 s" -> "hold it for 0.5 s": what to do; the whole stands in the tile's title. */
function adviceOf(reason) {
  return reason.slice(reason.lastIndexOf(": ") + 1).trim();
}

/** Sentences that say each thing once, for all rows of a state of which it is true. */
function saidOf(rows, state, said) {
  const names = new Map();
  for (const row of rows.filter((one) => one.state === state && one.reasons.length)) {
    const why = row.reasons.map(said).join(", ");
    names.set(why, [...(names.get(why) ?? []), row.name]);
  }
  return [...names].map(([why, those]) => `${those.join(", ")}: ${why}.`);
}

/** How many are done of those that can be; why the others cannot is said below. */
function tallyOf(rows) {
  const done = rows.filter((row) => row.state === "done").length;
  return `${done} of ${rows.filter((row) => row.state !== NOT_JUDGED).length} done`;
}

export function renderChecklist(page) {
  const { story, about } = page;
  const rows = rowsOf(page);
  const isProtocol = story.items.size > 0;
  const protocol = about?.protocol || `Checklist: ${[...story.items.values()][0]?.protocol.replaceAll("_", " ")}`;
  at("checklist-heading").textContent = isProtocol ? protocol : "Planes seen so far";
  at("tally").textContent = isProtocol ? tallyOf(rows) : "";
  const list = at("checklist");
  list.dataset.tiles = rows.length <= 4 ? "four" : rows.length <= FEW ? "six" : "many";
  for (const [key, tile] of tiles) {
    if (rows.some((row) => row.key === key)) continue;
    tile.remove();
    tiles.delete(key);
  }
  const inView = planeInView(page);
  for (const row of rows) renderTile(list, story, row, inView);
  renderReasons(rows);
}

let reasonsDrawn = "";

/** What to do again and what cannot be done, in two lines; where there is more to say, where it stands. */
function renderReasons(rows) {
  const poor = saidOf(rows, "poor", adviceOf);
  const unjudged = saidOf(rows, NOT_JUDGED, (reason) => reason);
  const drawn = `${window.innerWidth} ${window.innerHeight} ${rows.length} ${[...poor, ...unjudged].join(" ")}`;
  if (drawn === reasonsDrawn) return;
  reasonsDrawn = drawn;
  const hint = at("checklist-hint");
  if (!rows.length) hint.textContent = "None yet. Each plane appears here with its best picture.";
  const sentences = poor.length + unjudged.length;
  for (let shown = sentences; rows.length && shown >= 0; shown -= 1) {
    const rest = shown < sentences ? "More in the log (L)." : "";
    hint.textContent = [...unjudged.slice(0, Math.max(0, shown - poor.length)), rest].join(" ").trim();
    if (poor.length && shown) hint.prepend(element("span", "poor", poor.slice(0, shown).join(" ")), " ");
    if (hint.scrollHeight <= hint.clientHeight + 1) break;
  }
}

function renderTile(list, story, row, inView) {
  let tile = tiles.get(row.key);
  if (!tile) {
    tile = element("li", "tile");
    const words = element("div", "words");
    words.append(element("span", "name"), element("span", "state"));
    tile.append(words);
    tiles.set(row.key, tile);
  }
  if (tile.parentElement !== list) list.append(tile);
  tile.dataset.state = row.state;
  tile.dataset.inView = row.planes.includes(inView) ? "yes" : "no";
  tile.querySelector(".name").textContent = breakable(row.name);
  tile.querySelector(".state").textContent = row.words;
  tile.title = [`${row.name}: ${row.words}`, ...row.reasons].join("; ");
  renderThumbnail(tile, pictureOf(story, row.planes), seenOf(story, bestOf(story, row.planes)));
}

/** Of the planes that do for an item, the one whose picture is shown: the newest capture, else the best visit. */
function pictureOf(story, planes) {
  let captured = null;
  for (const capture of story.captures.values()) if (planes.includes(capture.plane)) captured = capture.plane;
  return thumbnailOf(story, captured ?? bestOf(story, planes));
}

function bestOf(story, planes) {
  const score = (plane) => story.best.get(plane)?.best_score ?? -1;
  return planes.reduce((best, plane) => (score(plane) > score(best) ? plane : best));
}

/** Address of the picture for a plane: its capture, else the best moment of its visits, which the server remembers. */
export function thumbnailOf(story, plane) {
  const capture = captureOf(story, plane);
  return capture ? `/captures/${encodeURIComponent(capture.capture_id)}` : seenOf(story, plane);
}

function seenOf(story, plane) {
  const best = story.best.get(plane);
  return best ? `/seen/${encodeURIComponent(plane)}?v=${best.sequence}` : "";
}

function renderThumbnail(tile, address, seen) {
  if ((tile.dataset.picture ?? "") === address) return;
  tile.dataset.picture = address;
  tile.querySelector("img")?.remove();
  if (!address) return;
  const image = element("img", "");
  image.alt = "";
  image.src = address;
  image.onerror = () => {
    if (!image.src.includes("/seen/") && seen) image.src = seen;
    else image.remove();
  };
  tile.prepend(image);
}
