/** What a connection's statistics (W3C webrtc-stats) say about how well people hear and see. */

const EMPTY = Object.freeze({
  at: 0, packets: 0, lost: 0, samples: 0, concealed: 0, waited: 0, emitted: 0,
  frames: 0, frozen: 0, sent: 0, missed: 0, roundTrip: 0, room: null,
});

/** How many bytes of media and of its control have arrived on this connection. */
export function bytesReceived(report) {
  const transport = report.find(({ type }) => type === "transport");
  if (transport?.bytesReceived !== undefined) return transport.bytesReceived;
  const pairs = report.filter(({ type }) => type === "candidate-pair");
  return pairs.reduce((sum, pair) => sum + (pair.bytesReceived ?? 0), 0);
}

/** How many pictures were decoded and packets of sound received on a receiving pair (peer.js). */
export function arrivedOn(report, pair) {
  const stream = (kind) =>
    report.find(
      ({ type, trackIdentifier }) =>
        type === "inbound-rtp" && trackIdentifier === pair[kind].receiver.track.id,
    );
  return {
    frames: stream("video")?.framesDecoded ?? 0,
    packets: stream("audio")?.packetsReceived ?? 0,
  };
}

/**
 * Read a report into plain sums.
 *
 * @param {object[]} report of RTCPeerConnection.getStats(), as an array
 * @param {number} at ms, when it was taken
 * @returns {object} counts since the connection began; `roundTrip` in s, `room` in bit/s or null
 */
export function sampleOf(report, at) {
  const sample = { ...EMPTY, at };
  const inward = report.filter(({ type }) => type === "inbound-rtp");
  for (const stream of inward) (stream.kind === "audio" ? addVoice : addPicture)(sample, stream);
  addSent(sample, report);
  const path = pathOf(report);
  sample.roundTrip = path?.currentRoundTripTime ?? 0;
  sample.room = path?.availableOutgoingBitrate ?? null;
  return sample;
}

/**
 * The share of what was sent between two samples that the relay misses.
 *
 * Only the count of lost packets is about the own way. The fraction in a voice's reports is the
 * worst of the audience, so that the encoder protects the sound for who needs it most.
 */
export function lossOut(before, after) {
  const missed = after.missed - before.missed;
  const sent = Math.max(after.sent - before.sent, missed); // reports come later than packets go
  return missed > 0 ? missed / sent : 0;
}

function addSent(sample, report) {
  for (const stream of report) {
    if (stream.type === "outbound-rtp") {
      // What is repeated has numbers of its own, or fills a gap that no longer counts.
      sample.sent += (stream.packetsSent ?? 0) - (stream.retransmittedPacketsSent ?? 0);
    } else if (stream.type === "remote-inbound-rtp") {
      sample.missed += stream.packetsLost ?? 0;
    }
  }
}

function addVoice(sample, stream) {
  sample.packets += stream.packetsReceived ?? 0;
  sample.lost += stream.packetsLost ?? 0;
  sample.samples += stream.totalSamplesReceived ?? 0;
  // Silence that fills a pause of the sender is no loss.
  sample.concealed += (stream.concealedSamples ?? 0) - (stream.silentConcealedSamples ?? 0);
  sample.waited += stream.jitterBufferDelay ?? 0;
  sample.emitted += stream.jitterBufferEmittedCount ?? 0;
}

function addPicture(sample, stream) {
  sample.frames += stream.framesDecoded ?? 0;
  sample.frozen += stream.totalFreezesDuration ?? 0;
}

function pathOf(report) {
  const chosen = report.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  const pairs = report.filter(({ type }) => type === "candidate-pair");
  return pairs.find(({ id }) => id === chosen) ?? pairs.find((pair) => pair.nominated);
}
