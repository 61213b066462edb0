/**
 * How well somebody is connected, in one word and with the reason that weighs most.
 *
 * Sound is judged by the E-model (ITU-T G.107) in the simplification of Cole and Rosenbluth
 * ("Voice over IP performance monitoring", 2001): R = 93.2 - Id(delay) - Ie,eff(loss), where loss
 * is what had to be concealed after all repair. G.113 has no loss robustness for Opus; 25.1 is
 * that of G.711 with concealment. The classes are those of G.109. The loss that speech tolerates
 * on the way out is that of G.1010, the frame rates for sign language are those of ITU-T H-series
 * Supplement 1; the shares of frozen time are our own choice.
 */

import { lossOut } from "./sample.js";

const ROBUSTNESS = 25.1; // Bpl
const FIXED_DELAY = 40; // ms: a frame of 20 ms at either end
const WINDOW = 5000; // ms that a judgement looks back
const WORSE_AFTER = 6000; // ms until a worse level is believed: one bad second fills the window
const BETTER_AFTER = 10000; // ms until a better one is
const RANK = { unknown: 0, good: 1, fair: 2, poor: 3 };

/** The transmission rating factor R of ITU-T G.107, from ms one way and per cent concealed. */
export function ratingFactor(delay, concealed) {
  return 93.2 - delayImpairment(delay) - lossImpairment(concealed);
}

function delayImpairment(delay) {
  return 0.024 * delay + 0.11 * Math.max(0, delay - 177.3);
}

function lossImpairment(concealed) {
  return (95 * concealed) / (concealed + ROBUSTNESS);
}

/** The class of ITU-T G.109: 80 and more satisfies nearly all, below 60 hardly anybody. */
export function levelOf(factor) {
  if (factor >= 80) return "good";
  return factor >= 60 ? "fair" : "poor";
}

function byLimits(value, fair, poor) {
  if (value < fair) return "good";
  return value < poor ? "fair" : "poor";
}

/**
 * Judge what lies between two samples (sample.js).
 *
 * @param {object} before
 * @param {object} after
 * @param {object} circumstances
 * @param {boolean} circumstances.othersLose another's way to the relay loses: it is not our fault
 * @param {boolean} circumstances.resting the own picture rests for lack of room
 * @param {boolean} circumstances.signing motion carries the conversation
 * @param {number} circumstances.filmed how many others have their camera on
 * @param {number} circumstances.still how many pictures stand still now; browsers count a freeze
 *     when it is over
 * @returns {{level: string, cause: string}} as docs/signaling.md names them
 */
export function judge(before, after, circumstances = {}) {
  const { othersLose = false, resting = false, signing = false } = circumstances;
  const { filmed = 1, still = 0 } = circumstances;
  const findings = [
    hearing(before, after, othersLose),
    { level: byLimits(lossOut(before, after), 0.03, 0.1), cause: "loss_out" },
    seeing(before, after, signing, filmed),
    { level: still ? "fair" : "good", cause: "freezes" },
    { level: resting ? "fair" : "good", cause: "narrow" },
  ];
  const worst = findings.reduce((a, b) => (RANK[b.level] > RANK[a.level] ? b : a));
  return worst.level === "good" ? { level: "good", cause: "none" } : worst;
}

function hearing(before, after, othersLose) {
  const samples = after.samples - before.samples;
  const played = after.emitted - before.emitted;
  const buffered = played > 0 ? ((after.waited - before.waited) / played) * 1000 : 0;
  const delay = after.roundTrip * 1000 + buffered + FIXED_DELAY;
  const missing = samples > 0 ? Math.max(0, after.concealed - before.concealed) / samples : 0;
  const concealed = othersLose ? 0 : missing * 100;
  const level = levelOf(ratingFactor(delay, concealed));
  if (lossImpairment(concealed) < delayImpairment(delay)) return { level, cause: "delay" };
  const arrived = after.packets - before.packets;
  const lost = Math.max(0, after.lost - before.lost);
  // Concealed although hardly anything was lost: it came too late.
  const late = lost / Math.max(1, lost + arrived) < missing / 2;
  return { level, cause: late ? "jitter" : "loss_in" };
}

function seeing(before, after, signing, filmed) {
  const seconds = (after.at - before.at) / 1000;
  if (!filmed || seconds <= 0) return { level: "good", cause: "freezes" };
  const frozen = Math.max(0, after.frozen - before.frozen) / seconds;
  let level = byLimits(frozen, 0.05, 0.3);
  if (signing) {
    const rate = (after.frames - before.frames) / seconds / filmed;
    const motion = byLimits(-rate, -20, -12);
    if (RANK[motion] > RANK[level]) level = motion;
  }
  return { level, cause: "freezes" };
}

/** A level that does not flicker: worse ones count after six seconds, better ones after ten. */
export class Verdict {
  level = "unknown";
  cause = "none";
  #samples = [];
  #other = null;

  /**
   * Take a sample, at least one a second.
   *
   * @returns {boolean} whether level or cause are others than before
   */
  take(sample, circumstances = {}) {
    const last = this.#samples.at(-1);
    // A new connection begins to count anew, and a page that rested has not looked.
    const anew = last && (sample.samples < last.samples || sample.sent < last.sent);
    if (anew || (last && sample.at - last.at > WINDOW)) this.#samples = [];
    this.#samples.push(sample);
    while (sample.at - this.#samples[0].at > WINDOW) this.#samples.shift();
    if (sample.at - this.#samples[0].at < WINDOW * 0.8) return false;
    return this.#settle(judge(this.#samples[0], sample, circumstances), sample.at);
  }

  /** The share of what was lately sent that the relay misses. */
  get lossOut() {
    const [first] = this.#samples;
    return first ? lossOut(first, this.#samples.at(-1)) : 0;
  }

  #settle(found, now) {
    if (found.level === this.level && found.cause === this.cause) {
      this.#other = null;
      return false;
    }
    const worse = RANK[found.level] > RANK[this.level];
    // Levels in between count as well: somebody who gets better step by step must not wait for ever.
    if (this.#other?.worse !== worse) this.#other = { worse, since: now };
    const wait = worse ? WORSE_AFTER : BETTER_AFTER;
    if (this.level !== "unknown" && now - this.#other.since < wait) return false;
    this.level = found.level;
    this.cause = found.cause;
    this.#other = null;
    return true;
  }
}
