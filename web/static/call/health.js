/**
 * How everybody is connected: judged for oneself, told by the others, and said in plain words.
 *
 * Dispatches "told" with `{level, cause}` when the own level changes, for the server; "resting"
 * with a boolean when the own picture has to rest, or may come back; and "sizes" with a boolean
 * when it is to be sent in several sizes, or in one.
 */

import { AMPLE, follow } from "./frugality.js";
import { Verdict } from "./quality.js";
import { sampleOf } from "./sample.js";
import { ONE_SIZE, resize } from "./sizes.js";

const LOOK = 1000; // ms between two samples
const SAID_EVERY = 20_000; // ms between two announcements: who listens shall hear the people
const WEAK = new Set(["fair", "poor", "lost"]);

export class Health extends EventTarget {
  #element;
  #words;
  #announce;
  #verdict = new Verdict();
  #frugality = AMPLE;
  #sizes = ONE_SIZE;
  #at = -LOOK;
  #said = -SAID_EVERY;
  #saidLevel = "good";
  #others = [];
  #still = 0;
  signing = false;

  /**
   * @param {HTMLElement} element where the own level stands
   * @param {(key: string, values?: object) => string} words
   * @param {(sentence: string) => void} announce says a sentence to screen readers
   */
  constructor(element, words, announce) {
    super();
    this.#element = element;
    this.#words = words;
    this.#announce = announce;
  }

  /** What the server is to know, or null before anything is known. */
  get told() {
    const { level, cause } = this.#verdict;
    return level === "unknown" ? null : { level, cause };
  }

  get resting() {
    return this.#frugality.resting;
  }

  /** Whether the own picture is sent in several sizes. */
  get layered() {
    return this.#sizes.several;
  }

  /** Take the connection's statistics; `filming` when the own camera is on its way to somebody. */
  take(report, at, filming) {
    if (at - this.#at < LOOK) return;
    this.#at = at;
    const sample = sampleOf(report, at);
    const changed = this.#verdict.take(sample, this.#circumstances);
    this.#rest({ room: sample.room, lossOut: this.#verdict.lossOut }, filming, at);
    this.#resize(sample, at);
    if (changed) {
      this.dispatchEvent(new CustomEvent("told", { detail: this.told }));
      this.show();
    }
    this.#say(at);
  }

  /** Take over who else is in the room. */
  around(people) {
    this.#others = people;
    this.show();
  }

  /** Take over how many of the others' pictures stand still. */
  set still(pictures) {
    if (pictures === this.#still) return;
    this.#still = pictures;
    this.show();
  }

  /** Show the own level, and whose connection is to blame when it is another's. */
  show() {
    const { level, cause } = this.#verdict;
    const element = this.#element;
    element.dataset.level = level;
    const say = (part, sentence) => {
      const line = element.querySelector(`[data-quality-${part}]`);
      if (line.textContent !== sentence) line.textContent = sentence;
    };
    say("level", this.#words(`quality_${level}`));
    say("cause", this.#because(level, cause));
  }

  get #circumstances() {
    const { signing, resting } = this;
    const filmed = this.#others.filter(({ video }) => video).length;
    return { othersLose: this.#losing !== null, resting, signing, filmed, still: this.#still };
  }

  get #losing() {
    return this.#others.find(({ cause, quality }) => cause === "loss_out" && WEAK.has(quality)) ?? null;
  }

  #because(level, cause) {
    if (cause === "freezes" && this.#still) return this.#words("still");
    if (WEAK.has(level)) return this.#words(`cause_${cause}`);
    const weak = this.#losing ?? this.#others.find(({ quality }) => WEAK.has(quality));
    return weak ? this.#words(`other_${weak.quality}`, weak) : "";
  }

  #rest(path, filming, at) {
    const before = this.#frugality.resting;
    // Who signs needs the picture more than the sound; who is not filmed has nothing to rest.
    const possible = !this.signing && (filming || before);
    this.#frugality = possible ? follow(this.#frugality, path, at) : AMPLE;
    const { resting } = this.#frugality;
    if (resting === before) return;
    this.dispatchEvent(new CustomEvent("resting", { detail: resting }));
    if (filming) this.#announce(this.#words(resting ? "pictureRests" : "pictureBack"));
  }

  #resize({ room }, at) {
    const before = this.layered;
    this.#sizes = resize(this.#sizes, { room, receivers: this.#others.length }, at);
    if (this.layered !== before) {
      this.dispatchEvent(new CustomEvent("sizes", { detail: this.layered }));
    }
  }

  #say(at) {
    const { level, cause } = this.#verdict;
    const said = this.#saidLevel;
    const worth = (level === "poor") !== (said === "poor");
    if (!worth || at - this.#said < SAID_EVERY) return;
    this.#said = at;
    this.#saidLevel = level;
    this.#announce(`${this.#words(`quality_${level}`)}. ${this.#because(level, cause)}`);
  }
}
