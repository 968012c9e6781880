// The heart score and the gestational age. Never a bare number: an interval, or why there is none.

import { percentOf, sentence, weeksOf } from "./words.js";

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

function none(id, why) {
  value(`${id}-value`, "None", "none");
  at(`${id}-text`).textContent = why;
}

export function renderHeart(story, parts) {
  const scored = story.heart.get("exam") ?? story.heart.get("clip");
  at("heart-tag").hidden = !scored;
  at("heart-range").hidden = !scored;
  if (!scored) {
    if (story.heartNone) none("heart", sentence(story.heartNone));
    else if (parts.includes("heart")) none("heart", "Needs a clip of the four chambers: hold the plane for a second or two.");
    else none("heart", "Switched off (chd.enabled).");
    return;
  }
  const isPhantom = /phantom/i.test(scored.trained_on);
  at("heart-tag").textContent = isPhantom ? "Phantom" : "Research";
  const interval = `${scored.low.toFixed(2)} to ${scored.high.toFixed(2)}`;
  if (scored.abstains) value("heart-value", "Abstains", "abstains");
  else value("heart-value", scored.score.toFixed(2), "", `(${interval})`);
  const range = at("heart-range").style;
  for (const name of ["low", "high", "score"]) range.setProperty(`--${name}`, `${100 * scored[name]}%`);
  at("heart-text").textContent = heartText(scored, interval, isPhantom);
}

function heartText(scored, interval, isPhantom) {
  const clips = scored.clips === 1 ? "1 clip" : `${scored.clips} clips`;
  const parts = [];
  if (scored.abstains) parts.push(`${sentence(scored.reason)}. Score ${scored.score.toFixed(2)} (${interval}).`);
  else parts.push(`0 is like normal hearts, 1 like abnormal ones. ${clips}.`);
  if (isPhantom) parts.push("Learnt from phantoms: says nothing of patients.");
  else if (scored.positive_predictive_value !== null) {
    const right = Math.round(100 * scored.positive_predictive_value);
    parts.push(`At ${percentOf(scored.prevalence)} prevalence, ${right} of 100 calls are right.`);
  }
  return parts.join(" ");
}

export function renderAge(story, parts) {
  const age = story.age;
  if (!age) {
    if (story.ageNone) none("age", sentence(story.ageNone));
    else if (parts.includes("age")) none("age", "Needs a head in view and millimetres per pixel.");
    else none("age", "Switched off (age.enabled).");
    return;
  }
  value("age-value", weeksOf(age.age_days));
  const frames = age.frames === 1 ? "1 picture of the head" : `${age.frames} pictures of the head`;
  const interval = age.low_days === null || age.high_days === null
    ? "No interval: this method gives none."
    : `${percentOf(age.coverage ?? 0)} interval: ${weeksOf(age.low_days)} to ${weeksOf(age.high_days)}.`;
  at("age-text").textContent = `${interval} From ${frames}, ${age.method.replaceAll("_", " ")}.`;
}
