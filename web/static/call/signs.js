/**
 * Whether signs are sent at the scarce rate, so that the voice beside them stays whole: a pure
 * decision.
 *
 * A picture of signs fills the rate it is given, and a browser's own estimate of its uplink goes
 * up to where packets are lost, those of the voice as well. So a full uplink makes the rate scarce
 * at once. A browser that sends little does not learn of more room: going back is a trial after a
 * while of calm, and one that fails doubles the time until the next.
 */

export const AMPLE_ROOM = 300_000; // bit/s: both the picture at the ample rate and the voice
export const SCANT_ROOM = 220_000; // bit/s
export const PATIENCE = 2000; // ms of scant room until the rate is scarce
export const CALM = 20_000; // ms of calm until the ample rate is tried
export const TRIAL = 10_000; // ms within which a trial fails
const LONGEST = 80_000; // ms
const CLIMB = 6000; // ms that the estimate may take to grow once more is sent
const LOST = 0.03; // share of sent packets: the queue of the uplink has run over
const QUEUED = 0.15; // s that a packet waits in that queue
const FORGETTING = 1.01; // the shortest round trip grows by that: another network may take longer

export const NO_SIGNS = Object.freeze({
  scarce: false, since: null, wait: CALM, tried: -Infinity, shortest: Infinity,
});

/**
 * Take a sample, one a second, also while nobody signs: the room at that time decides how signs
 * begin.
 *
 * @param {object} state NO_SIGNS, or what the call before returned
 * @param {{signing: boolean, room: number | null, lossOut: number, roundTrip: number}} sample bit/s
 *     that there is room for, null where the browser does not tell; the share of what is sent that
 *     the relay misses; s, 0 while unknown
 * @param {number} now ms
 */
export function pace(state, { signing, room, lossOut, roundTrip }, now) {
  const shortest = Math.min(roundTrip || Infinity, FORGETTING * state.shortest);
  const known = { ...state, shortest };
  if (!signing) {
    const scarce = room !== null && room < AMPLE_ROOM;
    return { ...NO_SIGNS, scarce, since: scarce ? now : null, shortest };
  }
  const full = lossOut > LOST || roundTrip > shortest + QUEUED;
  return state.scarce ? recover(known, full, now) : watch(known, full, room, now);
}

function watch(state, full, room, now) {
  const scant = room !== null && room < SCANT_ROOM && now - state.tried >= CLIMB;
  const since = scant ? (state.since ?? now) : null;
  if (!full && (since === null || now - since < PATIENCE)) return { ...state, since };
  const failed = now - state.tried < TRIAL;
  return { ...state, scarce: true, since: now, wait: failed ? Math.min(2 * state.wait, LONGEST) : CALM };
}

function recover(state, full, now) {
  if (full) return { ...state, since: now };
  if (now - state.since < state.wait) return state;
  return { ...state, scarce: false, since: null, tried: now };
}
