/** The person's own picture, how loud their microphone is, and what stands in a device's way. */

const LEVEL_INTERVAL = 100; // ms

export class Own {
  #element;
  #words;
  #devices;
  #video;
  #meter;
  #context = null;
  #analyser = null;
  #heard = null;

  constructor(element, devices, words) {
    this.#element = element;
    this.#devices = devices;
    this.#words = words;
    this.#video = element.querySelector("video");
    this.#meter = element.querySelector("meter");
    devices.addEventListener("change", () => this.#show());
    setInterval(() => this.#measure(), LEVEL_INTERVAL);
  }

  #show() {
    const camera = this.#devices.track("video");
    const shown = this.#video.srcObject?.getVideoTracks()[0] ?? null;
    if (camera !== shown) this.#video.srcObject = camera ? new MediaStream([camera]) : null;
    const condition = this.#devices.condition("video");
    this.#element.dataset.camera = condition;
    this.#element.dataset.microphone = this.#devices.condition("audio");
    this.#element.classList.toggle("own--mirrored", this.#devices.facing === "user");
    this.#element.querySelector("[data-own-camera]").textContent =
      condition === "on" ? "" : this.#words(`video_${condition}`);
  }

  /** Listen to the microphone that is in use now. */
  #listen() {
    const track = this.#devices.track("audio");
    if (track === this.#heard) return;
    this.#heard = track;
    this.#analyser = null;
    if (!track || !("AudioContext" in window)) return;
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {}); // before the first tap the meter rests, no more
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 512;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  /** Show how loud it is, where the meter is seen at all: in the lobby. */
  #measure() {
    if (document.hidden || !this.#meter.checkVisibility?.()) return;
    this.#listen();
    if (!this.#analyser || !this.#devices.on("audio")) {
      this.#meter.value = 0;
      return;
    }
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // -60 dBFS is silence in a room, -12 dBFS somebody speaking up
    this.#meter.value = Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-9) + 60) / 48));
  }
}
