/**
 * Whose picture stands still while their voice arrives: a pure decision, taken for each person.
 *
 * The relay lets pictures rest on a way that has room for the sound only, and tells nobody: who
 * looks at the picture notices by what arrives. A voice that stops as well is another matter, and
 * so is a page that has not looked for a while.
 */

export const STILL = 2000; // ms without a new frame
const VOICE = 1000; // ms within which some sound must have come

export const NOBODY = Object.freeze({
  whom: null, frames: 0, movedAt: 0, packets: 0, heardAt: -Infinity, at: -Infinity, still: false,
});

/**
 * @param {object} state NOBODY, or what the call before returned
 * @param {object} arrived
 * @param {string | null} arrived.whom who is filmed on this pair, or null for nobody
 * @param {number} arrived.frames pictures that were decoded so far
 * @param {number} arrived.packets packets of sound that arrived so far
 * @param {number} now ms, at least every second
 */
export function watch(state, { whom, frames, packets }, now) {
  if (whom === null) return NOBODY;
  const anew = whom !== state.whom || now - state.at >= STILL;
  const moved = anew || frames !== state.frames;
  const movedAt = moved ? now : state.movedAt;
  const heardAt = packets === state.packets ? state.heardAt : now;
  const still = !moved && (state.still || (now - movedAt >= STILL && now - heardAt < VOICE));
  return { whom, frames, movedAt, packets, heardAt, at: now, still };
}
