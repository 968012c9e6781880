// Quality of the plane in view, and the checklist with its thumbnails.

import { captureOf } from "./story.js";
import { breakableTitleOf, goodOf, percentOf, protocolOf, sentence, titleOf } from "./words.js";

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
    const line = element("li", "", sentence(item.reason || `${item.name} is not good enough`));
    line.dataset.ok = "no";
    list.append(line);
  }
  if (!bad.length) list.append(element("li", "all-good", "Good picture"));
  if (good.length) list.append(element("li", "", sentence(good.map((item) => goodOf(item.name)).join(", "))));
}

const tiles = new Map(); // by item

/** What the checklist shows: the protocol's items, or the planes seen where there is no protocol. */
function rowsOf(story) {
  if (story.items.size) {
    return [...story.items.values()].map((item) => ({
      key: item.item, plane: item.plane, state: item.state, name: breakableTitleOf(item.item), words: wordsOf(item),
    }));
  }
  const seen = new Set([...story.best.keys(), ...[...story.captures.values()].map((capture) => capture.plane)]);
  return [...seen].map((plane) => ({
    key: plane, plane, state: "done", name: breakableTitleOf(plane), words: `seen, best ${percentOf(story.best.get(plane)?.best_score ?? 0)}`,
  }));
}

function wordsOf(item) {
  const word = item.state.replaceAll("_", " ");
  return item.wanted > 1 && item.state !== NOT_JUDGED ? `${word}, ${item.seen} of ${item.wanted}` : word;
}

/** Why items are poor: what to do again. */
function poorOf(items) {
  const poor = items.filter((item) => item.state === "poor" && item.reasons.length);
  return poor.map((item) => `${titleOf(item.item)}: ${item.reasons.join(", ")}.`).join(" ");
}

/** Why others can never be done: each reason once for all items that have it. */
function unjudgedOf(items) {
  const names = new Map();
  for (const item of items.filter((one) => one.state === NOT_JUDGED)) {
    const why = item.reasons.join(", ") || "not judged";
    names.set(why, [...(names.get(why) ?? []), titleOf(item.item)]);
  }
  return [...names].map(([why, those]) => `${those.join(", ")}: ${why}.`).join(" ");
}

/** How many are done of those that can be; why the others cannot is said below. */
function tallyOf(items) {
  if (!items.length) return "";
  const done = items.filter((item) => item.state === "done").length;
  return `${done} of ${items.filter((item) => item.state !== NOT_JUDGED).length} done`;
}

export function renderChecklist(story) {
  const rows = rowsOf(story);
  const items = [...story.items.values()];
  at("checklist-heading").textContent = items.length ? `Checklist: ${protocolOf(items[0].protocol)}` : "Planes seen so far";
  at("tally").textContent = tallyOf(items);
  renderReasons(items, rows.length > 0);
  const list = at("checklist");
  list.dataset.tiles = rows.length <= 4 ? "four" : rows.length <= 6 ? "six" : "many";
  for (const [key, tile] of tiles) {
    if (rows.some((row) => row.key === key)) continue;
    tile.remove();
    tiles.delete(key);
  }
  for (const row of rows) renderTile(list, story, row);
}

function renderReasons(items, isBegun) {
  const hint = at("checklist-hint");
  const [poor, unjudged] = [poorOf(items), unjudgedOf(items)];
  hint.textContent = isBegun ? unjudged : "None yet. Each plane appears here with its best picture.";
  if (poor) hint.prepend(element("span", "poor", poor), " ");
}

function renderTile(list, story, row) {
  let tile = tiles.get(row.key);
  if (!tile) {
    tile = element("li", "tile");
    const words = element("div", "words");
    words.append(element("span", "name", row.name), element("span", "state"));
    tile.append(words);
    tiles.set(row.key, tile);
  }
  if (tile.parentElement !== list) list.append(tile);
  tile.dataset.state = row.state;
  tile.dataset.inView = story.plane?.name === row.plane ? "yes" : "no";
  tile.querySelector(".state").textContent = row.words;
  tile.title = `${row.name}: ${row.words}`;
  renderThumbnail(tile, thumbnailOf(story, row.plane), seenOf(story, row.plane));
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
