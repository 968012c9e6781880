// The connection to FetalStream: comes back by itself, notices when it is silent, and tells the server's clock.

const SILENT_MS = 1500;
const RETRY_MS = [300, 600, 1200, 2500];
const PING_MS = 2000;
const MOST_PINGS = 8;

/**
 * @param handlers onHello(message), onEvents(list), onStatus(message), onPicture(bytes, done), onLink(connected)
 */
export class Link {
  constructor(handlers) {
    this.handlers = handlers;
    this.connected = false;
    this.next = null; // number of the next event
    this.pings = [];
    this.answers = new Map();
    this.wishes = 0;
    this.failures = 0;
    setInterval(() => this.watch(), 250);
    setInterval(() => this.ping(), PING_MS);
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/live`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.received = 0;
    this.acked = 0;
    this.drawing = new Set(); // numbers of pictures that are not drawn yet
    this.heard = performance.now();
    socket.onmessage = (message) => { if (socket === this.socket) this.hear(message.data); };
    socket.onclose = () => { if (socket === this.socket) this.reopen(); };
  }

  reopen() {
    this.say(false);
    this.socket = null;
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    setTimeout(() => this.open(), wait);
  }

  drop() {
    const socket = this.socket;
    if (!socket) return;
    socket.onclose = null;
    socket.close();
    this.reopen();
  }

  hear(data) {
    this.heard = performance.now();
    this.received += 1;
    if (data instanceof ArrayBuffer) return this.hearPicture(data, this.received);
    const message = JSON.parse(data);
    if (message.type === "hello") this.hearHello(message);
    else if (message.type === "events") this.hearEvents(message.events);
    else if (message.type === "status") this.handlers.onStatus(message);
    else if (message.type === "pong") this.hearPong(message);
    else if (message.type === "answer") this.hearAnswer(message);
    this.ack();
  }

  hearHello(message) {
    this.next = message.next;
    this.failures = 0;
    this.handlers.onHello(message);
    this.say(true);
    this.pings = [];
    this.ping();
  }

  hearEvents(events) {
    const news = events.filter((told) => told.n >= this.next);
    if (!news.length) return;
    if (news[0].n !== this.next) return this.drop(); // something is missing: begin anew
    this.next = news[news.length - 1].n + 1;
    this.handlers.onEvents(news);
  }

  hearPicture(bytes, number) {
    const { drawing, socket } = this;
    drawing.add(number);
    this.handlers.onPicture(bytes, () => {
      drawing.delete(number);
      if (socket === this.socket) this.ack();
    });
  }

  hearPong(message) {
    const now = performance.now();
    this.pings.push({ took: now - message.sent_ms, offset: message.now_ms - (now + message.sent_ms) / 2 });
    if (this.pings.length > MOST_PINGS) this.pings.shift();
  }

  hearAnswer(message) {
    const resolve = this.answers.get(message.id);
    this.answers.delete(message.id);
    if (resolve) resolve(message);
  }

  /** Tells how many messages have been dealt with: all before the oldest picture that is still to be drawn. */
  ack() {
    const count = this.drawing.size ? Math.min(...this.drawing) - 1 : this.received;
    if (count <= this.acked) return;
    this.acked = count;
    this.send({ do: "ack", count });
  }

  ping() {
    if (this.connected) this.send({ do: "ping", sent_ms: performance.now() });
  }

  /** The server's clock minus ours, in milliseconds, by the quickest of the last pings; null while unknown. */
  get offset() {
    if (!this.pings.length) return null;
    return this.pings.reduce((best, ping) => (ping.took < best.took ? ping : best)).offset;
  }

  /** Sends a wish; what comes back is {ok, why}, and `lost` where nobody knows whether it has arrived. */
  operate(wish, value = "") {
    this.wishes += 1;
    const id = this.wishes;
    if (!this.connected || this.socket?.readyState !== WebSocket.OPEN) return Promise.resolve({ ok: false, why: "there is no connection" });
    return new Promise((resolve) => {
      this.answers.set(id, resolve);
      this.send({ do: "operate", id, wish, value });
    });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  watch() {
    if (this.connected && performance.now() - this.heard > SILENT_MS) this.say(false);
    else if (!this.connected && this.next !== null && performance.now() - this.heard < SILENT_MS) {
      if (this.socket?.readyState === WebSocket.OPEN && this.received) this.say(true);
    }
    const patience = 8 * SILENT_MS;
    if (this.socket && performance.now() - this.heard > patience) this.drop();
  }

  say(connected) {
    if (this.connected === connected) return;
    this.connected = connected;
    if (!connected) this.giveUp();
    this.handlers.onLink(connected);
  }

  /** Nobody waits for an answer that may never come. */
  giveUp() {
    const waiting = [...this.answers.values()];
    this.answers.clear();
    for (const resolve of waiting) resolve({ ok: false, lost: true, why: "the connection was lost before the answer" });
  }
}
