// Confidence over the last 30 s: a bar for each moment, named where a plane was in view.

import { shortTitleOf, titleOf } from "./words.js";

const SPAN_MS = 30000;
const GAP_MS = 400;
const GOOD = "#3fae67";
const GREY = "#4a5a69";
const TEXT = "#f2f6f9";

export class Strip {
  constructor(canvas) {
    this.canvas = canvas;
    this.samples = []; // [at_ms, plane, score]; a score below 0: nothing was analysed
  }

  begin(samples) {
    this.samples = [...samples];
    this.draw();
  }

  add(sample) {
    this.samples.push(sample);
    while (this.samples.length && this.samples[0][0] < sample[0] - SPAN_MS) this.samples.shift();
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const last = this.samples.length ? this.samples[this.samples.length - 1][0] : 0;
    const place = (at) => width * (1 - (last - at) / SPAN_MS);
    this.bars(context, place, height);
    this.names(context, place, height);
  }

  bars(context, place, height) {
    this.samples.forEach(([at, plane, score], index) => {
      if (score < 0) return;
      const before = index ? this.samples[index - 1][0] : at - 125;
      const left = place(Math.max(before, at - GAP_MS));
      context.fillStyle = plane ? GOOD : GREY;
      const tall = Math.max(1, score * height);
      context.fillRect(left, height - tall, place(at) - left + 0.7, tall);
    });
  }

  names(context, place, height) {
    context.font = `600 ${Math.round(height * 0.3)}px system-ui, sans-serif`;
    context.textBaseline = "bottom";
    for (const { plane, start, end } of this.visits()) {
      const left = place(start) + 4;
      const room = place(end) - left - 4;
      const name = [titleOf(plane), shortTitleOf(plane)].find((words) => context.measureText(words).width <= room);
      if (!name) continue;
      context.lineWidth = 4;
      context.strokeStyle = "rgba(5, 8, 12, 0.85)";
      context.strokeText(name, left, height - 3);
      context.fillStyle = TEXT;
      context.fillText(name, left, height - 3);
    }
  }

  visits() {
    const visits = [];
    for (const [at, plane] of this.samples) {
      const open = visits[visits.length - 1];
      if (open && open.plane === plane && at - open.end < GAP_MS) open.end = at;
      else visits.push({ plane, start: at, end: at });
    }
    return visits.filter((visit) => visit.plane);
  }

  /** The same in words, for who cannot see it. */
  get text() {
    const names = this.visits().map((visit) => titleOf(visit.plane));
    return `Confidence over the last 30 seconds. In view: ${names.join(", ") || "no standard plane"}.`;
  }
}
