// Choosing a label, the keys and the legend, the log. Native dialogs: they hold the focus, and Esc closes them.

import { said } from "./log.js";
import { LEGEND, titleOf } from "./words.js";

const KEYS_ON = "fetalstream-single-keys";
const CHOICE_KEYS = "123456789abcdefghijklmnpqrstuvw";
const at = (id) => document.getElementById(id);

export function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}

export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

export function keysOn() {
  return at("keys-on").checked;
}

function remember(on) {
  try {
    localStorage.setItem(KEYS_ON, on ? "1" : "0");
  } catch {
    // a browser that keeps nothing forgets this choice too
  }
}

export function prepareDialogs() {
  for (const button of document.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  try {
    at("keys-on").checked = localStorage.getItem(KEYS_ON) !== "0";
  } catch {
    // as above
  }
  at("keys-on").addEventListener("change", () => remember(keysOn()));
  at("choose").addEventListener("keydown", onChoiceKey);
  at("legend").replaceChildren(...LEGEND.flatMap(([term, text]) => [made("dt", term), made("dd", text)]));
}

function made(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Every plane that can be named, then none, then the way back. */
function choicesOf(story) {
  const labels = (story.started?.labels ?? []).filter((label) => label !== "background");
  const wanted = [...story.items.values()].map((item) => item.plane);
  const planes = [...new Set([...labels, ...wanted])].sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
  const choices = planes.map((plane, index) => ({ plane, key: CHOICE_KEYS[index] ?? "", name: titleOf(plane) }));
  choices.push({ plane: "background", key: "0", name: "No standard plane" });
  if (story.override !== null) choices.push({ plane: "", key: "x", name: "Take my label back" });
  return choices;
}

export function chooseLabel(story, choose) {
  const dialog = at("choose");
  const buttons = choicesOf(story).map(({ plane, key, name }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.key = key;
    button.dataset.said = plane !== "" && plane === story.plane?.name ? "yes" : "no";
    button.append(...(key ? [made("kbd", key.toUpperCase())] : []), ` ${name}`);
    button.addEventListener("click", () => {
      dialog.close();
      choose(plane);
    });
    return button;
  });
  at("choices").replaceChildren(...buttons.map((button) => {
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  dialog.showModal();
  (buttons.find((button) => button.dataset.said === "yes") ?? buttons[0]).focus();
}

function onChoiceKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const buttons = [...at("choices").querySelectorAll("button")];
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 3, ArrowUp: -3 }[event.key];
  if (step !== undefined) {
    const here = buttons.indexOf(document.activeElement);
    buttons[Math.min(buttons.length - 1, Math.max(0, here + step))].focus();
    event.preventDefault();
    return;
  }
  if (!keysOn()) return;
  const chosen = buttons.find((button) => button.dataset.key && button.dataset.key === event.key.toLowerCase());
  if (!chosen) return;
  event.preventDefault();
  chosen.click();
}

export function showHelp(actions) {
  at("keys").replaceChildren(...actions.flatMap(({ key, name, does }) => {
    const term = document.createElement("dt");
    term.append(made("kbd", key.toUpperCase()));
    return [term, made("dd", `${name}: ${does}`)];
  }));
  at("help").showModal();
}

export function showLog(story) {
  const lines = at("lines");
  const last = new Map(); // of each item of the checklist: a better picture of what is done is no news
  lines.replaceChildren(...story.lines.map((told) => {
    const [time, words, tone] = said(told);
    const line = document.createElement("li");
    line.append(made("span", time), made("span", words));
    line.title = told.text; // the record's own words
    Object.assign(line.dataset, { n: told.n, kind: told.event.kind, tone });
    if (told.event.kind === "checklist.changed") {
      line.hidden = last.get(told.event.item) === words;
      last.set(told.event.item, words);
    }
    return line;
  }));
  at("log").showModal();
  lines.scrollTop = lines.scrollHeight;
}
