/**
 * Lines of real-time text, without page or clock: the own ones until everybody was told of them,
 * and those of the others as they grow.
 *
 * A line has a `number`, the whole `text` that stands in it now, and is `done` or not; see "text"
 * in docs/signaling.md.
 */

export const LONGEST = 500; // characters (code points) of a line
export const MOST = 20; // lines of one message
const REMEMBERED = 1000; // finished lines of one person that are known when they come again

/** Make of what was typed what may be sent: no control characters, no halves of characters. */
export function plain(text) {
  const readable = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").replace(/\p{Cs}/gu, "");
  return [...readable].slice(0, LONGEST).join("");
}

/**
 * Part what stands in the field into lines that are finished and the one that is being typed.
 *
 * A break finishes a line, as does its greatest length, at a space where there is one: whatever
 * somebody pastes, nothing of it is lost.
 */
export function part(value) {
  const lines = value.split(/\r\n|[\n\r\u2028\u2029]/u).flatMap(shorten);
  const rest = lines.pop();
  return { finished: lines, rest };
}

function shorten(line) {
  const characters = [...line];
  const pieces = [];
  while (characters.length > LONGEST) {
    const space = characters.lastIndexOf(" ", LONGEST - 1);
    pieces.push(characters.splice(0, space > 0 ? space + 1 : LONGEST).join(""));
  }
  return [...pieces, characters.join("")];
}

/** What this person writes. */
export class OwnLines {
  #lines = []; // the last one may be unfinished
  #next;

  /**
   * @param {number} first the first line's number, above all that a page loaded before may have
   *     given: others keep what they were told
   */
  constructor(first) {
    this.#next = first;
  }

  /** Let `text` stand in the line that is being typed; times are ms. */
  type(text, now) {
    const words = plain(text);
    const line = this.#open ?? (words && this.#begin());
    if (!line || line.text === words) return;
    Object.assign(line, { text: words, at: now, fresh: true });
    if (!words && !line.told) this.#lines.pop(); // nobody knows of it
  }

  /** Finish the line that is being typed; returns its text, or "" where there is none. */
  finish(now) {
    const line = this.#open;
    if (!line?.text.trim()) return "";
    Object.assign(line, { done: true, at: now, fresh: true });
    return line.text;
  }

  /** Some lines that not everybody was told of as they stand now, the oldest first. */
  get fresh() {
    return this.#lines.filter(({ fresh }) => fresh).slice(0, MOST).map(wire);
  }

  /** Note that the lines that stand in `fresh` are on their way. */
  told() {
    for (const line of this.#lines.filter(({ fresh }) => fresh).slice(0, MOST)) {
      Object.assign(line, { fresh: false, told: true });
    }
    const old = this.#lines.filter(({ fresh }) => !fresh).slice(0, -MOST);
    this.#lines = this.#lines.filter((line) => !old.includes(line));
  }

  /** The last lines that were on their way after `time`: what somebody there since may lack. */
  since(time) {
    return this.#lines.filter(({ fresh, at }) => !fresh && at > time).slice(-MOST).map(wire);
  }

  get #open() {
    const last = this.#lines.at(-1);
    return last?.done === false ? last : null;
  }

  #begin() {
    const line = { number: this.#next, text: "", done: false, at: 0, fresh: false, told: false };
    this.#next += 1;
    this.#lines.push(line);
    return line;
  }
}

function wire({ number, text, done }) {
  return { number, text, done };
}

/** What one other person writes. Lines may come twice, and late. */
export class TheirLines {
  #open = null; // the line that is being typed
  #done = new Map(); // number → whether its writer finished it

  /** Take over lines; returns those that are to be shown otherwise than before. */
  take(lines) {
    const inOrder = [...lines].sort((a, b) => a.number - b.number);
    return inOrder.flatMap((line) => (line.done ? this.#finished(line) : this.#growing(line)));
  }

  /** Let the line that is being typed stand as it is; returns it, or nothing, in an array. */
  close() {
    const line = this.#open;
    this.#open = null;
    if (!line?.text.trim()) return line ? [{ ...line, text: "", done: false }] : [];
    this.#remember(line.number, false);
    return [{ ...line, done: true }];
  }

  #finished(line) {
    if (this.#done.get(line.number)) return [];
    const before = this.#open && this.#open.number < line.number ? this.close() : [];
    if (this.#open?.number === line.number) this.#open = null;
    this.#remember(line.number, true);
    return [...before, line];
  }

  #growing(line) {
    if (this.#done.has(line.number) || line.number < (this.#open?.number ?? 0)) return [];
    const before = this.#open && this.#open.number < line.number ? this.close() : [];
    this.#open = line;
    return [...before, line];
  }

  #remember(number, finished) {
    this.#done.delete(number);
    this.#done.set(number, finished);
    if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.keys().next().value);
  }
}
