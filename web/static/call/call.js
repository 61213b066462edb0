/** One person's part in a consultation: ties socket, media connection, devices and page together. */

import { stayAwake } from "./awake.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Devices } from "./devices.js";
import { Health } from "./health.js";
import { Ice } from "./ice.js";
import { markConnected, markEntered } from "./marks.js";
import { Notices } from "./notices.js";
import { Own } from "./own.js";
import { Room } from "./room.js";
import { Stage } from "./stage.js";
import { Text } from "./text.js";
import { Waiting } from "./waiting.js";

const DEVICES_WAIT = 500; // ms that asking for the devices gives way to the network at most
const KINDS = ["audio", "video"];

export class Call {
  #root;
  #words;
  #room = new Room();
  #devices = new Devices();
  #connection;
  #notices;
  #stage;
  #health;
  #text;
  #waiting = null;
  #silent = false;
  #disturbed = false;
  #sending = false;
  #told = "";
  #title = document.title;

  constructor(root, words) {
    this.#root = root;
    this.#words = words;
    this.#notices = new Notices(root);
    this.#stage = new Stage(root, words);
    this.#health = new Health(root.querySelector("[data-quality]"), words, (sentence) =>
      this.#notices.announce(sentence),
    );
    const socket = new URL(root.dataset.socket, location.href);
    socket.protocol = socket.protocol.replace("http", "ws");
    const ice = new Ice(root.dataset.ice);
    this.#connection = new Connection(socket.href, () => this.#conditions(), ice);
    this.#text = new Text(root, words, this.#connection, this.#notices);
  }

  /** Connect, and while the network does its part, set the page up and ask for the devices. */
  async start() {
    // Opening a camera takes the processor away from connecting; it may wait that long.
    const answered = new Promise((resolve) => {
      this.#connection.addEventListener("answer", resolve, { once: true });
      setTimeout(resolve, DEVICES_WAIT);
    });
    this.#listenToServer();
    this.#connection.start();
    this.#listenToHealth();
    this.#listenToPerson();
    await answered;
    await this.#devices.ask();
    stayAwake();
  }

  #listenToServer() {
    const on = (type, act) =>
      this.#connection.addEventListener(type, ({ detail }) => act(detail));
    on("welcome", (message) => this.#welcome(message));
    on("admitted", (message) => this.#admitted(message));
    on("participant", (message) => this.#participant(message));
    on("gone", (message) => this.#gone(message));
    on("layout", ({ slots }) => {
      this.#stage.layout(slots);
      this.#show();
    });
    on("ended", ({ reason }) => this.#ended(reason));
    on("error", (message) => this.#error(message));
    on("peer", (peer) => {
      this.#stage.attach(peer);
      this.#play();
    });
    on("media", (state) => this.#moved(state));
    on("interrupted", () => this.#interrupted());
    on("mended", () => this.#mended());
    on("phone", () => this.#offerPhone());
    on("report", ({ report, at }) => this.#report(report, at));
    on("devices", () => this.#devices.revive());
    on("knock", () => this.#knock());
    addEventListener("pagehide", () => this.#close());
  }

  #listenToHealth() {
    this.#health.addEventListener("told", ({ detail }) =>
      this.#connection.send({ type: "quality", ...detail }),
    );
    this.#health.addEventListener("resting", () => {
      this.#shape();
      this.#publish();
      if (this.#health.resting) this.#text.offer();
    });
    for (const type of ["sizes", "pace"]) this.#health.addEventListener(type, () => this.#shape());
    const signing = this.#root.querySelector("[data-signing]");
    signing.checked = sessionStorage.getItem("call-signing") === "on";
    const choose = () => {
      sessionStorage.setItem("call-signing", signing.checked ? "on" : "off");
      this.#health.signing = signing.checked;
      this.#shape();
    };
    signing.addEventListener("change", choose);
    choose();
  }

  /** Send the picture as the network allows and the person wants. */
  #shape() {
    const { resting, signing, scarce, layered } = this.#health;
    this.#root.classList.toggle("call--resting", resting);
    this.#connection.shape({ resting, signing, scarce, layered });
  }

  get #filming() {
    return this.#sending && this.#devices.on("video");
  }

  #listenToPerson() {
    const own = this.#root.querySelector("[data-own]");
    new Own(own, this.#devices, this.#words);
    const controls = new Controls(this.#root, this.#devices, this.#words);
    controls.addEventListener("toggled", ({ detail: { kind, condition } }) =>
      this.#notices.announce(this.#words(`${kind}_${condition}`)),
    );
    controls.addEventListener("leave", () => this.#leave());
    controls.addEventListener("end", () => this.#connection.send({ type: "end" }));
    controls.addEventListener("here", () => location.reload());
    this.#devices.addEventListener("change", () => {
      this.#publish();
      if (this.#silent) this.#play(); // browsers let pages be heard that use a microphone
    });
    this.#notices.tellOf(this.#devices, this.#words);
    this.#root.addEventListener("click", () => this.#silent && this.#play());
    const waiting = this.#root.querySelector("[data-waiting]");
    if (!waiting) return;
    this.#waiting = new Waiting(waiting, this.#words);
    for (const type of ["admit", "dismiss"]) {
      this.#waiting.addEventListener(type, ({ detail: { id } }) =>
        this.#connection.send({ type, participant: id }),
      );
    }
  }

  // What is sent

  /** Put the devices' tracks on their way and tell the others what is on. */
  #publish() {
    for (const kind of KINDS) this.#connection.replace(kind, this.#devices.track(kind));
    const before = this.#told;
    const conditions = this.#conditions();
    if (before === this.#told) return;
    if (!this.#connection.send({ type: "state", ...conditions })) this.#told = before;
  }

  #conditions() {
    const video = this.#devices.on("video") && !this.#health.resting;
    const conditions = { audio: this.#devices.on("audio"), video };
    this.#told = JSON.stringify(conditions);
    return conditions;
  }

  #leave() {
    this.#connection.send({ type: "leave" });
    this.#away("left");
  }

  // What is received

  #welcome(message) {
    this.#room.welcome(message);
    this.#publish();
    if (this.#health.told) this.#connection.send({ type: "quality", ...this.#health.told });
    if (this.#room.phase === "room") markEntered();
    this.#show();
    this.#text.resume();
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
    if (!this.#disturbed) this.#notices.show(""); // a full room has a place again
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
    if (code === "version") location.reload(); // the server speaks a newer version by now
  }

  // How it goes

  /** It takes too long: say how to go on by telephone, and keep trying meanwhile. */
  #offerPhone() {
    this.#root.classList.add("call--phone");
    this.#notices.announce(this.#words("blocked"));
  }

  #interrupted() {
    this.#disturbed = true;
    this.#root.classList.add("call--disturbed");
    this.#notices.show(this.#words("interrupted"), "warning");
  }

  #mended() {
    if (this.#disturbed) this.#notices.announce(this.#words("mended"));
    this.#disturbed = false;
    this.#notices.show("");
    this.#root.classList.remove("call--disturbed", "call--phone");
  }

  #report(report, at) {
    if (!document.hidden) {
      for (const person of this.#stage.watch(report, at)) {
        this.#notices.announce(this.#words("stillOf", person));
      }
      this.#health.still = this.#stage.still;
      if (this.#stage.still) this.#text.offer();
    }
    this.#health.take(report, at, this.#filming);
  }

  /** See whether this page still stands: the appointment may have ended or moved meanwhile. */
  async #knock() {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (answer && !(await answer.text()).includes("data-socket")) location.reload();
  }

  /** Follow the media connection's state. */
  #moved(state) {
    if (state !== "connected") return;
    markConnected();
    this.#show();
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
    this.#sending = phase === "room" && !alone;
    this.#connection.sending(this.#sending);
    this.#connection.expect(this.#sending && this.#room.heard);
    this.#health.around(phase === "room" ? present : []);
    this.#text.around(present);
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
    this.#connection.close();
    this.#devices.stop();
  }
}
