// What the events say, folded. The same code takes a snapshot and what comes after it.

export function emptyStory() {
  return {
    started: null,
    source: { state: "opening", reason: "" },
    signal: { state: "open", reason: "" },
    plane: null, // {name, score}
    part: null, // body part in view while its plane is not clear
    override: null, // plane the operator named, "" for none
    paused: false,
    ended: null,
    quality: null,
    items: new Map(),
    age: null,
    ageNone: "",
    heart: new Map(), // by level
    heartNone: "",
    captures: new Map(), // by id, oldest first
    best: new Map(), // by plane
    sinks: new Map(),
    lines: [],
  };
}

const MOST_LINES = 500;

const TAKE = {
  "stream.started": (story, event) => {
    const lines = story.lines;
    Object.assign(story, emptyStory(), { started: event, lines });
  },
  "stream.state": (story, event) => { story.source = { state: event.state, reason: event.reason ?? "" }; },
  "stream.ended": (story, event) => { story.ended = event; story.plane = null; story.override = null; },
  "signal.changed": (story, event) => {
    story.signal = { state: event.state, reason: event.reason };
    story.quality = null;
  },
  "plane.entered": (story, event) => {
    story.plane = { name: event.plane, score: event.score };
    story.override = null;
    if (story.quality && story.quality.plane !== event.plane) story.quality = null;
  },
  "plane.left": (story, event) => {
    if (story.plane?.name === event.plane) story.plane = null;
    story.override = null;
    story.quality = null;
    const before = story.best.get(event.plane);
    if (!before || event.best_score >= before.best_score) story.best.set(event.plane, event);
  },
  "part.entered": (story, event) => { story.part = event.part; },
  "part.left": (story) => { story.part = null; },
  "quality.changed": (story, event) => { story.quality = event; },
  "checklist.changed": (story, event) => { story.items.set(event.item, event); },
  "age.estimated": (story, event) => { story.age = event; },
  "age.unavailable": (story, event) => { story.ageNone = event.reason; },
  "chd.scored": (story, event) => { story.heart.set(event.level, event); },
  "chd.unavailable": (story, event) => { story.heartNone = event.reason; },
  "capture.saved": (story, event) => {
    if (event.replaces) story.captures.delete(event.replaces);
    story.captures.set(event.capture_id, { ...event, kept: false });
  },
  "capture.kept": (story, event) => {
    const capture = story.captures.get(event.capture_id);
    if (capture) capture.kept = true;
  },
  "capture.discarded": (story, event) => { story.captures.delete(event.capture_id); },
  "operator.override": (story, event) => { story.override = event.plane || null; },
  "operator.paused": (story, event) => { story.paused = event.paused; },
  "sink.degraded": (story, event) => { story.sinks.set(event.sink, event.reason); },
  "sink.recovered": (story, event) => { story.sinks.delete(event.sink); },
};

/** Take in one told event: {n, event, text}. */
export function take(story, told) {
  if (Object.hasOwn(TAKE, told.event.kind)) TAKE[told.event.kind](story, told.event);
  story.lines.push(told);
  if (story.lines.length > MOST_LINES) story.lines.shift();
}

/** The newest capture, on which keep and discard act. */
export function lastCapture(story) {
  let last = null;
  for (const capture of story.captures.values()) last = capture;
  return last;
}

/** The newest capture of a plane. */
export function captureOf(story, plane) {
  let found = null;
  for (const capture of story.captures.values()) if (capture.plane === plane) found = capture;
  return found;
}
