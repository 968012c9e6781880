// Quality of the plane in view, and the checklist with its thumbnails.

import { captureOf } from "./story.js";
import { goodOf, percentOf, sentence, titleOf } from "./words.js";

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
      key: item.item, plane: item.plane, state: item.state, name: titleOf(item.item), words: wordsOf(item),
    }));
  }
  const seen = new Set([...story.best.keys(), ...[...story.captures.values()].map((capture) => capture.plane)]);
  return [...seen].map((plane) => ({
    key: plane, plane, state: "done", name: titleOf(plane), words: `seen, best ${percentOf(story.best.get(plane)?.best_score ?? 0)}`,
  }));
}

function wordsOf(item) {
  if (item.state === "poor" && item.reasons.length) return `poor: ${item.reasons[0]}`;
  const word = STATE_WORDS[item.state] ?? item.state;
  return item.wanted > 1 ? `${word}, ${item.seen} of ${item.wanted}` : word;
}

export function renderChecklist(story) {
  const rows = rowsOf(story);
  const items = [...story.items.values()];
  const done = items.filter((item) => item.state === "done").length;
  at("checklist-heading").textContent = items.length ? `Checklist: ${titleOf(items[0].protocol)}` : "Planes seen so far";
  at("tally").textContent = items.length ? `${done} of ${items.length} done` : "";
  at("checklist-hint").textContent = rows.length ? "" : "None yet. Each plane appears here with its best picture.";
  const list = at("checklist");
  list.dataset.columns = rows.length <= 4 ? "2" : rows.length <= 9 ? "3" : rows.length <= 12 ? "4" : "5";
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
  renderThumbnail(tile, thumbnailOf(story, row.plane));
}

/** Address of the picture for a plane: its capture, else the best moment of its visits, which the server remembers. */
export function thumbnailOf(story, plane) {
  const capture = captureOf(story, plane);
  if (capture) return `/captures/${encodeURIComponent(capture.capture_id)}`;
  const best = story.best.get(plane);
  return best ? `/seen/${encodeURIComponent(plane)}?v=${best.sequence}` : "";
}

function renderThumbnail(tile, address) {
  if ((tile.dataset.picture ?? "") === address) return;
  tile.dataset.picture = address;
  tile.querySelector("img")?.remove();
  if (!address) return;
  const image = element("img", "");
  image.alt = "";
  image.src = address;
  image.onerror = () => image.remove();
  tile.prepend(image);
}
