// Puts the parts together: what comes over the link changes the page's state, and the state is drawn once a frame.

import { Actions } from "./actions.js";
import { renderAge, renderHeart } from "./cards.js";
import { prepareDialogs } from "./dialogs.js";
import { Link } from "./link.js";
import { Picture } from "./picture.js";
import { renderChecklist, renderQuality } from "./side.js";
import { emptyStory, take } from "./story.js";
import { Strip } from "./strip.js";
import { renderHealth, renderTop, renderView, sourceOf } from "./view.js";

const NO_STATUS = {
  phase: "loading", state: "opening", state_reason: "", scores: {}, pts_seconds: 0, frames_read: 0, dropped: 0,
  results_per_second: 0, latency_p50_ms: null,
};
const HEALTH_MS = 500;
const HIDDEN_MS = 250;

const page = {
  story: emptyStory(),
  status: NO_STATUS,
  about: null,
  connected: false,
  runningSince: null,
  picture: null,
  get parts() { return this.about?.parts ?? []; },
  get phase() { return this.status.phase; },
};

const strip = new Strip(document.getElementById("strip"));
let epoch = null;

const link = new Link({
  onHello(message) {
    if (epoch !== message.epoch) page.picture.forget();
    epoch = message.epoch;
    page.about = message.about;
    page.story = emptyStory();
    for (const told of message.events) take(page.story, told);
    strip.begin(message.history);
    draw();
  },
  onEvents(events) {
    for (const told of events) {
      take(page.story, told);
      actions.hear(told.event);
    }
    draw();
  },
  onStatus(message) {
    page.status = message.status;
    strip.add(message.sample);
    if (page.phase !== "running" || sourceOf(page).state !== "running") page.runningSince = null;
    else page.runningSince ??= performance.now();
    draw();
  },
  onPicture(bytes, done) {
    page.picture.take(bytes, done);
  },
  onLink(connected) {
    page.connected = connected;
    draw();
  },
});

page.picture = new Picture(document.getElementById("picture"), () => {
  return link.offset === null ? null : performance.now() + link.offset;
});

prepareDialogs();
const actions = new Actions(page, link);

let due = false;

function draw() {
  if (due) return;
  due = true;
  if (document.hidden) setTimeout(render, HIDDEN_MS);
  else requestAnimationFrame(render);
}

function render() {
  due = false;
  renderView(page);
  renderTop(page);
  renderQuality(page.story);
  renderChecklist(page);
  renderHeart(page.story, page.parts);
  renderAge(page.story, page.parts);
  actions.render();
}

setInterval(() => {
  renderHealth(page);
  strip.canvas.setAttribute("aria-label", strip.text);
  draw();
}, HEALTH_MS);
window.addEventListener("resize", () => strip.draw());

/** A screen that goes dark in the middle of a scan is of no use; browsers allow this on secure pages and loopback. */
async function stayAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request("screen");
  } catch {
    // the system has other plans, such as a low battery
  }
}
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
draw();
