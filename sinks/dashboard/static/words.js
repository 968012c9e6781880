// How things are called on the page.

const PLANES = {
  abdomen: "Abdomen",
  background: "No standard plane",
  bladder: "Bladder",
  cervix: "Cervix",
  femur: "Femur",
  four_chamber: "Four-chamber",
  kidneys: "Kidneys",
  lips_nose: "Lips and nose",
  lvot: "LVOT",
  placenta: "Placenta",
  profile: "Profile",
  rvot: "RVOT",
  spine_coronal: "Spine, coronal",
  spine_sagittal: "Spine, sagittal",
  three_vessel: "Three-vessel",
  transcerebellar: "Transcerebellar",
  transthalamic: "Transthalamic",
  transventricular: "Transventricular",
};

const SHORT = {
  abdomen: "Abd", cervix: "Cx", femur: "Fem", four_chamber: "4CH", kidneys: "Kid", lips_nose: "Lips", profile: "Prof",
  spine_coronal: "Sp", spine_sagittal: "Sp", three_vessel: "3VV", transcerebellar: "TC", transthalamic: "TT",
  transventricular: "TV",
};

/** As short as it gets, for narrow places. */
export function shortTitleOf(plane) {
  return Object.hasOwn(SHORT, plane) ? SHORT[plane] : titleOf(plane);
}

/** Whether sonographers have a word for it that stands in our list; a site's own labels have none. */
export function isKnown(plane) {
  return Object.hasOwn(PLANES, plane);
}

