/**
 * The way to the server: socket and media connection, kept alive on networks that are not.
 *
 * There is no page in it. It watches the browser, the socket, ICE and the bytes that arrive, asks
 * the ladder what follows, and carries it out. Every message of the server is dispatched as an
 * event of its type with the message as `detail`. Besides, there are
 *
 *   "peer"         a new Peer stands in place of the one before
 *   "media"        the media connection's state changed
 *   "interrupted"  something is wrong; whatever can be done is being done
 *   "mended"       all is well again
 *   "phone"        it has not been well for so long that the telephone should be offered
 *   "devices"      the computer slept, or the page was out of sight: camera and microphone may be
 *                  gone
 *   "knock"        the server does not want us back; does the page still stand?
 *   "report"       `{report, at}`: the connection's statistics, and when they were taken (ms)
 */

import { FRESH, deadline, next } from "./ladder.js";
import { Peer } from "./peer.js";
import { bytesReceived } from "./sample.js";
import { Signal } from "./signal.js";

const LOOK = 500; // ms between looks at what has arrived
const SLEPT = 5000; // ms by which a timer is late when the computer was asleep
const FOR_GOOD = new Set(["version", "too_large", "room_full"]);
const FOR_ANOTHER = new Set(["bad_offer", "no_relay"]); // another connection may do better
const KINDS = ["audio", "video"];

export class Connection extends EventTarget {
  #state = FRESH;
  #signal;
  #peer = null;
  #tracks = { audio: null, video: null };
  #sending = false;
  #others = false;
  #shape = { resting: false, signing: false, layered: false };
  #conditions;
  #ice;
  #timer = 0;
  #looks = 0;
  #looked = 0;
  #network = navigator.connection?.type;

  /**
   * @param {string} url the socket's address, ws: or wss:
   * @param {() => {audio: boolean, video: boolean}} conditions what is on, for "hello"
   * @param {Ice} ice how the relay may be reached (ice.js)
   */
  constructor(url, conditions, ice) {
    super();
    this.#conditions = conditions;
    this.#ice = ice;
    this.#signal = new Signal(url, (type, message) => this.#hear(type, message));
    this.#watch();
  }

  get peer() {
    return this.#peer;
  }

  get connected() {
    return this.#peer?.state === "connected";
  }

  /** Connect. */
  start() {
    this.#tell("start");
    this.#looked = Date.now();
    this.#looks = setInterval(() => this.#look(), LOOK);
  }

  /** Send a message; returns false while there is no socket. */
  send(message) {
    return this.#signal.send(message);
  }

  /** Put `track` (or nothing) on its way as `kind`, also on connections to come. */
  replace(kind, track) {
    this.#tracks[kind] = track;
    return this.#peer?.replace(kind, track);
  }

  /** Send, or rest without spending the person's data. */
  sending(active) {
    this.#sending = active;
    return this.#peer?.send(active);
  }

  /** Expect to hear or see somebody: `active` while another person has something on. */
  expect(active) {
    this.#others = active;
  }

  /** Send the picture in another shape, also on connections to come; see Peer. */
  shape(shape) {
    this.#shape = shape;
    return this.#peer?.shape(shape);
  }

  /** Close for good. */
  close() {
    this.#tell("over");
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    this.#signal.close();
    this.#peer?.close();
  }

  // What happens

  #watch() {
    addEventListener("online", () => this.#tell("online"));
    addEventListener("offline", () => this.#tell("offline"));
    document.addEventListener("visibilitychange", () => document.hidden || this.#tell("visible"));
    navigator.connection?.addEventListener?.("change", () => {
      if (navigator.connection.type === this.#network) return; // a mere change of speed
      this.#network = navigator.connection.type;
      this.#tell("network");
    });
  }

  #hear(type, message) {
    if (type !== "closed") this.#tell("heard");
    switch (type) {
      case "answer":
        return void this.#answered(message);
      case "welcome":
        this.#ice.take(message);
        this.#tell(type);
        break;
      case "ice":
        this.#ice.take(message);
        break;
      case "closed":
        this.#tell(type);
        break;
      case "ended":
        if (message.reason !== "shutdown") this.#tell("over"); // else we are awaited
        break;
      case "error":
        if (message.fatal && FOR_GOOD.has(message.code)) this.#tell("over");
        else if (FOR_ANOTHER.has(message.code)) this.#tell("refused");
        break;
      case "moved":
        this.#tell("moved");
        break;
    }
    if (type !== "closed") this.#say(type, message);
  }

  async #answered(message) {
    const peer = this.#peer;
    try {
      if (await peer.answer(message)) this.#tell("answered");
    } catch {
      if (peer === this.#peer) this.#tell("refused");
    }
    this.#say("answer", message);
  }

  /** Look at what has arrived; a look that comes much too late tells that the computer slept. */
  async #look() {
    const late = Date.now() - this.#looked - LOOK; // a clock that goes on while asleep
    this.#looked = Date.now();
    if (late > SLEPT) this.#tell("woke");
    const peer = this.#peer;
    if (!peer?.usable) return;
    const report = await peer.stats();
    if (peer !== this.#peer) return;
    this.#tell("bytes", { total: bytesReceived(report) });
    this.#say("report", { report, at: performance.now() });
  }

  // What follows

  #tell(type, more = {}) {
    // The relay answers whatever is sent with feedback; to a silent browser it may be silent.
    const expecting = this.#sending && KINDS.some((kind) => this.#tracks[kind]);
    const { stale } = this.#ice;
    const others = this.#others;
    const event = { type, expecting, others, connected: this.connected, stale, ...more };
    const [state, actions] = next(this.#state, event, performance.now());
    this.#state = state;
    clearTimeout(this.#timer);
    const due = deadline(state) - performance.now();
    if (due < Infinity) this.#timer = setTimeout(() => this.#tell("time"), Math.max(due, 0) + 1);
    for (const action of actions) this.#act(action);
  }

  #act(action) {
    switch (action.do) {
      case "open":
        return this.#signal.open(this.#hello(action.offer));
      case "drop":
        return this.#signal.drop();
      case "ping":
        return this.#signal.ping();
      case "restart":
      case "rebuild":
        return void this.#ask(action.do);
      default:
        this.#say(action.do);
    }
  }

  async #hello(way) {
    const offer = way === "none" ? null : await this.#offer(way);
    return { ...this.#conditions(), ...(offer && { offer }) };
  }

  async #ask(way) {
    const offer = await this.#offer(way);
    if (offer) this.#signal.send({ type: "offer", ...offer });
  }

  /** Make the offer that is needed now; null when it was overtaken by another connection. */
  async #offer(way) {
    const kept = way === "same" && this.#peer?.usable;
    const configuration = kept ? undefined : this.#ice.configuration;
    if (way === "rebuild" || !this.#peer?.usable) this.#makePeer();
    const peer = this.#peer;
    if (configuration) peer.configure(configuration);
    try {
      return await peer.offer(way === "restart");
    } catch (error) {
      if (peer === this.#peer && peer.usable) throw error;
      return null;
    }
  }

  #makePeer() {
    this.#peer?.close();
    const peer = new Peer();
    this.#peer = peer;
    peer.addEventListener("state", ({ detail }) => {
      if (peer !== this.#peer) return;
      this.#tell("media", { state: detail });
      this.#say("media", detail);
    });
    this.#say("peer", peer);
    for (const kind of KINDS) peer.replace(kind, this.#tracks[kind]);
    peer.shape(this.#shape);
    peer.send(this.#sending);
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
