// SPDX-License-Identifier: GPL-3.0-or-later
// The websocket to the server: opens it, and opens it again whenever it is lost.

const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
// the server says something every 5 s
const SILENCE_MS = 15000;
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;

export class Connection {
  // take(message): a text message, parsed; takeLines(buffer): a binary one;
  // tell(state, text): state is "waiting", "live" or "lost"
  constructor(take, takeLines, tell) {
    this.take = take;
    this.takeLines = takeLines;
    this.tell = tell;
    this.socket = null;
    this.wait = SHORTEST_WAIT_MS;
    this.timer = 0;
    this.heard = 0;
    this.wasOpen = false;
    this.hasEnded = false;
    setInterval(() => this.watch(), 3000);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => this.hurry());
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/live`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heard = performance.now();
    let opened = false;
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard = performance.now();
      if (typeof event.data !== "string") {
        this.takeLines(event.data);
        return;
      }
      const message = JSON.parse(event.data);
      if (message.type === "hello") {
        opened = this.wasOpen = true;
        this.hasEnded = false;
        this.wait = SHORTEST_WAIT_MS;
        this.tell("live", "live");
      }
      this.take(message);
    };
    socket.onclose = (event) => {
      if (socket !== this.socket) return;
      this.socket = null;
      if (opened || event.code === TRY_AGAIN_LATER) this.lost(event.code, event.reason);
      else this.explain();
    };
  }

  send(message) {
    if (this.socket && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  // A browser does not tell a page why a websocket was refused; a request does.
  async explain() {
    let status = 0;
    try {
      status = (await fetch("api/status", { cache: "no-store" })).status;
    } catch {
      // nobody answers
    }
    if (this.socket || this.timer) return;
    this.lost(0, status === 401 ? "the token is another one now: open the new address" : "");
  }

  lost(code, reason) {
    let text = "connection lost";
    if (code === TRY_AGAIN_LATER) text = reason || "the server is busy";
    else if (reason) text = reason;
    else if (this.hasEnded || code === GOING_AWAY) text = "the receiver has ended";
    else if (!this.wasOpen) text = "no connection";
    this.hasEnded ||= code === GOING_AWAY;
    this.tell("lost", `${text}, trying again`);
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }

  hurry() {
    if (document.hidden) return;
    this.wait = SHORTEST_WAIT_MS;
    if (this.timer) this.open();
  }

  // A connection whose other end has vanished (a laptop that slept) says nothing.
  watch() {
    if (!this.socket || performance.now() - this.heard < SILENCE_MS) return;
    const socket = this.socket;
    this.socket = null;
    socket.close();
    this.lost(0, "");
  }
}
