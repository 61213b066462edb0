/** The pictures and voices of the others: one tile for each receiving pair. */

import { markFirstFrame } from "./marks.js";
import { arrivedOn } from "./sample.js";
import { NOBODY, watch } from "./still.js";

const SPEAKING = 0.02; // of full scale; quieter is breathing and keyboards
const LISTENING_INTERVAL = 250; // ms

/** The initials that stand for somebody whose camera is off. */
export function initials(name) {
  const words = name.trim().split(/\s+/u);
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => [...word][0]?.toUpperCase() ?? "").join("");
}

class Tile {
  #element;
  #pair = null;
  #participant = null;
  #movement = NOBODY;

  constructor(element) {
    this.#element = element;
    this.video = element.querySelector("video");
    this.audio = element.querySelector("audio");
    this.video.addEventListener("resize", () => this.#shape());
    this.video.addEventListener("playing", () => element.classList.add("tile--playing"));
  }

  /** Play what arrives on `pair` from now on. */
  attach(pair) {
    this.#pair = pair;
    this.#element.classList.remove("tile--playing");
    this.video.srcObject = null;
    this.audio.srcObject = new MediaStream([pair.audio.receiver.track]);
  }

  /** Start playing; returns whether the browser lets the voice be heard. */
  async play() {
    return this.audio.play().then(
      () => true,
      (error) => error.name !== "NotAllowedError",
    );
  }

  /** Play the picture. Not before there is one: an empty stream holds up the page's loading. */
  #look() {
    if (this.video.srcObject) return;
    this.video.srcObject = new MediaStream([this.#pair.video.receiver.track]);
    markFirstFrame(this.video);
    this.video.play().catch(() => {}); // muted, so allowed; refused only while being replaced
  }

  /** Show `participant`, or nobody. */
  show(participant, words) {
    const element = this.#element;
    this.#participant = participant;
    element.hidden = !participant;
    if (!participant) return;
    if (participant.video) this.#look();
    element.querySelector("[data-name]").textContent = participant.name;
    element.querySelector("[data-initials]").textContent = initials(participant.name);
    element.classList.toggle("tile--camera-off", !participant.video);
    element.classList.toggle("tile--muted", !participant.audio);
    const weak = ["fair", "poor", "lost"].includes(participant.quality) ? participant.quality : "";
    element.dataset.connection = weak;
    element.querySelector("[data-quality-word]").textContent = weak && words(`tile_${weak}`);
    element.querySelector("[data-condition]").textContent = [
      participant.audio ? "" : words("muted"),
      participant.video ? "" : words("cameraOff"),
    ]
      .filter(Boolean)
      .join(", ");
  }

  /** Notice whether the picture stands still; returns its person as soon as it does, else null. */
  watch(report, at, words) {
    const before = this.still;
    const whom = this.#participant?.video ? this.#participant.id : null;
    const arrived = this.#pair ? arrivedOn(report, this.#pair) : { frames: 0, packets: 0 };
    this.#movement = watch(this.#movement, { whom, ...arrived }, at);
    if (this.still === before) return null;
    this.#element.classList.toggle("tile--still", this.still);
    this.#element.querySelector("[data-still]").textContent = this.still ? words("still") : "";
    return this.still ? this.#participant : null;
  }

  /** Whether the picture stands still although it should not. */
  get still() {
    return this.#movement.still;
  }

  /** Mark the tile while its person speaks. */
  listen() {
    const [source] = this.#pair?.audio.receiver.getSynchronizationSources?.() ?? [];
    const fresh = source && performance.timeOrigin + performance.now() - source.timestamp < 1000;
    const speaking = (source?.audioLevel ?? 0) > SPEAKING && fresh !== false;
    this.#element.classList.toggle("tile--speaking", speaking);
  }

  #shape() {
    const portrait = this.video.videoHeight > this.video.videoWidth;
    this.#element.classList.toggle("tile--portrait", portrait);
  }
}

export class Stage {
  #root;
  #words;
  #tiles;
  #slots = [];
  #peer = null;

  constructor(root, words) {
    this.#root = root;
    this.#words = words;
    this.#tiles = [...root.querySelectorAll("[data-tile]")].map((element) => new Tile(element));
    setInterval(() => {
      if (!document.hidden) for (const tile of this.#tiles) tile.listen();
    }, LISTENING_INTERVAL);
  }

  /** Play the receiving pairs of `peer`. */
  attach(peer) {
    this.#peer = peer;
    this.#tiles.forEach((tile, index) => tile.attach(peer.pairs[index]));
  }

  /** Take over who is on which pair; see "layout" in docs/signaling.md. */
  layout(slots) {
    this.#slots = slots;
  }

  /** Show the people of `room` where the layout puts them. */
  show(room) {
    const people = this.#tiles.map(() => null);
    for (const { audio, video, participant } of this.#slots) {
      const index = this.#peer.pairs.indexOf(this.#peer.pair(audio, video));
      if (index >= 0) people[index] = room.participants.get(participant) ?? null;
    }
    this.#tiles.forEach((tile, index) => tile.show(people[index], this.#words));
    this.#root.dataset.count = String(people.filter(Boolean).length);
  }

  /** Look at what has arrived; returns the people whose picture now stands still. */
  watch(report, at) {
    return this.#tiles.map((tile) => tile.watch(report, at, this.#words)).filter(Boolean);
  }

  /** How many pictures stand still although they should not. */
  get still() {
    return this.#tiles.filter(({ still }) => still).length;
  }

  /** Start playing everything; returns whether voices can be heard. */
  async play() {
    const heard = await Promise.all(this.#tiles.map((tile) => tile.play()));
    return heard.every(Boolean);
  }
}
