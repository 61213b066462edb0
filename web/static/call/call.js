/** One person's part in a consultation: ties socket, media connection, devices and page together. */

import { stayAwake } from "./awake.js";
import { Controls } from "./controls.js";
import { Devices } from "./devices.js";
import { markConnected, markEntered } from "./marks.js";
import { Notices } from "./notices.js";
import { Own } from "./own.js";
import { Peer } from "./peer.js";
import { Room } from "./room.js";
import { Signal } from "./signal.js";
import { Stage } from "./stage.js";
import { Waiting } from "./waiting.js";

const PATIENCE = 4000; // ms until an attempt to connect picture and sound is given up
const DEVICES_WAIT = 500; // ms that asking for the devices gives way to the network at most
const ATTEMPTS = 3; // until we say that this network lets nothing through
const KINDS = ["audio", "video"];

export class Call {
  #root;
  #words;
  #room = new Room();
  #devices = new Devices();
  #peer = null;
  #signal;
  #notices;
  #stage;
  #waiting = null;
  #patience = 0;
  #attempts = 0;
  #network = navigator.connection?.type;
  #silent = false;
  #told = "";
  #title = document.title;

  constructor(root, words) {
    this.#root = root;
    this.#words = words;
    this.#notices = new Notices(root);
    this.#stage = new Stage(root, words);
    const socket = new URL(root.dataset.socket, location.href);
    socket.protocol = socket.protocol.replace("http", "ws");
    this.#signal = new Signal(socket.href, () => this.#hello());
  }

  /** Connect, and while the network does its part, set the page up and ask for the devices. */
  async start() {
    // Opening a camera takes the processor away from connecting; it may wait that long.
    const answered = new Promise((resolve) => {
      this.#signal.addEventListener("answer", resolve, { once: true });
      setTimeout(resolve, DEVICES_WAIT);
    });
    this.#signal.open();
    this.#listenToServer();
    this.#listenToPerson();
    await answered;
    await this.#devices.ask();
    stayAwake();
  }

