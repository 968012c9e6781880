// What has happened, as a person would tell it; the record's own words stand in each line's title.

import { bannerOf, chanceOf, clockOf, percentOf, placeOf, plain, sentence, titleOf, troubleOf, weeksOf } from "./words.js";

const why = (reason) => (reason ? ` (${reason})` : "");
const CAUSES = { auto: "by itself", operator: "by you", freeze: "at a freeze" };
const WELL = { connected: true, phase: "running", source: { state: "running" }, signal: { state: "open" } };

/** The title a banner has in a state; "" where it has none. */
function titleIn(change) {
  return bannerOf({ ...WELL, ...change })?.title ?? "";
}

function heart(event) {
  const interval = `${chanceOf(event.low)} to ${chanceOf(event.high)}\u00a0%; abnormal from ${chanceOf(event.threshold)}\u00a0%`;
  const of = event.level === "exam" ? "Heart score of the scan" : "Heart score of a clip";
  return `${of}: ${event.abstains ? `abstains. ${plain(event.reason)}` : `${chanceOf(event.score)}\u00a0% (${interval})`}`;
}

// Each: what is said, and its tone.
const SAY = {
  "stream.started": () => ["The scan begins", ""],
  "stream.state": (event) => {
    const title = titleIn({ source: event });
    const isBad = !["opening", "running", "ended"].includes(event.state);
    return [`${title || "Pictures arrive"}${why(event.reason)}`, isBad ? "bad" : ""];
  },
  "stream.ended": () => ["The scan is over", ""],
  "stream.damaged": (event) => [`Part of the stream could not be read${why(event.what)}`, "warn"],
  "signal.changed": (event) => {
    const title = titleIn({ signal: event });
    return [title ? `${title}${why(event.reason)}` : "Ultrasound picture again", title ? "warn" : ""];
  },
  "plane.entered": (event) => [`${titleOf(event.plane)} in view`, "good"],
  "plane.left": (event) => [`${titleOf(event.plane)} out of view; best ${percentOf(event.best_score)}, at ${clockOf(event.best_pts_seconds)}`, ""],
  "part.entered": (event) => [`${titleOf(event.part)} in view, its plane not clear`, ""],
  "part.left": (event) => [`${titleOf(event.part)} out of view`, ""],
  "quality.changed": (event) => {
    const bad = event.items.filter((item) => !item.ok).map((item) => item.reason || item.name);
    return [`${titleOf(event.plane)}: ${bad.join("; ") || "good picture"}`, bad.length ? "warn" : ""];
  },
  "checklist.changed": (event) => {
    const count = event.wanted > 1 ? `, ${event.seen} of ${event.wanted}` : "";
    return [`Checklist, ${titleOf(event.item)}: ${event.state.replaceAll("_", " ")}${count}${event.state === "poor" ? why(event.reasons.join("; ")) : ""}`,
      { done: "good", poor: "warn" }[event.state] ?? ""];
  },
  "age.estimated": (event) => {
    const interval = event.low_days === null || event.high_days === null ? "" : ` (${weeksOf(event.low_days)} to ${weeksOf(event.high_days)})`;
    return [`Gestational age: ${weeksOf(event.age_days)}${interval}`, ""];
  },
  "age.unavailable": (event) => [`No gestational age: ${plain(event.reason)}`, ""],
  "chd.scored": (event) => [heart(event), ""],
  "chd.unavailable": (event) => [`No heart score: ${plain(event.reason)}`, ""],
  "capture.saved": (event) => {
    const instead = event.replaces ? ", in place of one that was less good" : "";
    return [`Captured ${CAUSES[event.cause] ?? event.cause}: ${titleOf(event.plane)}${instead}`, ""];
  },
  "capture.kept": (event) => [`You keep the capture: ${titleOf(event.plane)}`, "you"],
  "capture.discarded": (event) => [`You deleted the capture: ${titleOf(event.plane)}`, "you"],
  "capture.failed": (event) => [`Not captured: ${titleOf(event.plane)}. ${plain(event.reason)}`, "bad"],
  "operator.override": (event) => [event.plane ? `You say: ${titleOf(event.plane)}` : "You take your label back", "you"],
  "operator.marked": (event) => [`You mark this moment${why(event.text)}`, "you"],
  "operator.paused": (event) => [event.paused ? "You pause the analysis" : "The analysis goes on", "you"],
  "sink.degraded": (event) => [troubleOf(event.sink, event.reason), "bad"],
  "sink.recovered": (event) => [`Results are being ${placeOf(event.sink)} again; ${event.events_lost ? `${event.events_lost} are lost` : "nothing is lost"}`, ""],
};

/** Of a told event: media time ("" for none), what happened, and its tone. */
export function said({ event, text }) {
  const seconds = event.pts_seconds ?? event.end_seconds ?? event.start_seconds ?? event.media_seconds ?? null;
  const [words, tone] = Object.hasOwn(SAY, event.kind) ? SAY[event.kind](event) : [text.trim(), ""];
  return [seconds === null ? "" : clockOf(seconds), sentence(words), tone];
}
