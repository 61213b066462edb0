/**
 * The media connection to the relay: one RTCPeerConnection that always offers.
 *
 * The offer is made before camera and microphone are there, so that connecting and the person's
 * answer to the browser's question run side by side; tracks are put in later without renegotiation.
 * Sections stand in the order of docs/signaling.md: microphone, camera, then the receiving pairs.
 */

export const PAIRS = 3;
// One picture in two sizes, the smaller first, for rooms of three and more: the relay gives everyone
// the one that their network takes. Two people need the larger one alone. Chromium makes no third
// size of VGA.
const MAX_VIDEO_BITRATE = 1_500_000; // bit/s; VGA looks no better above
const LAYERS = [
  { rid: "l", maxBitrate: 100_000 }, // its every second frame alone takes 60
  { rid: "h", maxBitrate: MAX_VIDEO_BITRATE },
];
const SMALL = { width: 213, height: 160 };
const SPARE_FRAMES = "L1T2"; // every second frame can be left out
const NO_SPARE_FRAMES = "L1T1";
const SIGNING_BITRATE = 240_000; // bit/s, as phones with little data can afford; headers add some
const SIGNING_SIZE = { width: 320, height: 240 }; // QVGA: hands and face are seen, motion is fluent
const SENT = { audio: ["audio/opus"], video: ["video/VP8", "video/rtx"] };
// The relay adds earlier sound (RED, RFC 2198) for those who lose packets; nobody else sends it.
const RECEIVED = { ...SENT, audio: ["audio/opus", "audio/red"] };

/** Restrict a section to what the relay speaks; shorter descriptions are parsed sooner. */
function preferCodecs(transceiver, kind, names) {
  const known = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = known.filter((codec) =>
    names.some((name) => name.toLowerCase() === codec.mimeType.toLowerCase()),
  );
  if (wanted.length) transceiver.setCodecPreferences?.(wanted);
}

/** Offer that voices are asked for again: browsers repeat and ask, but do not say so themselves. */
function withRepeatedVoices(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/.*\r\n/gim, "$&a=rtcp-fb:$1 nack\r\n");
}

/** By how much a camera's picture is to shrink to fill a size. */
function shrinking(track, size) {
  const { width = 640, height = 480 } = track?.getSettings() ?? {};
  return Math.max(1, Math.min(width / size.width, height / size.height));
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
  #layered = false;
  #shaping = Promise.resolve();
  #usable = true;
  #association = "";
  pairs;

  constructor() {
    super();
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.#pc = pc;
    const stream = new MediaStream();
    const sending = (kind, encodings) =>
      pc.addTransceiver(kind, {
        direction: "sendonly",
        streams: [stream],
        sendEncodings: encodings.map((encoding) => ({ active: false, ...encoding })),
      });
    const audio = sending("audio", [{ priority: "high", networkPriority: "high" }]);
    const video = sending("video", LAYERS);
    this.#senders = { audio, video };
    this.pairs = Array.from({ length: PAIRS }, () => ({
      audio: pc.addTransceiver("audio", { direction: "recvonly" }),
      video: pc.addTransceiver("video", { direction: "recvonly" }),
    }));
    for (const transceiver of pc.getTransceivers()) {
      const { kind } = transceiver.receiver.track;
      const codecs = transceiver.direction === "sendonly" ? SENT : RECEIVED;
      preferCodecs(transceiver, kind, codecs[kind]);
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
    return { id: this.#offers, sdp: withRepeatedVoices(this.#pc.localDescription.sdp) };
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
    if (kind === "video") await this.#shape(); // another camera, another size
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
   * @param {boolean} shape.layered in several sizes, for several receivers
   */
  async shape({ resting, signing, layered }) {
    this.#resting = resting;
    this.#signing = signing;
    this.#layered = layered;
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
    if (!parameters.encodings?.length || !this.#usable) return;
    const before = JSON.stringify(parameters);
    if (kind === "video") {
      for (const encoding of parameters.encodings) this.#fitLayer(encoding, sender.track);
      // A smaller picture is better than a jerky one; "balanced" also stays small long after trouble.
      parameters.degradationPreference = "maintain-framerate";
    } else {
      parameters.encodings[0].active = this.#active;
    }
    if (JSON.stringify(parameters) === before) return; // each setting starts the encoder anew
    await sender.setParameters(parameters).catch(() => {}); // closed meanwhile
  }

  #fitLayer(encoding, track) {
    const whole = encoding.rid !== LAYERS[0].rid;
    const layered = this.#layered && !this.#signing; // signs are lost in a smaller picture
    encoding.active = this.#active && !this.#resting && (whole || layered);
    if (layered) encoding.scalabilityMode = SPARE_FRAMES;
    else if (encoding.scalabilityMode) encoding.scalabilityMode = NO_SPARE_FRAMES;
    if (!whole) {
      encoding.scaleResolutionDownBy = shrinking(track, SMALL);
    } else if (this.#signing) {
      encoding.maxBitrate = SIGNING_BITRATE;
      encoding.scaleResolutionDownBy = shrinking(track, SIGNING_SIZE);
    } else {
      encoding.maxBitrate = MAX_VIDEO_BITRATE;
      encoding.scaleResolutionDownBy = 1;
    }
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
