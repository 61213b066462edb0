/** When signs are sent at the scarce rate, and when the ample one is tried. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AMPLE_ROOM, CALM, NO_SIGNS, PATIENCE, SCANT_ROOM, TRIAL, pace,
} from "../../web/static/call/signs.js";

const WELL = { signing: true, room: 500_000, lossOut: 0, roundTrip: 0.05 };

/** Second by second from `begin` on: at which seconds the rate became scarce and ample. */
function turns(seconds, sampleAt, room = 500_000) {
  let state = pace(NO_SIGNS, { ...WELL, ...sampleAt(0, NO_SIGNS), signing: false, room }, 0);
  const seen = [[0, state.scarce ? "scarce" : "ample"]];
  for (let second = 1; second <= seconds; second += 1) {
    const next = pace(state, { ...WELL, ...sampleAt(second, state) }, second * 1000);
    if (next.scarce !== state.scarce) seen.push([second, next.scarce ? "scarce" : "ample"]);
    state = next;
  }
  return seen;
}

test("signs begin with the rate that there is room for", () => {
  const scarce = { room: SCANT_ROOM - 1 };

  assert.deepEqual(turns(10, () => ({}), AMPLE_ROOM), [[0, "ample"]]);
  assert.deepEqual(turns(10, () => scarce, AMPLE_ROOM - 1), [[0, "scarce"]]);
  assert.deepEqual(turns(10, () => ({ room: null }), null), [[0, "ample"]]);
});

test("lost packets make the rate scarce at once", () => {
  const seen = turns(10, (second) => ({ lossOut: second === 5 ? 0.1 : 0 }));

  assert.deepEqual(seen, [[0, "ample"], [5, "scarce"]]);
});

test("packets that wait long on their way make the rate scarce at once", () => {
  const seen = turns(10, (second) => ({ roundTrip: second < 5 ? 0.05 : 0.21 }));

  assert.deepEqual(seen, [[0, "ample"], [5, "scarce"]]);
});

test("a long way is no full one", () => {
  assert.deepEqual(turns(60, () => ({ roundTrip: 0.6 })), [[0, "ample"]]);
});

test("little room for two seconds makes the rate scarce, for a moment it does not", () => {
  const lasting = turns(10, (second) => ({ room: second < 5 ? 500_000 : SCANT_ROOM - 1 }));
  const brief = turns(60, (second) => ({ room: second % 3 ? SCANT_ROOM - 1 : 500_000 }));

  assert.deepEqual(lasting, [[0, "ample"], [5 + PATIENCE / 1000, "scarce"]]);
  assert.deepEqual(brief, [[0, "ample"]]);
});

test("after twenty seconds of calm the ample rate is tried, and stays where it does no harm", () => {
  const seen = turns(300, (second, { scarce }) => ({ room: scarce ? 150_000 : 400_000 }), 200_000);

  assert.deepEqual(seen, [[0, "scarce"], [CALM / 1000, "ample"]]);
});

test("trouble puts the calm off", () => {
  const seen = turns(60, (second) => ({ lossOut: second <= 30 ? 0.1 : 0 }), 200_000);

  assert.deepEqual(seen, [[0, "scarce"], [30 + CALM / 1000, "ample"]]);
});

test("the estimate may take a while to grow in a trial", () => {
  const seen = turns(60, (second) => ({ room: second < 25 ? 150_000 : 400_000 }), 150_000);

  assert.deepEqual(seen, [[0, "scarce"], [CALM / 1000, "ample"]]);
});

test("every trial that fails doubles the time until the next", () => {
  const seen = turns(400, (second, { scarce }) => ({ lossOut: scarce ? 0 : 0.1 }));
  const trials = seen.filter(([, rate]) => rate === "ample").map(([second]) => second);

  assert.deepEqual(trials, [0, 21, 62, 143, 224, 305, 386]);
});

test("after a rate that was well for longer than a trial the wait is short again", () => {
  let ampleSince = 0;
  const seen = turns(200, (second, { scarce }) => {
    if (scarce) ampleSince = second + 1;
    return { lossOut: !scarce && second - ampleSince > TRIAL / 1000 ? 0.1 : 0 };
  });
  const pauses = seen.flatMap(([second, rate], index) =>
    rate === "scarce" && seen[index + 1] ? [seen[index + 1][0] - second] : []);

  assert.ok(pauses.length > 2);
  assert.deepEqual(new Set(pauses), new Set([CALM / 1000]));
});

test("another network with a longer way is not taken for a full one for ever", () => {
  const seen = turns(400, (second) => ({ roundTrip: second < 10 ? 0.05 : 0.3 }));

  assert.equal(seen.at(-1)[1], "ample");
});
