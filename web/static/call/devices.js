/**
 * Camera and microphone: asking for them, doing without them, turning, switching and changing them.
 *
 * A device that is refused, missing or taken is never an obstacle: whatever is left is used.
 * Who turned a device off finds it off after a reload too. One that vanishes while it is on is
 * replaced by another at once, or as soon as there is one. Dispatches "change" whenever a track or
 * the condition of a device is another one, "replaced" with `{kind, label}` when another device
 * took the place of one that vanished, and "lost" with `{kind, condition}` when none did.
 */

const WISHES = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: {
    width: { ideal: 640, max: 1280 },
    height: { ideal: 480, max: 720 },
    frameRate: { ideal: 24, max: 30 },
  },
};

const WAKING = 1000; // ms that a muted device has to come back by itself
const KINDS = ["audio", "video"];

function problemOf(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "refused";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  return "busy";
}

/** Whether a muted track is heard or seen again within a moment. */
function unmuted(track) {
  return new Promise((resolve) => {
    track.addEventListener("unmute", () => resolve(true), { once: true });
    setTimeout(() => resolve(!track.muted), WAKING);
  });
}

export class Devices extends EventTarget {
  #tracks = { audio: null, video: null };
  #problems = { audio: null, video: null };
  #lost = { audio: false, video: false }; // went away by itself
  #chosen = { audio: null, video: null };
  #facing = "user";
  #asking = false;
  #available = [];
  #mending = Promise.resolve();

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.("devicechange", async () => {
      await this.#list();
      await this.#mend(false);
    });
  }

  /** The track of `kind`, or null. */
  track(kind) {
    return this.#tracks[kind];
  }

  /** Whether others get something from this device right now. */
  on(kind) {
    return this.#tracks[kind]?.enabled === true;
  }

  /** One word for the person's device: "asking", "on", "off", "refused", "missing" or "busy". */
  condition(kind) {
    if (this.#tracks[kind]) return this.on(kind) ? "on" : "off";
    if (this.#asking) return "asking";
    return this.#problems[kind] ?? "off";
  }

  /** The devices of `kind` that can be chosen: `[{deviceId, label}]`. */
  choices(kind) {
    return this.#available.filter((device) => device.kind === `${kind}input` && device.deviceId);
  }

  /** Which way the camera looks: "user" or "environment". */
  get facing() {
    return this.#facing;
  }

  /** Ask for both; when that fails, for each alone. Never throws. */
  async ask() {
    this.#asking = true;
    this.#changed();
    const kinds = KINDS.filter((kind) => kind === "audio" || !recalledOff(kind));
    if (!(await this.#take(kinds)) && kinds.length > 1) {
      await this.#take(["audio"]);
      await this.#take(["video"]);
    }
    if (recalledOff("audio") && this.#tracks.audio) this.#tracks.audio.enabled = false;
    this.#asking = false;
    this.#changed();
    await this.#list();
  }

  /** Ask again for what was taken away meanwhile, as from a computer that slept. Never throws. */
  revive() {
    return this.#mend(true);
  }

  /** Turn a device on or off; one that is not there yet is asked for. */
  async toggle(kind) {
    const on = !this.on(kind);
    recall(kind, on);
    if (!on && kind === "video") {
      this.#drop("video"); // its light goes out as well
    } else if (this.#tracks[kind]) {
      this.#tracks[kind].enabled = on;
    } else {
      await this.#take([kind]);
      await this.#list();
    }
    this.#changed();
  }

  /** Change between the camera towards the person and the one away, else to the next camera. */
  async flip() {
    const facing = this.#facing === "user" ? "environment" : "user";
    const cameras = this.choices("video");
    const current = this.#tracks.video?.getSettings().deviceId;
    this.#drop("video"); // many tablets open only one camera at a time
    try {
      await this.#open({ video: { ...WISHES.video, facingMode: { exact: facing } } });
      this.#facing = facing;
    } catch {
      const next = cameras.findIndex((camera) => camera.deviceId === current) + 1;
      this.#chosen.video = cameras[next % cameras.length]?.deviceId ?? null;
      await this.#take(["video"]);
    }
    this.#changed();
  }

  /** Use the device `deviceId` for `kind` from now on. */
  async choose(kind, deviceId) {
    this.#chosen[kind] = deviceId;
    this.#drop(kind);
    recall(kind, true);
    await this.#take([kind]);
    this.#changed();
  }

  /** Give every device back. */
  stop() {
    this.#drop("audio");
    this.#drop("video");
  }

  /** Ask for `kinds` together and note what stood in the way; returns whether they came. */
  async #take(kinds) {
    let problem = await this.#try(kinds, this.#chosen);
    // What was chosen may be gone meanwhile: any other is better than none.
    const chosen = kinds.some((kind) => this.#chosen[kind]);
    if (problem === "missing" && chosen) problem = await this.#try(kinds, {});
    for (const kind of kinds) this.#problems[kind] = this.#tracks[kind] ? null : problem;
    return problem === null;
  }

  /** Ask for `kinds`, of those `chosen` no other; returns what stood in the way, or null. */
  async #try(kinds, chosen) {
    const constraints = {};
    for (const kind of kinds) {
      const deviceId = chosen[kind];
      // As a mere wish it would give way to another device whose pictures are nearer the size.
      constraints[kind] = { ...WISHES[kind], ...(deviceId && { deviceId: { exact: deviceId } }) };
    }
    if (constraints.video && !chosen.video) constraints.video.facingMode = this.#facing;
    return this.#open(constraints).then(() => null, problemOf);
  }

  async #open(constraints) {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "NotFoundError");
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    for (const track of stream.getTracks()) {
      this.#drop(track.kind);
      this.#tracks[track.kind] = track;
      this.#lost[track.kind] = false;
      track.addEventListener("ended", () => this.#unplugged(track));
    }
    const [camera] = stream.getVideoTracks();
    if (camera) camera.contentHint = "motion";
  }

  async #unplugged(track) {
    const { kind, enabled } = track;
    if (this.#tracks[kind] !== track) return;
    this.#tracks[kind] = null;
    this.#problems[kind] = enabled ? "missing" : null;
    this.#lost[kind] = enabled; // who turned it off wants no other
    this.#changed();
    await this.#mend(false);
    if (this.#lost[kind]) this.#tell("lost", { kind, condition: this.condition(kind) });
  }

  /** Take others for the devices that are gone; `muted` ones too where the page was away itself. */
  #mend(muted) {
    this.#mending = this.#mending.then(async () => {
      for (const kind of KINDS) if (await this.#gone(kind, muted)) await this.#retake(kind);
    });
    return this.#mending;
  }

  async #gone(kind, muted) {
    const track = this.#tracks[kind];
    if (!track?.enabled) return !track && this.#lost[kind];
    // A telephone call mutes the microphone: it comes back by itself, or never.
    return track.readyState === "ended" || (muted && track.muted && !(await unmuted(track)));
  }

  async #retake(kind) {
    this.#drop(kind);
    this.#lost[kind] = !(await this.#take([kind]));
    await this.#list();
    if (!this.#lost[kind]) this.#tell("replaced", { kind, label: this.#tracks[kind].label });
  }

  #drop(kind) {
    this.#tracks[kind]?.stop();
    this.#tracks[kind] = null;
    this.#lost[kind] = false;
  }

  async #list() {
    this.#available = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    this.#changed();
  }

  #changed() {
    this.#tell("change");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Remember for this tab whether the person wants the device on. */
function recall(kind, on) {
  sessionStorage.setItem(`call-${kind}`, on ? "on" : "off");
}

function recalledOff(kind) {
  return sessionStorage.getItem(`call-${kind}`) === "off";
}
