// What the operator can do: keys, and the same as buttons.

import { chooseLabel, closeDialogs, isDialogOpen, keysOn, showHelp, showLog } from "./dialogs.js";
import { lastCapture } from "./story.js";
import { thumbnailOf } from "./side.js";
import { toast } from "./toasts.js";
import { clockOf, plain, titleOf } from "./words.js";

const AGAIN_MS = 4000;
const CAUSES = { auto: "by itself", operator: "by you", freeze: "at a freeze" };

const at = (id) => document.getElementById(id);

export class Actions {
  constructor(page, link) {
    this.page = page;
    this.link = link;
    this.asked = { id: null, at: -Infinity };
    this.list = [
      { key: "c", name: "Capture", does: "save a picture of what is in view now", run: () => this.capture() },
      { key: "k", name: "Keep", does: "keep the last capture: no better one replaces it", run: () => this.keep() },
      { key: "d", name: "Discard", does: "delete the last capture (press twice)", run: () => this.discard() },
      { key: "o", name: "Override", does: "say yourself what is in view", run: () => this.override() },
      { key: "p", name: "Pause", does: "stop the analysis, or go on; the picture stays live", run: () => this.pause() },
      { key: "m", name: "Mark", does: "mark this moment in the record", run: () => this.mark() },
      { key: "l", name: "Log", does: "what has happened so far", run: () => showLog(this.page.story) },
      { key: "?", name: "Keys", does: "keys, and what this page shows", run: () => showHelp(this.list) },
    ];
    this.buttons = new Map();
    for (const action of this.list) this.addButton(action);
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  addButton(action) {
    const button = document.createElement("button");
    button.type = "button";
    const key = document.createElement("kbd");
    key.textContent = action.key.toUpperCase();
    const name = document.createElement("span");
    name.textContent = ` ${action.name}`;
    button.append(key, name);
    button.title = action.does;
    button.addEventListener("click", () => action.run());
    this.buttons.set(action.key, { button, name });
    const item = document.createElement("li");
    item.append(button);
    at("buttons").append(item);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isDialogOpen() || !keysOn()) return;
    if (event.target instanceof HTMLInputElement) return;
    const action = this.list.find((one) => one.key === event.key.toLowerCase());
    if (!action) return;
    event.preventDefault();
    action.run();
  }

  async wish(wish, value = "") {
    const answer = await this.link.operate(wish, value);
    if (!answer.ok) toast(`${answer.lost ? "Perhaps not done" : "Not done"}: ${answer.why}`, "bad");
    return answer.ok;
  }

  async capture() {
    if (!(await this.wish("capture"))) return;
    if (this.page.parts.includes("captures")) toast("Capturing");
    else toast("Nothing is saved: no folder for captures is set (capture.folder)", "warn");
  }

  last() {
    const last = lastCapture(this.page.story);
    if (!last) toast("Nothing has been captured yet", "warn");
    return last;
  }

  async keep() {
    const last = this.last();
    if (last) await this.wish("keep", last.capture_id);
  }

  async discard() {
    const last = this.last();
    if (!last) return;
    const now = performance.now();
    if (this.asked.id !== last.capture_id || now - this.asked.at > AGAIN_MS) {
      this.asked = { id: last.capture_id, at: now };
      toast(`Press D again to delete: ${titleOf(last.plane)}`, "warn");
      return;
    }
    this.asked.id = null;
    await this.wish("discard", last.capture_id);
  }

  override() {
    chooseLabel(this.page.story, (plane) => this.wish("override", plane));
  }

  async pause() {
    await this.wish(this.page.story.paused ? "resume" : "pause");
  }

  async mark() {
    await this.wish("mark");
  }

  /** What has just happened, said shortly. */
  hear(event) {
    if (event.kind === "capture.saved") toast(`Captured: ${titleOf(event.plane)}`);
    else if (event.kind === "capture.kept") toast(`Kept: ${titleOf(event.plane)}`);
    else if (event.kind === "capture.discarded") toast(`Deleted: ${titleOf(event.plane)}`);
    else if (event.kind === "capture.failed") toast(`Not captured: ${plain(event.reason)}`, "bad");
    else if (event.kind === "operator.marked") {
      toast(event.pts_seconds === null ? "Marked" : `Marked at ${clockOf(event.pts_seconds)}`);
    } else if (event.kind === "stream.ended") closeDialogs();
  }

  render() {
    const { story } = this.page;
    const last = lastCapture(story);
    for (const key of ["k", "d"]) this.buttons.get(key).button.setAttribute("aria-disabled", String(!last));
    const { button, name } = this.buttons.get("p");
    button.setAttribute("aria-pressed", String(story.paused));
    const words = story.paused ? " Go on" : " Pause";
    if (name.textContent !== words) name.textContent = words;
    this.renderLast(last);
  }

  renderLast(last) {
    const box = at("last");
    const state = last ? `${last.capture_id} ${last.kept}` : `none ${this.page.parts.includes("captures")}`;
    if (box.dataset.state === state) return;
    box.dataset.state = state;
    box.replaceChildren();
    if (!last) {
      box.textContent = this.page.parts.includes("captures") ? "Nothing captured yet" : "Captures are not saved: no folder is set";
      return;
    }
    const image = document.createElement("img");
    image.alt = "";
    image.src = thumbnailOf(this.page.story, last.plane);
    image.onerror = () => image.remove();
    const name = document.createElement("b");
    name.textContent = titleOf(last.plane);
    const words = document.createElement("span");
    words.append(name, document.createElement("br"), `last capture, ${last.kept ? "kept" : (CAUSES[last.cause] ?? last.cause)}`);
    box.append(image, words);
  }
}
