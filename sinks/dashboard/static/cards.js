// The heart score and the gestational age. Never a bare number: an interval, or why there is none.

import { chanceOf, percentOf, plain, sentence, weeksOf } from "./words.js";

const at = (id) => document.getElementById(id);

function value(id, text, kind = "", small = "") {
  const box = at(id);
  box.dataset.kind = kind;
  box.replaceChildren(text);
  if (small) {
    const more = document.createElement("small");
    more.textContent = ` ${small}`;
    box.append(more);
  }
}

/** @param exact the reason as the events say it, for who asks more */
function none(id, word, why, exact = "") {
  value(`${id}-value`, word, "none");
  at(`${id}-text`).textContent = why;
  at(`${id}-text`).title = exact;
}

export function renderHeart(story, parts) {
  const scored = story.heart.get("exam") ?? story.heart.get("clip");
  at("heart-tag").hidden = !scored;
  at("heart-range").hidden = !scored;
  if (!scored) {
    if (story.heartNone) none("heart", "No score", plain(story.heartNone), story.heartNone);
    else if (parts.includes("heart")) none("heart", "Not yet", "Hold the four-chamber view for a second or two.");
    else none("heart", "Off", "Switched off in the settings.", "chd.enabled");
    return;
  }
  const isPhantom = /phantom/i.test(scored.trained_on);
  at("heart-tag").textContent = isPhantom ? "Phantom" : "Research";
  const interval = `${chanceOf(scored.low)} to ${chanceOf(scored.high)}\u00a0%`;
  if (scored.abstains) value("heart-value", "Abstains", "abstains");
  else value("heart-value", `${chanceOf(scored.score)}\u00a0%`, "", `(${interval})`);
  const range = at("heart-range").style;
  for (const name of ["low", "high", "score"]) range.setProperty(`--${name}`, `${placeOf(scored[name], scored.threshold)}%`);
  at("heart-text").textContent = heartText(scored, interval, isPhantom);
  at("heart-text").title = [scored.reason, `learnt from: ${scored.trained_on}`].filter(Boolean).join("; ");
}

/** Where a score stands on its bar, in percent: the threshold in the middle, like normal hearts left of it. */
function placeOf(score, threshold) {
  const logit = (share) => Math.log(Math.max(share, 1e-4) / Math.max(1 - share, 1e-4));
  return Math.min(100, Math.max(0, 50 + 10 * (logit(score) - logit(threshold))));
}

function heartText(scored, interval, isPhantom) {
  const clips = scored.clips === 1 ? "1 clip" : `${scored.clips} clips`;
  const parts = [];
  const limit = `abnormal from ${chanceOf(scored.threshold)}\u00a0%`;
  if (scored.abstains) parts.push(`${plain(scored.reason)} ${interval}; ${limit}.`);
  else parts.push(`${clips}. ${sentence(limit)}.`);
  if (isPhantom) parts.push("Learnt from phantoms: says nothing of patients.");
  else if (scored.positive_predictive_value !== null) {
    const right = Math.round(100 * scored.positive_predictive_value);
    parts.push(`Of 100 hearts called abnormal ${right} are, where ${percentOf(scored.prevalence)} of all are.`);
  }
  return parts.join(" ");
}

export function renderAge(story, parts) {
  const age = story.age;
  if (!age) {
    if (story.ageNone) none("age", "No age", plain(story.ageNone), story.ageNone);
    else if (parts.includes("age")) none("age", "Not yet", "Needs a view of the head, and a picture that says its scale.");
    else none("age", "Off", "Switched off in the settings.", "age.enabled");
    return;
  }
  value("age-value", weeksOf(age.age_days));
  const frames = age.frames === 1 ? "1 picture of the head" : `${age.frames} pictures of the head`;
  const interval = age.low_days === null || age.high_days === null
    ? "No interval: this method gives none."
    : `${percentOf(age.coverage ?? 0)} interval: ${weeksOf(age.low_days)} to ${weeksOf(age.high_days)}.`;
  const how = age.method === "calibrated" ? "calibrated on measured heads" : "not calibrated on measured heads";
  at("age-text").textContent = `${interval} From ${frames}, ${how}.`;
  at("age-text").title = `Method: ${age.method.replaceAll("_", " ")}`;
}
