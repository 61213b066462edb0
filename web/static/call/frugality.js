/**
 * When the own picture rests so that the sound has room: a pure decision.
 *
 * Sound comes first: where there is no room for both, the call is sound alone, and the picture
 * comes back only after the path was calm for a while. Nothing measures the room while only sound
 * is sent, so coming back is a trial; one that fails doubles the time until the next.
 */

export const NARROW = 100_000; // bit/s; sound takes 40 of them, and no picture is worth the rest
export const PATIENCE = 3000; // ms of too little room until the picture rests
export const CALM = 20_000; // ms of calm until it comes back
const LONGEST = 160_000; // ms
const TRIAL = 6000; // ms that the estimate may take to grow once a picture is sent again
const TROUBLED = 0.05; // share of lost packets that is no calm

export const AMPLE = Object.freeze({ resting: false, since: null, wait: CALM, resumed: -Infinity });

/**
 * @param {object} state AMPLE, or what the call before returned
 * @param {{room: number | null, lossOut: number}} path bit/s that there is room for, and the share
 *     of what is sent that gets lost on the own way to the relay
 * @param {number} now ms
 */
export function follow(state, { room, lossOut }, now) {
  return state.resting ? recover(state, lossOut, now) : watch(state, room, now);
}

function watch(state, room, now) {
  const narrow = room !== null && room < NARROW && now - state.resumed >= TRIAL;
  if (!narrow) return state.since === null ? state : { ...state, since: null };
  const since = state.since ?? now;
  if (now - since < PATIENCE) return { ...state, since };
  const failed = now - state.resumed < CALM;
  const wait = failed ? Math.min(2 * state.wait, LONGEST) : CALM;
  return { ...state, resting: true, since: now, wait };
}

function recover(state, lossOut, now) {
  if (lossOut > TROUBLED) return { ...state, since: now };
  if (now - state.since < state.wait) return state;
  return { ...state, resting: false, since: null, resumed: now };
}
