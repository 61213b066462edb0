/** The row of buttons: microphone, camera, turning the camera, devices, leaving and ending. */

const SHORTCUTS = { KeyM: "audio", KeyC: "video" }; // with Alt, since single letters would type

export class Controls extends EventTarget {
  #root;
  #devices;
  #words;

  constructor(root, devices, words) {
    super();
    this.#root = root;
    this.#devices = devices;
    this.#words = words;
    for (const button of root.querySelectorAll("[data-toggle]")) {
      button.addEventListener("click", () => this.#toggle(button.dataset.toggle));
    }
    this.#on("flip", () => this.#busy("flip", () => devices.flip()));
    this.#on("devices", () => root.querySelector("[data-devices-dialog]").showModal());
    this.#on("ask", () => devices.ask());
    for (const name of ["leave", "end", "here"]) {
      this.#on(name, () => this.dispatchEvent(new CustomEvent(name)));
    }
    for (const select of root.querySelectorAll("select[data-device]")) {
      select.addEventListener("change", () => devices.choose(select.dataset.device, select.value));
    }
    addEventListener("keydown", (event) => {
      const kind = event.altKey && !event.ctrlKey && !event.metaKey && SHORTCUTS[event.code];
      if (!kind || event.repeat) return;
      event.preventDefault();
      this.#toggle(kind);
    });
    devices.addEventListener("change", () => this.#show());
  }

  async #toggle(kind) {
    await this.#devices.toggle(kind);
    const condition = this.#devices.condition(kind);
    this.dispatchEvent(new CustomEvent("toggled", { detail: { kind, condition } }));
  }

  /** Do `work` once, however often somebody taps meanwhile. */
  async #busy(name, work) {
    const button = this.#root.querySelector(`[data-control="${name}"]`);
    if (button.disabled) return;
    button.disabled = true;
    try {
      await work();
    } finally {
      button.disabled = false;
      button.focus();
    }
  }

  #on(name, act) {
    for (const button of this.#root.querySelectorAll(`[data-control="${name}"]`)) {
      button.addEventListener("click", act);
    }
  }

  #show() {
    for (const button of this.#root.querySelectorAll("[data-toggle]")) {
      const condition = this.#devices.condition(button.dataset.toggle);
      button.dataset.condition = condition;
      button.setAttribute("aria-checked", String(condition === "on"));
      button.querySelector("[data-state]").textContent = this.#words(`state_${condition}`);
    }
    const trouble = ["audio", "video"].some((kind) =>
      ["refused", "missing", "busy"].includes(this.#devices.condition(kind)),
    );
    this.#root.classList.toggle("call--device-trouble", trouble);
    for (const button of this.#root.querySelectorAll('[data-control="flip"]')) {
      button.hidden = this.#devices.choices("video").length < 2 || !this.#devices.on("video");
    }
    for (const select of this.#root.querySelectorAll("select[data-device]")) this.#fill(select);
  }

  #fill(select) {
    const kind = select.dataset.device;
    const current = this.#devices.track(kind)?.getSettings().deviceId;
    const options = this.#devices.choices(kind).map(({ deviceId, label }, index) => {
      const fallback = `${this.#words(kind)} ${index + 1}`;
      return new Option(label || fallback, deviceId, false, deviceId === current);
    });
    if (!options.length) options.push(new Option(this.#words("noDevice"), ""));
    select.replaceChildren(...options);
  }
}
