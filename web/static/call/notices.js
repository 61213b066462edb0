/** What the page tells people: one visible notice, and announcements for screen readers. */

const MENTIONED = 15_000; // ms

export class Notices {
  #notice;
  #announcement;
  #shown = "";
  #mentioned = "";

  constructor(root) {
    this.#notice = root.querySelector("[data-notice]");
    this.#announcement = root.querySelector("[data-announcement]");
  }

  /**
   * Show `sentence` until it is taken back; an empty one takes it back.
   *
   * @param {string} sentence
   * @param {"info" | "warning" | "success"} tone
   */
  show(sentence, tone = "info") {
    this.#shown = sentence;
    this.#notice.dataset.tone = tone;
    this.#notice.querySelector("[data-notice-text]").textContent = sentence;
    this.#notice.classList.toggle("call-notice--shown", sentence !== "");
  }

  /** Show `sentence` for a while; where something weightier stands, say it only. */
  mention(sentence) {
    if (this.#shown && this.#shown !== this.#mentioned) return this.announce(sentence);
    this.#mentioned = sentence;
    this.show(sentence);
    setTimeout(() => this.#shown === sentence && this.show(""), MENTIONED);
  }

  /** Say `sentence` to screen readers without showing it. */
  announce(sentence) {
    const line = document.createElement("p");
    line.textContent = sentence;
    this.#announcement.append(line);
    while (this.#announcement.childElementCount > 5) this.#announcement.firstElementChild.remove();
  }

  /** Mention it when a device vanishes, and which one takes its place. */
  tellOf(devices, words) {
    devices.addEventListener("replaced", ({ detail }) =>
      this.mention(words(`${detail.kind}_replaced`, detail)),
    );
    devices.addEventListener("lost", ({ detail: { kind, condition } }) =>
      this.mention(words(`${kind}_${condition}`)),
    );
  }
}
