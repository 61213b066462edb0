/**
 * The media connection to the relay: one RTCPeerConnection that always offers.
 *
 * The offer is made before camera and microphone are there, so that connecting and the person's
 * answer to the browser's question run side by side; tracks are put in later without renegotiation.
 * Sections stand in the order of docs/signaling.md: microphone, camera, then the receiving pairs.
 */

export const PAIRS = 3;
const MAX_VIDEO_BITRATE = 1_500_000; // bit/s; VGA looks no better above
const SIGNING_BITRATE = 250_000; // bit/s, as phones with little data can afford
const SIGNING_SIZE = { width: 320, height: 240 }; // QVGA: hands and face are seen, motion is fluent
const AUDIO = ["audio/opus"];
const VIDEO = ["video/VP8", "video/rtx"];

/** Restrict a section to what the relay speaks; shorter descriptions are parsed sooner. */
function preferCodecs(transceiver, kind, names) {
  const known = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = known.filter((codec) =>
    names.some((name) => name.toLowerCase() === codec.mimeType.toLowerCase()),
  );
  if (wanted.length) transceiver.setCodecPreferences?.(wanted);
}

/** By how much a camera's picture is to shrink for signing. */
function shrinking(track) {
  const { width = 0, height = 0 } = track?.getSettings() ?? {};
  return Math.max(1, Math.min(width / SIGNING_SIZE.width, height / SIGNING_SIZE.height));
}

/** What stays the same in the relay's answers as long as its end of the connection lives. */
function associationOf(sdp) {
  return (sdp.match(/^a=(?:fingerprint|ssrc):\S+( [0-9A-F:]{32,})?/gm) ?? []).join();
}

export class Peer extends EventTarget {
  #pc;
  #senders;
  #offers = 0;
  #active = false;
  #resting = false;
  #signing = false;
  #shaping = Promise.resolve();
  #usable = true;
  #association = "";
  pairs;

  constructor() {
    super();
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.#pc = pc;
    const stream = new MediaStream();
    const sending = (kind, encoding) =>
      pc.addTransceiver(kind, {
        direction: "sendonly",
        streams: [stream],
        sendEncodings: [{ active: false, ...encoding }],
      });
    const audio = sending("audio", { priority: "high", networkPriority: "high" });
    const video = sending("video", { maxBitrate: MAX_VIDEO_BITRATE });
    this.#senders = { audio, video };
    this.pairs = Array.from({ length: PAIRS }, () => ({
      audio: pc.addTransceiver("audio", { direction: "recvonly" }),
      video: pc.addTransceiver("video", { direction: "recvonly" }),
    }));
    for (const transceiver of pc.getTransceivers()) {
      const { kind } = transceiver.receiver.track;
      preferCodecs(transceiver, kind, kind === "audio" ? AUDIO : VIDEO);
    }
    pc.addEventListener("connectionstatechange", () => {
      this.dispatchEvent(new CustomEvent("state", { detail: pc.connectionState }));
    });
  }

  get state() {
    return this.#pc.connectionState;
  }

  /** Whether a new offer on this connection can bring it back (else make a new one). */
  get usable() {
    return this.#usable && this.#pc.connectionState !== "closed";
  }

  /**
   * Make the offer that is to be sent now.
   *
   * @param {boolean} restart new ICE credentials on the same DTLS association (RFC 8445, 9)
   * @returns {Promise<{id: number, sdp: string}>}
   */
  async offer(restart = false) {
    if (restart) this.#pc.restartIce();
    await this.#pc.setLocalDescription();
    this.#offers += 1;
    return { id: this.#offers, sdp: this.#pc.localDescription.sdp };
  }

  /**
   * Take the relay's answer; answers to offers that were replaced since are ignored.
   *
   * Rejects when the relay has forgotten this connection meanwhile (it was away for too long, or
   * the server was restarted): its keys are gone, and a new connection must be made.
   *
   * @returns {Promise<boolean>} whether it was taken
   */
  async answer({ id, sdp }) {
    if (id !== this.#offers || this.#pc.signalingState !== "have-local-offer") return false;
    const association = associationOf(sdp);
    if (this.#association && association !== this.#association) {
      throw new Error("the relay does not know this connection any more");
    }
    this.#association = association;
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    return true;
  }

  /** Use other relay servers and credentials from the next ICE restart on. */
  configure(configuration) {
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), ...configuration });
  }

  /** Put `track` (or nothing) into the sending section of `kind`. */
  async replace(kind, track) {
    await this.#senders[kind].sender.replaceTrack(track);
    if (kind === "video" && this.#signing) await this.#shape(); // another camera, another size
  }

  /**
   * Send, or rest without spending the person's data.
   *
   * @param {boolean} active false in the lobby and while nobody else is in the room
   */
  async send(active) {
    this.#active = active;
    await this.#shape();
  }

  /**
   * Send the picture in another shape.
   *
   * @param {object} shape
   * @param {boolean} shape.resting no picture at all: the room is needed for the sound
   * @param {boolean} shape.signing fluent motion first, for sign language
   */
  async shape({ resting, signing }) {
    this.#resting = resting;
    this.#signing = signing;
    await this.#shape();
  }

  #shape() {
    // Parameters that were read before another change are refused.
    this.#shaping = this.#shaping.then(() =>
      Promise.all(Object.entries(this.#senders).map(([kind, { sender }]) => this.#fit(kind, sender))),
    );
    return this.#shaping;
  }

  async #fit(kind, sender) {
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings ?? [];
    if (!encoding || !this.#usable) return;
    encoding.active = this.#active;
    if (kind === "video") {
      encoding.active = this.#active && !this.#resting;
      encoding.maxBitrate = this.#signing ? SIGNING_BITRATE : MAX_VIDEO_BITRATE;
      encoding.scaleResolutionDownBy = this.#signing ? shrinking(sender.track) : 1;
      parameters.degradationPreference = this.#signing ? "maintain-framerate" : "balanced";
    }
    await sender.setParameters(parameters).catch(() => {}); // closed meanwhile
  }

  /** Statistics of the whole connection, as an array. */
  async stats() {
    return [...(await this.#pc.getStats()).values()];
  }

  /** The pair whose sections have these mids, or undefined. */
  pair(audioMid, videoMid) {
    return this.pairs.find(({ audio, video }) => audio.mid === audioMid || video.mid === videoMid);
  }

  /** Take the connection down. */
  close() {
    this.#usable = false;
    this.#pc.close();
  }
}
