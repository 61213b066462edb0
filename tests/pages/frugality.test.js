/** When the own picture rests for the sound, and when it comes back. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AMPLE, CALM, NARROW, PATIENCE, follow } from "../../web/static/call/frugality.js";

/** Second by second: at which seconds the picture went and came. */
function turns(seconds, sampleAt) {
  const seen = [];
  let state = AMPLE;
  for (let second = 0; second <= seconds; second += 1) {
    const next = follow(state, { lossOut: 0, ...sampleAt(second, state) }, second * 1000);
    if (next.resting !== state.resting) seen.push([second, next.resting ? "rests" : "back"]);
    state = next;
  }
  return seen;
}

test("sixty kilobit a second are for the sound alone", () => {
  const [first] = turns(10, () => ({ room: 60_000 }));

  assert.deepEqual(first, [PATIENCE / 1000, "rests"]);
});

test("a moment with little room changes nothing", () => {
  assert.deepEqual(turns(60, (second) => ({ room: second % 10 < 2 ? 50_000 : 500_000 })), []);
});

test("without an estimate the picture stays", () => {
  assert.deepEqual(turns(60, () => ({ room: null })), []);
});

test("the picture comes back after twenty seconds of calm, and stays where there is room", () => {
  const seen = turns(120, (second, { resting }) => ({
    room: second < 10 || resting ? NARROW - 1 : 400_000,
  }));

  assert.deepEqual(seen, [[3, "rests"], [3 + CALM / 1000, "back"]]);
});

test("loss puts the calm off", () => {
  const seen = turns(60, (second, { resting }) => ({
    room: second < 10 || resting ? 60_000 : 400_000,
    lossOut: second < 30 ? 0.2 : 0,
  }));

  assert.deepEqual(seen.at(-1), [29 + CALM / 1000, "back"]);
});

test("every trial that fails doubles the time until the next", () => {
  const seen = turns(400, () => ({ room: 60_000 }));
  const pauses = [];
  for (let index = 0; index + 1 < seen.length; index += 2) {
    pauses.push(seen[index + 1][0] - seen[index][0]);
  }

  assert.deepEqual(pauses.slice(0, 4), [20, 40, 80, 160]);
});
