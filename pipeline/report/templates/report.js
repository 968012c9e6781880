"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const at = (seconds) => {
    const tenths = Math.round(Math.max(0, seconds) * 10);
    return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
  };
  const lastIndex = (array, test) => {
    let number = array.length - 1;
    while (number >= 0 && !test(array[number])) number -= 1;
    return number;
  };

  // Small pictures lie in sheets; few are kept decoded, for each takes megabytes.
  class Strip {
    constructor(strip, keep) {
      Object.assign(this, strip);
      this.keep = keep;
      this.images = new Map();
    }
    image(sheet) {
      let image = this.images.get(sheet);
      if (image === undefined) {
        const element = new Image();
        element.src = `data:image/webp;base64,${this.sheets[sheet]}`;
        image = element.decode().then(() => element);
        if (this.images.size >= this.keep) this.images.delete(this.images.keys().next().value);
      } else {
        this.images.delete(sheet);
      }
      this.images.set(sheet, image);
      return image;
    }
    async draw(canvas, number) {
      const [index, , sheet, place] = this.cells[number];
      canvas.dataset.wanted = index;
      if (sheet < 0) return this.refusals[place];
      const image = await this.image(sheet);
      if (canvas.dataset.wanted !== String(index)) return "";
      const x = (place % this.columns) * this.width;
      const y = Math.floor(place / this.columns) * this.height;
      canvas.getContext("2d").drawImage(image, x, y, this.width, this.height, 0, 0, this.width, this.height);
      canvas.dataset.frame = index;
      return "";
    }
    nearest(column, value) {
      let best = 0;
      this.cells.forEach((cell, number) => {
        if (Math.abs(cell[column] - value) < Math.abs(this.cells[best][column] - value)) best = number;
      });
      return best;
    }
  }

  const strip = data.strip && data.strip.cells.length ? new Strip(data.strip, 6) : null;
  if (strip) cine(strip);
  else timelineAlone();
  document.querySelectorAll(".captured").forEach(capture);
  document.querySelectorAll(".clip").forEach(clip);
  enlarge();

  function cine(strip) {
    const canvas = byId("frame");
    const track = byId("track");
    let current = -1;

    function show(number) {
      current = Math.min(strip.cells.length - 1, Math.max(0, number));
      const [index, seconds] = strip.cells[current];
      const visit = data.visits.find((one) => one[1] <= seconds && seconds < one[2]);
      const notes = data.stretches.filter((one) => one[1] <= seconds && seconds < one[2]).map((one) => one[0]);
      const place = data.end > 0 ? Math.min(100, (100 * seconds) / data.end) : 0;
      byId("now-time").textContent = at(seconds);
      byId("now-plane").textContent = visit ? visit[0] : "No standard plane";
      byId("now-note").textContent = notes.join("; ") || "\u00a0";
      byId("now-frame").textContent = `Frame ${index}${visit && visit[4] === index ? ", the best of this view" : ""}`;
      byId("cursor").setAttribute("x1", `${place}%`);
      byId("cursor").setAttribute("x2", `${place}%`);
      track.setAttribute("aria-valuenow", seconds);
      track.setAttribute("aria-valuetext", `${at(seconds)}, ${visit ? visit[0] : "no standard plane"}`);
      canvas.setAttribute("aria-label", `Frame ${index} at ${at(seconds)}`);
      strip.draw(canvas, current).then((refusal) => {
        if (canvas.dataset.wanted !== String(index)) return;
        byId("refused").textContent = refusal;
        byId("refused").hidden = !refusal;
      });
    }
    const showFrame = (index) => show(strip.nearest(0, index));

    function view(step) {
      const seconds = strip.cells[current][1];
      const bests = data.visits.map((one) => one[3]);
      const next = step > 0 ? bests.findIndex((best) => best > seconds + 0.001)
                            : lastIndex(bests, (best) => best < seconds - 0.001);
      if (next >= 0) showFrame(data.visits[next][4]);
    }

    function point(event) {
      const box = track.getBoundingClientRect();
      const seconds = (data.end * (event.clientX - box.left)) / box.width;
      show(strip.nearest(1, Math.min(data.end, Math.max(0, seconds))));
    }
    track.addEventListener("pointerdown", (event) => {
      track.setPointerCapture(event.pointerId);
      point(event);
    });
    track.addEventListener("pointermove", (event) => {
      if (track.hasPointerCapture(event.pointerId)) point(event);
    });

    const keys = {
      ArrowLeft: (event) => show(current - (event.shiftKey ? 10 : 1)),
      ArrowRight: (event) => show(current + (event.shiftKey ? 10 : 1)),
      Home: () => show(0),
      End: () => show(strip.cells.length - 1),
      j: () => view(1),
      k: () => view(-1),
    };
    document.addEventListener("keydown", (event) => {
      const action = keys[event.key];
      if (!action || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target.closest("input, select, dialog")) return;
      if ((event.key === "Home" || event.key === "End") && event.target !== track) return;
      event.preventDefault();
      action(event);
    });
    byId("frame-back").addEventListener("click", () => show(current - 1));
    byId("frame-on").addEventListener("click", () => show(current + 1));
    byId("view-back").addEventListener("click", () => view(-1));
    byId("view-on").addEventListener("click", () => view(1));
    document.querySelectorAll(".seek").forEach((button) => {
      button.addEventListener("click", () => {
        showFrame(Number(button.dataset.frame));
        byId("h-cine").scrollIntoView({ block: "start" });
      });
    });
    if (data.visits.length) showFrame(data.visits[0][4]);
    else show(0);
  }

  // Without pictures a time still has its place.
  function timelineAlone() {
    document.querySelectorAll(".seek").forEach((button) => {
      button.addEventListener("click", () => {
        const place = `${data.end > 0 ? Math.min(100, (100 * Number(button.dataset.at)) / data.end) : 0}%`;
        byId("cursor").setAttribute("x1", place);
        byId("cursor").setAttribute("x2", place);
        byId("cursor").setAttribute("visibility", "visible");
        byId("h-cine").scrollIntoView({ block: "start" });
      });
    });
  }

  // A capture's still, and its clip in the same place while it is looked at.
  function capture(figure) {
    const video = figure.querySelector("video");
    if (!video) return;
    const [play, place, speed, back] = [".play", ".place", ".speed", ".back"].map((one) => figure.querySelector(one));
    const period = Number(video.dataset.seconds) / (Number(place.max) + 1);
    const start = Number(place.value);
    let watching = 0;

    function follow() {
      place.value = Math.floor(video.currentTime / period + 0.001);
      watching = requestAnimationFrame(follow);
    }
    function stop() {
      cancelAnimationFrame(watching);
      watching = 0;
      video.pause();
      play.textContent = "Play clip";
    }
    function open() {
      back.hidden = false;
      video.hidden = false;
    }
    play.addEventListener("click", () => {
      if (watching) return stop();
      if (video.hidden) video.currentTime = 0;
      open();
      play.textContent = "Pause";
      video.playbackRate = Number(speed.value);
      video.play().catch(() => undefined);
      watching = requestAnimationFrame(follow);
    });
    speed.addEventListener("change", () => { video.playbackRate = Number(speed.value); });
    place.addEventListener("input", () => {
      stop();
      open();
      video.preload = "auto";
      video.currentTime = (Number(place.value) + 0.5) * period;
    });
    back.addEventListener("click", () => {
      stop();
      back.hidden = true;
      video.hidden = true;
      place.value = start;
      play.focus();
    });
    video.addEventListener("error", () => {
      stop();
      back.hidden = true;
      video.hidden = true;
      figure.querySelector(".about").textContent = "This browser cannot play the clip (H.264); it lies beside the still.";
    });
  }

  function clip(figure) {
    const cells = data.clips[Number(figure.dataset.clip)];
    if (!cells || !cells.sheets.length) return;
    const strip = new Strip(cells, 6);
    const canvas = figure.querySelector("canvas");
    const place = figure.querySelector(".place");
    const play = figure.querySelector(".play");
    const speed = figure.querySelector(".speed");
    let playing = 0;
    let moment = 0;
    let last = 0;
    const times = strip.cells.map((cell) => cell[1]);
    const period = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : 0.04;
    const length = times[times.length - 1] - times[0] + period;

    function show(number) {
      place.value = number;
      place.setAttribute("aria-valuetext", `frame ${strip.cells[number][0]} at ${at(times[number])}`);
      strip.draw(canvas, number);
    }
    function step(now) {
      moment = (moment + ((now - last) / 1000) * Number(speed.value)) % length;
      last = now;
      show(lastIndex(times, (time) => time - times[0] <= moment + 0.0001));
      playing = requestAnimationFrame(step);
    }
    function stop() {
      cancelAnimationFrame(playing);
      playing = 0;
      play.textContent = "Play";
    }
    play.addEventListener("click", () => {
      if (playing) return stop();
      play.textContent = "Pause";
      moment = times[Number(place.value)] - times[0];
      last = performance.now();
      playing = requestAnimationFrame(step);
    });
    place.addEventListener("input", () => {
      stop();
      show(Number(place.value));
    });
    show(Math.floor(times.length / 2));
  }

  function enlarge() {
    const dialog = byId("large");
    document.querySelectorAll(".enlarge").forEach((button) => {
      button.addEventListener("click", () => {
        const picture = button.querySelector("img");
        byId("large-picture").src = picture.src;
        byId("large-picture").alt = picture.alt;
        dialog.showModal();
      });
    });
    byId("large-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
})();
