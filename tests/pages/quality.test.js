/** What people are told of a connection's quality, and that it does not flicker. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Verdict, judge, levelOf, ratingFactor } from "../../web/static/call/quality.js";

const BEGIN = {
  at: 0, packets: 0, lost: 0, samples: 0, concealed: 0, waited: 0, emitted: 0,
  frames: 0, frozen: 0, sent: 0, missed: 0, roundTrip: 0.05, room: null,
};

/** What five seconds later is known when all is well, but for `more`. */
function later(more = {}) {
  return {
    ...BEGIN, at: 5000, packets: 250, samples: 240_000, waited: 0.06 * 240_000, emitted: 240_000,
    frames: 120, sent: 250, ...more,
  };
}

test("the rating factor is that of ITU-T G.107 in its usual simplification", () => {
  assert.equal(ratingFactor(0, 0), 93.2);
  assert.equal(Math.round(ratingFactor(150, 0) * 10) / 10, 89.6);
  assert.equal(Math.round(ratingFactor(400, 0) * 10) / 10, 59.1);
  assert.equal(Math.round(ratingFactor(100, 5) * 10) / 10, 75);
});

test("the classes are those of ITU-T G.109", () => {
  assert.deepEqual([93, 80, 79.9, 60, 59.9].map(levelOf), ["good", "good", "fair", "fair", "poor"]);
});

test("a quick path without loss is good, and there is no cause", () => {
  assert.deepEqual(judge(BEGIN, later()), { level: "good", cause: "none" });
});

for (const [name, more, circumstances, expected] of [
  ["lost packets", { lost: 25, concealed: 24_000 }, {}, "fair loss_in"],
  ["many lost packets", { lost: 75, concealed: 72_000 }, {}, "poor loss_in"],
  ["packets that come too late", { lost: 0, concealed: 24_000 }, {}, "fair jitter"],
  ["a long way", { roundTrip: 0.35 }, {}, "poor delay"],
  ["loss on the way out", { missed: 12 }, {}, "fair loss_out"],
  ["much loss on the way out", { missed: 50 }, {}, "poor loss_out"],
  ["a picture that stands still now and then", { frozen: 0.5 }, {}, "fair freezes"],
  ["a picture that stands still often", { frozen: 2 }, {}, "poor freezes"],
  ["a picture that rests for lack of room", {}, { resting: true }, "fair narrow"],
  ["loss that is another's", { lost: 75, concealed: 72_000 }, { othersLose: true }, "good none"],
  ["a picture that stands still since long", { frames: 0 }, { still: 1 }, "fair freezes"],
  ["few frames while signing", { frames: 80 }, { signing: true }, "fair freezes"],
  ["very few frames while signing", { frames: 50 }, { signing: true }, "poor freezes"],
  ["few frames while talking", { frames: 50 }, {}, "good none"],
  ["two cameras of which one stutters", { frames: 170 }, { signing: true, filmed: 2 }, "fair freezes"],
  ["no camera on", { frames: 0, frozen: 2 }, { signing: true, filmed: 0 }, "good none"],
]) {
  test(`${name}: ${expected}`, () => {
    const { level, cause } = judge(BEGIN, later(more), circumstances);

    assert.equal(`${level} ${cause}`, expected);
  });
}

/** Samples once a second; `bad(second)` says in which seconds sound is concealed. */
function changes(seconds, bad) {
  const verdict = new Verdict();
  const told = [];
  let sample = BEGIN;
  for (let second = 1; second <= seconds; second += 1) {
    const concealed = sample.concealed + (bad(second) ? 24_000 : 0);
    sample = {
      ...sample, at: second * 1000, packets: 50 * second, samples: 48_000 * second, concealed,
      lost: sample.lost + (bad(second) ? 25 : 0),
    };
    if (verdict.take(sample)) told.push(`${second} ${verdict.level}`);
  }
  return told;
}

test("the first level is told as soon as four seconds were looked at", () => {
  assert.deepEqual(changes(20, () => false), ["5 good"]);
});

test("a second of loss is not told", () => {
  assert.deepEqual(changes(40, (second) => second === 20), ["5 good"]);
});

test("loss that goes on is told after seconds, and calm after ten more", () => {
  const told = changes(60, (second) => second > 20 && second <= 40);

  assert.deepEqual(told.map((each) => each.split(" ")[1]), ["good", "poor", "good"]);
});

test("loss that comes and goes is told seldom", () => {
  const told = changes(300, (second) => second % 7 < 2);

  assert.ok(told.length <= 3, told.join());
});

test("a new connection begins to count anew", () => {
  const verdict = new Verdict();
  for (let second = 0; second < 8; second += 1) {
    verdict.take({ ...BEGIN, at: second * 1000, samples: 48_000 * second });
  }

  assert.equal(verdict.take({ ...BEGIN, at: 9000, samples: 10, concealed: 10 }), false);
  assert.equal(verdict.level, "good");
});
