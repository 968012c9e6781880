// Quality of the plane in view, and the checklist with its thumbnails.

import { captureOf } from "./story.js";
import { breakableTitleOf, goodOf, percentOf, protocolOf, sentence, titleOf } from "./words.js";

const at = (id) => document.getElementById(id);

const STATE_WORDS = { missing: "missing", poor: "poor", done: "done" };

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
  const word = STATE_WORDS[item.state] ?? item.state;
  return item.wanted > 1 ? `${word}, ${item.seen} of ${item.wanted}` : word;
}

/** Why items are poor: what to do again. */
function poorOf(items) {
  const poor = items.filter((item) => item.state === "poor" && item.reasons.length);
  return poor.map((item) => `${titleOf(item.item)}: ${item.reasons.join(", ")}.`).join(" ");
}

export function renderChecklist(story) {
  const rows = rowsOf(story);
  const items = [...story.items.values()];
  const done = items.filter((item) => item.state === "done").length;
  at("checklist-heading").textContent = items.length ? `Checklist: ${protocolOf(items[0].protocol)}` : "Planes seen so far";
  at("tally").textContent = items.length ? `${done} of ${items.length} done` : "";
  at("checklist-hint").textContent = rows.length ? poorOf(items) : "None yet. Each plane appears here with its best picture.";
  const list = at("checklist");
  list.dataset.tiles = rows.length <= 4 ? "four" : rows.length <= 6 ? "six" : "many";
  for (const [key, tile] of tiles) {
    if (rows.some((row) => row.key === key)) continue;
    tile.remove();
    tiles.delete(key);
  }
  for (const row of rows) renderTile(list, story, row);
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
