/** When a picture is said to stand still. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOBODY, STILL, watch } from "../../web/static/call/still.js";

const LOOK = 500; // ms

/** The moments (s) at which the picture came to be still, and moved again. */
function turns(seconds, arrivedAt) {
  const seen = [];
  let state = NOBODY;
  let arrived = { whom: "kim", frames: 0, packets: 0 };
  for (let now = 0; now <= seconds * 1000; now += LOOK) {
    const { frames = 12, packets = 25, whom = "kim", missed = false } = arrivedAt(now / 1000);
    arrived = { whom, frames: arrived.frames + frames, packets: arrived.packets + packets };
    if (missed) continue;
    const next = watch(state, arrived, now);
    if (next.still !== state.still) seen.push([now / 1000, next.still ? "still" : "moves"]);
    state = next;
  }
  return seen;
}

test("a picture that stops while the voice goes on is still, until its first new frame", () => {
  const seen = turns(60, (at) => (at > 10 && at < 30 ? { frames: 0 } : {}));

  assert.deepEqual(seen, [[10 + STILL / 1000, "still"], [30, "moves"]]);
});

test("a picture that stops together with the voice is another matter", () => {
  assert.deepEqual(turns(60, (at) => (at > 10 && at < 30 ? { frames: 0, packets: 0 } : {})), []);
});

test("a pause in the voice does not bring a still picture back", () => {
  const seen = turns(40, (at) => ({
    ...(at > 10 && { frames: 0 }), ...(at > 20 && at < 25 && { packets: 0 }),
  }));

  assert.deepEqual(seen, [[12, "still"]]);
});

test("a camera that is switched off is not still", () => {
  const seen = turns(40, (at) => ({
    ...(at > 10 && { frames: 0 }), ...(at >= 20 && { whom: null }),
  }));

  assert.deepEqual(seen, [[12, "still"], [20, "moves"]]);
});

test("somebody else on the same pair has two seconds of their own", () => {
  const seen = turns(20, (at) => ({ frames: at > 10 ? 0 : 12, whom: at > 11.5 ? "robin" : "kim" }));

  assert.deepEqual(seen, [[14, "still"]]);
});

test("a page that has not looked for a while begins anew", () => {
  const seen = turns(60, (at) => ({ ...(at > 10 && { frames: 0 }), missed: at > 11 && at < 40 }));

  assert.deepEqual(seen, [[42, "still"]]);
});
