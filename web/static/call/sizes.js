/**
 * When the own picture is sent in two sizes, so that everyone gets the one their network takes: a
 * pure decision.
 *
 * It takes several receivers, and an uplink for both sizes. Browsers do not shrink a picture that
 * they send in several sizes, they let its frames go: on a narrow uplink one size, which shrinks
 * with the room, looks better to everybody.
 */

export const AMPLE_ROOM = 1_000_000; // bit/s: the larger size looks well beside the smaller
export const SCANT_ROOM = 600_000; // bit/s
const STEADY = 2000; // ms of ample room until there are two sizes
const PATIENCE = 3000; // ms of scant room until there is one
const CALM = 10_000; // ms for which it stays at that

export const ONE_SIZE = Object.freeze({ several: false, since: null, not: -Infinity });

/**
 * @param {object} state ONE_SIZE, or what the call before returned
 * @param {{room: number | null, receivers: number}} sample bit/s that there is room for, null
 *     where the browser does not tell
 * @param {number} now ms
 */
export function resize(state, { room, receivers }, now) {
  if (receivers < 2) return ONE_SIZE;
  const turning = state.several
    ? room !== null && room < SCANT_ROOM
    : (room === null || room >= AMPLE_ROOM) && now >= state.not;
  if (!turning) return state.since === null ? state : { ...state, since: null };
  const since = state.since ?? now;
  if (now - since < (state.several ? PATIENCE : STEADY)) return { ...state, since };
  return { several: !state.several, since: null, not: now + CALM };
}
