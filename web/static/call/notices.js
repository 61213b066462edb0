/** What the page tells people: one visible notice, and announcements for screen readers. */

export class Notices {
  #notice;
  #announcement;

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
    this.#notice.dataset.tone = tone;
    this.#notice.querySelector("[data-notice-text]").textContent = sentence;
    this.#notice.classList.toggle("call-notice--shown", sentence !== "");
  }

  /** Say `sentence` to screen readers without showing it. */
  announce(sentence) {
    const line = document.createElement("p");
    line.textContent = sentence;
    this.#announcement.append(line);
    while (this.#announcement.childElementCount > 5) this.#announcement.firstElementChild.remove();
  }
}
