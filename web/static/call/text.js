/**
 * Real-time text: what people type is read by the others while they type it.
 *
 * What is finished stands in a log that screen readers follow; what is being typed stands below it
 * and is not read out letter by letter. What was written stays on this page, over any loss of the
 * connection, and nowhere else.
 */

import { OwnLines, TheirLines, part } from "./lines.js";

const PACE = 300; // ms between two messages (RFC 4103 section 5.1; EN 301 549 asks for 500)
const KEPT = 1000; // lines in the log
const NEAR_THE_END = 24; // px; who has scrolled up further reads, and is left in peace

export class Text {
  #words;
  #connection;
  #notices;
  #panel;
  #button;
  #scroll;
  #log;
  #typing;
  #input;
  #template;
  #own = new OwnLines(Date.now());
  #people = new Map(); // who is in the room: id → {name, lines, since}
  #unread = 0;
  #declined = false;
  #timer = 0;
  #sent = -PACE;
  #follows = true; // what is new is scrolled to

  /**
   * @param {HTMLElement} root of the call
   * @param {(key: string, values?: object) => string} words
   * @param {Connection} connection
   * @param {Notices} notices
   */
  constructor(root, words, connection, notices) {
    this.#words = words;
    this.#connection = connection;
    this.#notices = notices;
    this.#panel = root.querySelector("[data-text]");
    this.#button = root.querySelector("[data-text-toggle]");
    this.#scroll = this.#panel.querySelector("[data-text-scroll]");
    this.#log = this.#panel.querySelector("[data-text-log]");
    this.#typing = this.#panel.querySelector("[data-text-typing]");
    this.#input = this.#panel.querySelector("textarea");
    this.#template = this.#panel.querySelector("template");
    this.#listen();
    connection.addEventListener("text", ({ detail }) => this.#take(detail));
    connection.addEventListener("returned", ({ detail }) => this.#repeat(detail.participant));
  }

  /** Open without taking the focus, unless the person has closed it. */
  offer() {
    if (!this.#panel.hidden || this.#declined) return;
    this.#show(true);
    this.#notices.announce(this.#words("textOpened"));
  }

  /** Take over who else is in the room. */
  around(people) {
    for (const id of this.#people.keys()) {
      if (!people.some((person) => person.id === id)) this.#forget(id);
    }
    for (const { id, name } of people) {
      const known = this.#people.get(id);
      if (known) known.name = name;
      else this.#people.set(id, { name, lines: new TheirLines(), since: performance.now() });
    }
    if (this.#own.fresh.length) this.#schedule();
  }

  /** Repeat to everybody what may have been lost with the own socket. */
  resume() {
    for (const id of this.#people.keys()) this.#repeat(id);
  }

  // Writing

  #listen() {
    this.#button.addEventListener("click", () => {
      this.#declined = !this.#panel.hidden;
      this.#show(this.#panel.hidden);
      if (!this.#panel.hidden) this.#input.focus();
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      this.#declined = true;
      this.#show(false);
      this.#button.focus();
    });
    this.#scroll.addEventListener("scroll", () => this.#scrolled());
    new ResizeObserver(() => this.#follow()).observe(this.#scroll);
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      if (!event.shiftKey && !event.repeat) this.#finish();
    });
    this.#input.addEventListener("input", (event) => this.#type(event.isComposing));
    this.#input.addEventListener("compositionend", () => this.#type(false));
    this.#panel.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#finish();
      this.#input.focus();
    });
  }

  /** Take over what stands in the field; an input method that composes must not be disturbed. */
  #type(composing) {
    const { finished, rest } = composing
      ? { finished: [], rest: this.#input.value }
      : part(this.#input.value);
    for (const line of finished) this.#put(line);
    if (finished.length) this.#input.value = rest;
    this.#own.type(rest, performance.now());
    this.#schedule();
  }

  #finish() {
    const { finished, rest } = part(this.#input.value);
    for (const line of [...finished, rest]) this.#put(line);
    this.#input.value = "";
    this.#own.type("", performance.now()); // blanks alone are no line
    this.#schedule();
  }

  #put(line) {
    const now = performance.now();
    this.#own.type(line, now);
    const text = this.#own.finish(now);
    if (text) this.#append(this.#make(this.#words("textYou"), text, "text-line--own"));
  }

  /** Send at once, or when the message before is old enough. */
  #schedule() {
    if (this.#timer) return;
    const due = Math.max(0, this.#sent + PACE - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#flush();
    }, due);
  }

  #flush() {
    const lines = this.#own.fresh;
    if (!lines.length || !this.#people.size) return; // they wait for somebody to read them
    if (!this.#connection.send({ type: "text", lines })) return;
    this.#sent = performance.now();
    this.#own.told();
    if (this.#own.fresh.length) this.#schedule();
  }

  /** Repeat to somebody whose socket was lost what they may lack, of the time they were there. */
  #repeat(id) {
    const lines = this.#own.since(this.#people.get(id)?.since ?? Infinity);
    if (lines.length) this.#connection.send({ type: "text", lines, to: id });
  }

  // Reading

  #take({ participant, lines }) {
    const person = this.#people.get(participant);
    if (!person) return;
    for (const line of person.lines.take(lines)) this.#read(participant, person.name, line);
  }

  #read(participant, name, { number, text, done }) {
    const key = `${participant} ${number}`;
    const growing = this.#find(this.#typing, key);
    if (!done && text) return this.#grow(growing, key, name, text);
    growing?.remove();
    if (!done || !text.trim()) return;
    const before = this.#find(this.#log, key);
    if (before) {
      before.querySelector("[data-words]").textContent = text;
      return;
    }
    const line = this.#make(name, text);
    line.dataset.line = key;
    this.#append(line);
    if (!this.#panel.hidden) return;
    this.#count(this.#unread + 1);
    this.#notices.announce(this.#words("textFrom", { name, text }));
  }

  #grow(growing, key, name, text) {
    const line = growing ?? this.#make(this.#words("textTyping", { name }), "");
    line.dataset.line = key;
    line.querySelector("[data-words]").textContent = text;
    if (!growing) this.#typing.append(line);
    this.#follow();
  }

  #forget(id) {
    const { name, lines } = this.#people.get(id);
    for (const line of lines.close()) this.#read(id, name, line);
    this.#people.delete(id);
  }

  #find(list, key) {
    return [...list.children].find((line) => line.dataset.line === key);
  }

  #make(name, text, style) {
    const line = this.#template.content.firstElementChild.cloneNode(true);
    if (style) line.classList.add(style);
    line.querySelector("[data-writer]").textContent = name;
    line.querySelector("[data-words]").textContent = text;
    return line;
  }

  #append(line) {
    this.#log.append(line);
    while (this.#log.childElementCount > KEPT) this.#log.firstElementChild.remove();
    this.#follow();
  }

  /** Scroll to the end, unless the person has scrolled away from it. */
  #follow() {
    if (this.#follows) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  #show(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    if (open) {
      this.#count(0);
    }
  }

  #count(unread) {
    this.#unread = unread;
    this.#button.querySelector("[data-text-unread]").textContent =
      unread ? this.#words("textUnread", { count: unread }) : "";
  }
}
