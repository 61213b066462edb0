/**
 * One signaling socket after the other, as docs/signaling.md writes them down.
 *
 * It keeps a socket alive with pings and notices when it is dead; whether and when another one is
 * opened is decided elsewhere (ladder.js).
 */

const PROTOCOL = "sprechzeit.v1";
const SILENCE = 2.5; // heartbeats without a word

export class Signal {
  #url;
  #hear;
  #socket = null;
  #pings = 0;
  #number = 0;
  #heartbeat = 0; // ms
  #watchdog = 0;

  /**
   * @param {string} url the socket's address, ws: or wss:
   * @param {(type: string, message?: object) => void} hear takes every message of the server and,
   *     for a socket that was lost, "closed"
   */
  constructor(url, hear) {
    this.#url = url;
    this.#hear = hear;
  }

  /**
   * Open a socket in place of the one before.
   *
   * @param {Promise<object>} hello becomes the first message; made while the socket is opening
   */
  open(hello) {
    this.drop();
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    socket.addEventListener("open", async () => {
      const message = await hello;
      if (this.#socket === socket) this.send({ type: "hello", version: 1, ...message });
    });
    socket.addEventListener("message", (event) => {
      if (this.#socket === socket) this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this.#socket === socket && this.#lost());
  }

  /** Send a message; returns false while there is no connection. */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Ask the server for a sign of life. */
  ping() {
    this.#number += 1;
    this.send({ type: "ping", id: this.#number });
  }

  /** Give the socket up without a word, so that the seat is kept. */
  drop() {
    this.#quiet();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Say goodbye: the seat is free. */
  close() {
    this.#quiet();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #receive(message) {
    if (message.type === "welcome") this.#beat(message.heartbeat * 1000);
    if (this.#pings) this.#listen(this.#heartbeat * SILENCE);
    this.#hear(message.type, message);
  }

  #beat(interval) {
    clearInterval(this.#pings);
    this.#heartbeat = interval;
    this.#pings = setInterval(() => this.ping(), interval);
  }

  #listen(patience) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.drop();
      this.#lost();
    }, patience);
  }

  #lost() {
    this.#quiet();
    this.#socket = null;
    this.#hear("closed");
  }

  #quiet() {
    clearInterval(this.#pings);
    clearTimeout(this.#watchdog);
    this.#pings = 0;
  }
}
