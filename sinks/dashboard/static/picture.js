// Draws the newest picture and the fan's outline, and knows how old it was when it was drawn.

const OUTLINE = "#2f7f8f";
const decoder = new TextDecoder();

export class Picture {
  /** @param clock milliseconds of the server's monotonic clock now, or null */
  constructor(canvas, clock) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.clock = clock;
    this.waiting = null;
    this.taken = 0; // pictures so far
    this.newest = 0; // number of the newest that has been offered to the screen, or may not be shown any more
    this.ages = []; // {at, age} of the last second
    this.drawnAt = -Infinity;
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.draw(); });
  }

  /** Takes a message; calls `done` once it is drawn, or given up for a newer one. */
  async take(bytes, done) {
    this.taken += 1;
    const number = this.taken;
    try {
      const length = new DataView(bytes).getUint32(0);
      const head = JSON.parse(decoder.decode(new Uint8Array(bytes, 4, length)));
      const jpeg = new Blob([new Uint8Array(bytes, 4 + length)], { type: "image/jpeg" });
      const bitmap = await createImageBitmap(jpeg);
      if (number > this.newest) {
        this.newest = number;
        this.offer({ head, bitmap, done });
      } else { // decoders need not finish in order: an older picture is never drawn over a newer one
        bitmap.close();
        done();
      }
    } catch (error) {
      console.error("a picture could not be drawn", error);
      done();
    }
  }

  offer(next) {
    const before = this.waiting;
    this.waiting = next;
    if (before) {
      before.bitmap.close();
      before.done();
    } else if (document.hidden) {
      this.draw(); // a hidden page is not painted: nothing is waited for
    } else {
      requestAnimationFrame(() => this.draw());
    }
  }

  draw() {
    if (!this.waiting) return;
    const { head, bitmap, done } = this.waiting;
    this.waiting = null;
    const { canvas, context } = this;
    if (canvas.width !== head.width_px || canvas.height !== head.height_px) {
      canvas.width = head.width_px;
      canvas.height = head.height_px;
    }
    canvas.dataset.pts = head.pts_seconds;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.outline(head.outline_px);
    const now = performance.now();
    this.drawnAt = now;
    const server = this.clock();
    if (server !== null && head.captured_ms !== null) {
      this.ages.push({ at: now, age: Math.max(0, server - head.captured_ms) });
      while (this.ages[0].at < now - 1000) this.ages.shift();
    }
    done();
  }

  outline(corners) {
    if (!corners.length) return;
    const { context } = this;
    context.beginPath();
    for (const [x, y] of corners) context.lineTo(x + 0.5, y + 0.5);
    context.closePath();
    context.strokeStyle = OUTLINE;
    context.lineWidth = Math.max(1, this.canvas.width / 500);
    context.stroke();
  }

  /** Median age in milliseconds of the pictures of the last second when they were drawn; null for none. */
  get age() {
    const recent = this.ages.filter((one) => one.at > performance.now() - 1000).map((one) => one.age);
    if (!recent.length) return null;
    recent.sort((a, b) => a - b);
    return recent[recent.length >> 1];
  }

  /** Pictures a second, over the last second. */
  get rate() {
    return this.ages.filter((one) => one.at > performance.now() - 1000).length;
  }

  forget() {
    this.newest = this.taken; // those that are still being decoded belong to what is forgotten
    this.waiting?.bitmap.close();
    this.waiting?.done();
    this.waiting = null;
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawnAt = -Infinity;
  }
}