  #listenToServer() {
    const on = (type, act) => this.#signal.addEventListener(type, ({ detail }) => act(detail));
    on("welcome", (message) => this.#welcome(message));
    on("answer", (message) => this.#answer(message));
    on("admitted", (message) => this.#admitted(message));
    on("participant", (message) => this.#participant(message));
    on("gone", (message) => this.#gone(message));
    on("layout", ({ slots }) => {
      this.#stage.layout(slots);
      this.#show();
    });
    on("moved", () => this.#anew());
    on("ended", ({ reason }) => this.#ended(reason));
    on("error", (message) => this.#error(message));
    on("interrupted", () => this.#interrupted());
    addEventListener("online", () => this.#restart());
    navigator.connection?.addEventListener?.("change", () => {
      if (navigator.connection.type === this.#network) return; // a mere change of speed
      this.#network = navigator.connection.type;
      this.#restart();
    });
    addEventListener("pagehide", () => this.#close());
  }

  #listenToPerson() {
    const own = this.#root.querySelector("[data-own]");
    new Own(own, this.#devices, this.#words);
    const controls = new Controls(this.#root, this.#devices, this.#words);
    controls.addEventListener("toggled", ({ detail: { kind, condition } }) =>
      this.#notices.announce(this.#words(`${kind}_${condition}`)),
    );
    controls.addEventListener("leave", () => this.#leave());
    controls.addEventListener("end", () => this.#signal.send({ type: "end" }));
    controls.addEventListener("here", () => location.reload());
    this.#devices.addEventListener("change", () => {
      this.#publish();
      if (this.#silent) this.#play(); // browsers let pages be heard that use a microphone
    });
    this.#root.addEventListener("click", () => this.#silent && this.#play());
    const waiting = this.#root.querySelector("[data-waiting]");
    if (!waiting) return;
    this.#waiting = new Waiting(waiting, this.#words);
    for (const type of ["admit", "dismiss"]) {
      this.#waiting.addEventListener(type, ({ detail: { id } }) =>
        this.#signal.send({ type, participant: id }),
      );
    }
  }

  // What is sent

  async #hello() {
    const again = this.#peer?.usable ?? false;
    if (!again) this.#makePeer();
    const offer = await this.#peer.offer(again);
    const state = this.#state();
    this.#told = JSON.stringify(state);
    return { ...state, offer };
  }

  #makePeer() {
    this.#peer?.close();
    const peer = new Peer();
    this.#peer = peer;
    peer.addEventListener("state", ({ detail }) => peer === this.#peer && this.#moved(detail));
    this.#stage.attach(peer);
    this.#play();
    for (const kind of KINDS) peer.replace(kind, this.#devices.track(kind));
  }

  /** Offer again with new ICE credentials; when that does not help, on a new connection. */
  async #restart() {
    if (!this.#peer || !["lobby", "room"].includes(this.#room.phase)) return;
    const fresh = !this.#peer.usable;
    if (fresh) this.#makePeer();
    const offer = await this.#peer.offer(!fresh);
    if (this.#signal.send({ type: "offer", ...offer })) this.#expectConnection();
  }

  /** Begin anew on another connection when this one does not come about. */
  #expectConnection() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      if (this.#peer.state === "connected") return;
      this.#attempts += 1;
      if (this.#attempts >= ATTEMPTS) this.#notices.show(this.#words("blocked"), "warning");
      this.#peer.close();
      this.#restart();
    }, PATIENCE);
  }

  /** Put the devices' tracks on their way and tell the others what is on. */
  #publish() {
    for (const kind of KINDS) this.#peer?.replace(kind, this.#devices.track(kind));
    const state = this.#state();
    if (JSON.stringify(state) === this.#told) return;
    if (this.#signal.send({ type: "state", ...state })) this.#told = JSON.stringify(state);
  }

  #state() {
    return { audio: this.#devices.on("audio"), video: this.#devices.on("video") };
  }

  #leave() {
    this.#signal.send({ type: "leave" });
    this.#away("left");
  }

  // What is received

  #welcome(message) {
    this.#room.welcome(message);
    this.#publish();
    if (this.#room.phase === "room") markEntered();
    this.#show();
    if (this.#peer.state === "connected") this.#notices.show("");
    else this.#expectConnection();
  }

  async #answer(message) {
    try {
      await this.#peer.answer(message);
    } catch {
      this.#anew(); // an answer for another connection
    }
  }

  /** Begin anew on another connection: the relay at the other end is not the same any more. */
  #anew() {
    this.#peer?.close();
    this.#restart();
  }

  #admitted(message) {
    this.#room.admitted(message);
    markEntered();
    this.#notices.announce(this.#words("admitted"));
    this.#show();
    this.#root.querySelector("[data-stage]").focus();
  }

  #participant(message) {
    const before = this.#room.participant(message);
    if (message.id === this.#room.me) return;
    if (message.phase === "room" && before?.phase !== "room") {
      this.#notices.announce(this.#words("joined", message));
    } else if (message.phase === "lobby" && !before) {
      this.#notices.announce(this.#words("waits", message));
    }
    this.#show();
  }

  #gone(message) {
    const before = this.#room.gone(message);
    if (before?.phase === "room") this.#notices.announce(this.#words("left", before));
    if (this.#peer.state === "connected") this.#notices.show(""); // a full room has a place again
    this.#show();
  }

  #ended(reason) {
    if (reason === "shutdown") return; // the socket comes back by itself
    if (reason === "replaced") {
      this.#close();
      this.#root.dataset.phase = "replaced";
      this.#root.querySelector('[data-panel="replaced"] button').focus();
    } else {
      this.#away(reason);
    }
  }

  #error({ code, fatal }) {
    if (code === "room_full" && fatal) return this.#away("full");
    if (code === "room_full") this.#notices.show(this.#words("full"), "warning");
    if (code === "bad_offer") this.#peer.close(); // the next offer is made on a new connection
    if (code === "version") location.reload(); // the server speaks a newer version by now
    if (fatal) this.#interrupted();
  }

  // How it goes

  #interrupted() {
    this.#notices.show(this.#words("interrupted"), "warning");
    if (this.#signal.attempt > 2) this.#knock();
  }

  /** See whether this page still stands: the appointment may have ended or moved meanwhile. */
  async #knock() {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (answer && !(await answer.text()).includes("data-socket")) location.reload();
  }

  /** Follow the media connection's state. */
  #moved(state) {
    if (state === "connected") {
      clearTimeout(this.#patience);
      this.#attempts = 0;
      markConnected();
      this.#notices.show("");
      this.#show();
    } else if (state === "disconnected" || state === "failed") {
      if (!this.#attempts) this.#notices.show(this.#words("interrupted"), "warning");
      this.#restart();
    }
  }

  async #play() {
    this.#silent = !(await this.#stage.play());
    this.#root.classList.toggle("call--silent", this.#silent);
  }

  #show() {
    const { phase, present, waiting, role } = this.#room;
    this.#root.dataset.phase = phase;
    this.#stage.show(this.#room);
    this.#waiting?.show(waiting);
    const alone = phase === "room" && present.length === 0;
    this.#root.classList.toggle("call--alone", alone);
    document.title = role === "host" && waiting.length ? `(${waiting.length}) ${this.#title}` : this.#title;
    this.#peer?.send(phase === "room" && !alone);
  }

  /** Leave this page for the one that says how it ended. */
  #away(reason) {
    this.#close();
    this.#room.phase = "over";
    const over = new URL(this.#root.dataset.over, location.href);
    over.searchParams.set("reason", reason);
    location.replace(over);
  }

  #close() {
    clearTimeout(this.#patience);
    this.#signal.close();
    this.#peer?.close();
    this.#devices.stop();
  }
}
