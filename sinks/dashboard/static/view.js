// The picture's frame, the banner over it, the label and how sure it is.

import { bannerOf, clockOf, percentOf, sentence, sourceTitleOf, titleOf, troubleOf } from "./words.js";

const LOOKING_MS = 8000;
const LATE_MS = 1500;
const HIDDEN_SIGNALS = new Set(["no_signal", "black"]);
const OLD_STATES = new Set(["stalled", "reconnecting", "failed", "ended"]);

const at = (id) => document.getElementById(id);

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What may be shown of the picture: "live", "old" or "none", and what is said in its place. */
function pictureState(page, source) {
  const { story, picture, connected, runningSince } = page;
  if (story.signal.state === "not_b_mode") return ["none", "Hidden: nobody knows where names stand on such a screen."];
  if (HIDDEN_SIGNALS.has(story.signal.state)) return ["none", ""];
  const shown = picture.drawnAt > -Infinity;
  if (!connected || story.ended || OLD_STATES.has(source.state)) return [shown ? "old" : "none", ""];
  if (page.phase !== "running" || source.state !== "running") return [shown ? "old" : "none", ""];
  const now = performance.now();
  if (!shown || now - picture.drawnAt > LATE_MS) {
    const waited = now - Math.max(runningSince ?? now, picture.drawnAt);
    if (waited < LOOKING_MS) return [shown ? "old" : "none", "Looking for the fan: the picture is shown as soon as all around it can be blacked out."];
    return ["none", "No fan is found in this picture. Names on it could not be blacked out, so it stays hidden. Planes are recognised all the same."];
  }
  return ["live", ""];
}

/** The source's state as events tell it, or as the status does where no event has come yet. */
export function sourceOf(page) {
  return page.story.started ? page.story.source : { state: page.status.state, reason: page.status.state_reason };
}

export function renderView(page) {
  const { story, connected, phase } = page;
  const source = sourceOf(page);
  const banner = bannerOf({
    connected, phase, source, signal: story.signal, paused: story.paused, ended: story.ended !== null,
  });
  const [state, veil] = pictureState(page, source);
  const stage = at("stage");
  stage.dataset.tone = banner ? banner.tone : state === "live" ? "good" : "calm";
  stage.dataset.picture = state;
  setText(at("veil"), veil);
  at("live-mark").hidden = banner !== null || state !== "live";
  renderBanner(banner, stage);
  const word = banner ? banner.title : state === "live" ? "Live" : "No picture";
  document.title = `${word} · FetalStream`;
  renderLabel(page);
  at("picture").setAttribute("aria-label", `Ultrasound picture, ${word.toLowerCase()}`);
}

function renderBanner(banner, stage) {
  const box = at("banner");
  box.hidden = banner === null;
  if (!banner) {
    for (const part of ["title", "text", "why"]) setText(at(`banner-${part}`), "");
    return;
  }
  if (box.dataset.tone !== banner.tone) box.dataset.tone = stage.dataset.tone;
  setText(at("banner-title"), banner.title);
  setText(at("banner-text"), banner.text);
  setText(at("banner-why"), banner.why ? sentence(banner.why) : "");
}

/** Whether anything is said about what is in view. */
export function isAnalysed(page) {
  const { story } = page;
  return page.phase === "running" && page.connected && sourceOf(page).state === "running"
    && story.signal.state === "open" && !story.paused && !story.ended;
}

/** The plane in view, as the operator says, else the model; null for none. */
export function planeInView(page) {
  const named = isAnalysed(page) ? page.story.override ?? page.story.plane?.name ?? null : null;
  return named === "background" ? null : named;
}

function renderLabel(page) {
  const { story, status } = page;
  const label = at("label");
  at("now").dataset.pts = status.pts_seconds;
  if (!isAnalysed(page)) {
    label.dataset.plane = "none";
    label.dataset.long = "no";
    label.dataset.name = "";
    setText(label, "Nothing is analysed");
    setText(at("score"), "–");
    setText(at("model-says"), "");
    return;
  }
  const named = planeInView(page);
  const isPlane = named !== null;
  label.dataset.plane = story.override !== null ? "operator" : isPlane ? "in-view" : "none";
  const part = story.override === null ? story.part : null;
  const words = isPlane ? titleOf(named) : part ? titleOf(part) : "No standard plane";
  label.dataset.long = words.length > 13 && isPlane ? "yes" : "no";
  label.dataset.name = isPlane ? named : "";
  setText(label, words);
  const score = story.plane && story.override === null ? modelScore(story, status) : null;
  setText(at("score"), score === null ? "–" : percentOf(score));
  setText(at("model-says"), saidBelow(story, status));
}

function modelScore(story, status) {
  return status.scores[story.plane.name] ?? story.plane.score;
}

function saidBelow(story, status) {
  if (story.override === null) {
    if (story.plane || story.ended) return "";
    if (story.part) return "Which plane of it is not clear: tilt or turn the probe a little.";
    return "Move the probe until a standard plane comes into view.";
  }
  const model = story.plane ? `${titleOf(story.plane.name)}, ${percentOf(modelScore(story, status))}` : "no standard plane";
  return `Your label. The model: ${model}. O changes it.`;
}

/** The small print: how fast and how late. */
export function renderHealth(page) {
  const { status, picture } = page;
  const age = picture.age;
  const parts = [
    `Picture: ${picture.rate}/s, ${age === null ? "–" : `${Math.round(age)} ms`} behind the machine`,
    `Result: ${status.latency_p50_ms === null ? "–" : `${Math.round(status.latency_p50_ms)} ms`} after the picture, ${status.results_per_second.toFixed(1)}/s`,
    `Dropped: ${status.dropped} of ${status.frames_read} pictures`,
    `Time: ${clockOf(status.pts_seconds)}`,
  ];
  const line = at("health");
  setText(line, parts.join("   ·   "));
  line.classList.toggle("late", age !== null && age > 1000);
  setText(at("trouble"), [...page.story.sinks].map(([sink, reason]) => troubleOf(sink, reason)).join("; "));
}

export function renderTop(page) {
  const { story, about } = page;
  const model = story.started?.model;
  const uri = story.started?.source ?? about?.source;
  setText(at("source"), uri ? sourceTitleOf(uri) : "not known yet");
  at("source").title = at("source").textContent;
  setText(at("model"), model ? `${model.name} ${model.sha256.slice(0, 8)}` : `${about?.model ?? ""}${page.phase === "loading" ? ", loading" : ""}`);
  if (model) at("model").title = `SHA-256 ${model.sha256}, version ${model.version}`;
}
