/**
 * The signaling socket of one person in one room, as docs/signaling.md writes it down.
 *
 * It keeps the socket alive with pings, notices when it is dead, and comes back by itself with a
 * growing, jittered pause, so that a thousand browsers do not all return in the same instant after
 * a restart of the server.
 *
 * Every message of the server is dispatched as an event of its type with the message as `detail`.
 * Besides, there is "interrupted" without detail.
 */

const PROTOCOL = "sprechzeit.v1";
const FIRST_PAUSE = 250; // ms
const LONGEST_PAUSE = 8000; // ms
const OPENING_PATIENCE = 8000; // ms
const FOR_GOOD = new Set(["version", "too_large", "room_full"]);

export class Signal extends EventTarget {
  #url;
  #hello;
  #socket = null;
  #attempt = 0;
  #pings = 0;
  #heartbeat = 0;
  #watchdog = 0;
  #retry = 0;
  #closed = false;

  /**
   * @param {string} url the socket's address, ws: or wss:
   * @param {() => Promise<object>} hello makes the first message of each connection
   */
  constructor(url, hello) {
    super();
    this.#url = url;
    this.#hello = hello;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get attempt() {
    return this.#attempt;
  }

  /** Connect now. */
  open() {
    clearTimeout(this.#retry);
    this.#closed = false;
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    const hello = this.#hello(); // made while the socket is opening
    this.#expect(OPENING_PATIENCE);
    socket.addEventListener("open", async () => {
      const message = await hello;
      if (this.#socket === socket) this.send({ type: "hello", version: 1, ...message });
    });
    socket.addEventListener("message", (event) => {
      if (this.#socket === socket) this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  /** Send a message; returns false while there is no connection. */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Try again at once when waiting for the next attempt: the network has come back. */
  hurry() {
    if (!this.#closed && this.#retry) this.open();
  }

  /** Close for good. */
  close() {
    this.#closed = true;
    this.#quiet();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #receive(message) {
    if (message.type === "welcome") {
      this.#attempt = 0;
      this.#beat(message.heartbeat * 1000);
    }
    if (this.#heartbeat) this.#expect(this.#heartbeat * 2.5);
    if (message.type === "ended" && message.reason !== "shutdown") this.#closed = true;
    if (message.type === "error" && message.fatal && FOR_GOOD.has(message.code)) this.#closed = true;
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #beat(interval) {
    clearInterval(this.#pings);
    this.#heartbeat = interval;
    let id = 0;
    this.#pings = setInterval(() => this.send({ type: "ping", id: ++id }), interval);
  }

  /** Give the socket up when nothing comes within `patience` ms. */
  #expect(patience) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      const dead = this.#socket;
      this.#lost();
      dead?.close();
    }, patience);
  }

  #lost() {
    this.#quiet();
    this.#socket = null;
    if (this.#closed) return;
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
    this.dispatchEvent(new CustomEvent("interrupted"));
  }

  #quiet() {
    clearInterval(this.#pings);
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    this.#heartbeat = 0;
    this.#retry = 0;
  }
}
