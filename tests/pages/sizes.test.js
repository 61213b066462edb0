/** When a picture is sent in two sizes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AMPLE_ROOM, ONE_SIZE, SCANT_ROOM, resize } from "../../web/static/call/sizes.js";

/** Take one sample a second; give the state after each. */
function follow(samples, state = ONE_SIZE, begin = 0) {
  return samples.map(([room, receivers], index) => {
    state = resize(state, { room, receivers }, begin + 1000 * index);
    return state;
  });
}

const repeated = (sample, times) => Array.from({ length: times }, () => sample);
const several = (states) => states.map((state) => state.several);

test("two people send one size, whatever their room", () => {
  const states = follow(repeated([9_000_000, 1], 20));

  assert.equal(several(states).includes(true), false);
});

test("three people send two sizes once there has been room for two seconds", () => {
  const states = follow(repeated([AMPLE_ROOM, 2], 4));

  assert.deepEqual(several(states), [false, false, true, true]);
});

test("a browser that does not tell its room is taken at its best", () => {
  assert.equal(follow(repeated([null, 2], 3)).at(-1).several, true);
});

test("room that comes and goes is not enough", () => {
  const samples = Array.from({ length: 10 }, (_, index) => [index % 2 ? 0 : AMPLE_ROOM, 2]);

  assert.equal(several(follow(samples)).includes(true), false);
});

test("on an uplink that has become narrow for three seconds one size is sent, for a while", () => {
  const before = follow(repeated([AMPLE_ROOM, 2], 3)).at(-1);

  const narrow = follow(repeated([SCANT_ROOM - 1, 2], 4), before, 3000);
  const wide = follow(repeated([AMPLE_ROOM, 2], 14), narrow.at(-1), 7000);

  assert.deepEqual(several(narrow), [true, true, true, false]);
  assert.equal(several(wide).indexOf(true), 11);
});

test("room between the two bounds changes nothing", () => {
  const two = follow(repeated([AMPLE_ROOM, 2], 3)).at(-1);

  assert.equal(follow(repeated([800_000, 2], 20), two, 3000).at(-1).several, true);
  assert.equal(follow(repeated([800_000, 2], 20)).at(-1).several, false);
});

test("whoever is left with one other sends one size at once", () => {
  const two = follow(repeated([AMPLE_ROOM, 2], 3)).at(-1);

  assert.equal(follow([[AMPLE_ROOM, 1]], two, 3000)[0].several, false);
});