/** "four_chamber" -> "Four-chamber"; what is not known is spelled out. */
export function titleOf(plane) {
  if (Object.hasOwn(PLANES, plane)) return PLANES[plane];
  const words = plane.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Days -> "21 w 2 d", which no line end parts. */
export function weeksOf(days) {
  const whole = Math.round(days);
  return `${Math.floor(whole / 7)} w ${whole % 7} d`.replaceAll(" ", "\u00a0");
}

/** The same words, and where a narrow tile may break them. */
export function breakable(words) {
  return words.replace(/\btrans(?=[a-z])/gi, "$&\u00ad");
}

const QUALITY = {
  confidence: "clear plane",
  gain: "gain",
  in_fan: "all in the fan",
  sharpness: "sharp",
  stillness: "still",
  zoom: "large enough",
};

/** What is good about a picture, in plain words. */
export function goodOf(name) {
  return Object.hasOwn(QUALITY, name) ? QUALITY[name] : name.replaceAll("_", " ");
}

/** Seconds of media time -> "1:12". */
export function clockOf(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function percentOf(share) {
  return `${Math.round(share * 100)} %`;
}

/** A probability in percent, small ones not made nothing: "0.7", "12". */
export function chanceOf(share) {
  if (share >= 0.1) return `${Math.round(share * 100)}`;
  return share > 0 && share < 0.0005 ? "under 0.1" : (share * 100).toFixed(1);
}

/** A sentence that begins with a capital; an address stays as it is written. */
export function sentence(text) {
  return /^[a-z][a-z0-9+.-]*:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

const SOURCE = {
  opening: ["calm", "Connecting", "Waiting for the first picture of the ultrasound machine."],
  stalled: ["bad", "Stalled", "No new pictures arrive. What you see is old."],
  reconnecting: ["bad", "Reconnecting", "The connection to the ultrasound machine is lost. What you see is old."],
  failed: ["bad", "Source failed", "There will be no more pictures. Check the cable or the network, then start again."],
  ended: ["calm", "Ended", "The scan is over. What was found stays on this page."],
};

const SIGNAL = {
  frozen: ["warn", "Frozen", "The machine's picture stands still. Nothing is analysed until it moves."],
  no_signal: ["warn", "No signal", "The machine sends no ultrasound picture. Check the cable and the input."],
  black: ["warn", "Black picture", "Nothing is seen. Is the probe on the skin, and the gain up?"],
  not_b_mode: ["warn", "Not B-mode", "Colour Doppler, a menu or a split screen is not analysed. Go back to B-mode."],
};

/**
 * What the banner says, most urgent first; null while all is well.
 * @returns {{tone: string, title: string, text: string, why: string} | null}
 */
export function bannerOf({ connected, phase, source, signal, paused, ended }) {
  const said = (words, why = "") => ({ tone: words[0], title: words[1], text: words[2], why });
  if (!connected && ended) {
    return said(["calm", "Ended", "The scan is over, and FetalStream is closed. What was found stays here until you close this page."]);
  }
  if (!connected) {
    return said(["bad", "No connection", "This page has lost FetalStream. What you see is old. It tries again by itself."]);
  }
  if (ended) return said(source.state === "failed" ? SOURCE.failed : SOURCE.ended, source.reason);
  if (phase === "loading") {
    return said(["calm", "Loading the model", "This takes a few seconds. The picture comes as soon as it is there."]);
  }
  if (Object.hasOwn(SOURCE, source.state)) return said(SOURCE[source.state], source.reason);
  if (Object.hasOwn(SIGNAL, signal.state)) return said(SIGNAL[signal.state], signal.reason);
  if (paused) return said(["blue", "Paused", "The picture is live, but nothing is analysed or saved. P goes on."]);
  return null;
}

/** Reasons that speak of settings and files, as a person at a scanner would say them. */
const PLAIN = [
  [/^no heart head is configured/, "No heart model is set up, so hearts are not scored."],
  [/^the plane head knows no four_chamber/, "This model cannot tell the four-chamber view."],
  [/^the heart was in view, but gave no clip/, "The heart was in view, but never long enough for a score: hold the four-chamber view for a second or two."],
  [/^no heart was in view/, "No four-chamber view was seen."],
  [/^the interval holds the threshold/, "Between normal and abnormal: record another clip."],
  [/^the members of the head disagree/, "Its models disagree: record another clip."],
  [/^unlike the hearts that/, "Unlike the hearts it knows: check the view."],
  [/^no pixel spacing/, "The picture does not say its scale (millimetres per pixel)."],
  [/^the model has no text tower/, "This model cannot tell the age."],
  [/^the plane head knows no/, "This model cannot tell the planes of the head."],
  [/^no head was in view/, "No view of the head was seen."],
  [/^its fan is not known/, "The fan was not found, and a name may stand around it."],
  [/^the stream ended while/, "The scan ended before the age was ready."],
];

/** A reason in plain words; what is not known stands as it is. */
export function plain(reason) {
  return PLAIN.find(([known]) => known.test(reason))?.[1] ?? `${sentence(reason).replace(/\.$/, "")}.`;
}

const SAVED = { captures: "captures", jsonl: "event file", store: "database" };
const SENT = { dicomweb: "PACS", openigtlink: "OpenIGTLink", webhook: "web hook", zmq: "other programs" };

/** What does not get where it should: "Results are not being saved (database): the disk is full". */
export function troubleOf(sink, reason) {
  return `Results are not being ${placeOf(sink)}: ${reason}`;
}

/** "saved (database)", "sent (PACS)". */
export function placeOf(sink) {
  if (Object.hasOwn(SENT, sink)) return `sent (${SENT[sink]})`;
  return `saved (${Object.hasOwn(SAVED, sink) ? SAVED[sink] : sink})`;
}

/** A source as a person would name it; a simulated one must never be taken for a patient. */
export function sourceTitleOf(uri) {
  return uri.startsWith("phantom:") ? `Simulated fetus, no patient (${uri})` : uri;
}

export const LEGEND = [
  ["Is this live?", "Green frame and “Live”: yes. Otherwise a banner across the picture says what is wrong."],
  ["Who can see names?", "Nobody: everything outside the fan is blacked out before a picture leaves the program."],
  ["Big word", "The plane in view. Green: the model says so. Blue: you said so (O). Grey: no standard plane."],
  ["Confidence", "How sure the model is of this plane, smoothed over about half a second. Not the quality of the plane."],
  ["Strip", "Confidence over the last 30 s. Green where a plane was in view, grey where none was, gaps where nothing was analysed."],
  ["Quality", "What keeps this picture from being a good one, and what helps. Only while a plane is in view."],
  ["Checklist", "Done (✓): a good view was seen. Poor (!): seen, but not good enough; what to do stands below. Missing (○): not seen yet. Not judged (–): this model cannot tell it, so it is not counted. Cyan frame: in view now."],
  ["Captures", "The best picture of each plane is saved by itself where a folder is set. C saves one now. K protects the last one from being replaced, D deletes it."],
  ["Heart score", "0: like the normal hearts it has learnt from, 1: like the abnormal ones. Bar: the interval. “Abstains”: it does not commit itself."],
  ["Dropped", "Pictures left out because newer ones were there. The newest is always analysed first; a few are no harm."],
];
