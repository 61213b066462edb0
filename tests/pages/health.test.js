/** What people are told of their connection, and how seldom. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Health } from "../../web/static/call/health.js";

const NARROW = 50_000; // bit/s

/** Somebody's health with the sentences that were announced and the levels that were told. */
function watched() {
  const lines = new Map();
  const element = {
    dataset: {},
    querySelector(selector) {
      if (!lines.has(selector)) lines.set(selector, { textContent: "" });
      return lines.get(selector);
    },
  };
  const said = [];
  const told = [];
  const health = new Health(element, (key) => key, (sentence) => said.push(sentence));
  health.addEventListener("told", ({ detail }) => told.push(detail));
  return { health, element, lines, said, told };
}

/** The statistics of a connection on which that share of what is sent gets lost. */
function report(lost, room = null) {
  return (second) => [
    { type: "outbound-rtp", kind: "audio", packetsSent: 50 * second },
    { type: "remote-inbound-rtp", kind: "audio", packetsLost: 50 * second * lost },
    {
      type: "candidate-pair", nominated: true, currentRoundTripTime: 0.03,
      ...(room && { availableOutgoingBitrate: room }),
    },
  ];
}

function run(health, from, to, statistics, filming = true) {
  for (let second = from; second < to; second += 1) {
    health.take(statistics(second), second * 1000, filming);
  }
}

test("the level stands in words, with the reason, and is told once", () => {
  const { health, element, lines, told } = watched();

  run(health, 0, 30, report(0.2));

  assert.deepEqual(told, [{ level: "poor", cause: "loss_out" }]);
  assert.equal(element.dataset.level, "poor");
  assert.equal(lines.get("[data-quality-level]").textContent, "quality_poor");
  assert.equal(lines.get("[data-quality-cause]").textContent, "cause_loss_out");
});

test("nothing is announced while all is well", () => {
  const { health, said } = watched();

  run(health, 0, 60, report(0));

  assert.deepEqual(said, []);
});

test("an announcement that came too soon after another is made later", () => {
  const { health, said } = watched();

  run(health, 0, 6, report(0.2));
  run(health, 6, 60, report(0));

  assert.deepEqual(said, ["quality_poor. cause_loss_out", "quality_good. "]);
});

test("another's weak connection is the reason where the own one is good", () => {
  const { health, lines } = watched();
  run(health, 0, 6, report(0));

  health.around([{ name: "Kim", quality: "lost", cause: "none" }]);

  assert.equal(lines.get("[data-quality-cause]").textContent, "other_lost");
});

test("a picture that rests is announced, and so is its return", () => {
  const { health, said } = watched();

  run(health, 0, 26, report(0, NARROW));

  assert.equal(said[0], "pictureRests");
  assert.ok(said.includes("pictureBack"));
});

test("nobody hears that a camera sends again which is off", () => {
  const { health, said } = watched();
  run(health, 0, 5, report(0, NARROW));

  run(health, 5, 40, report(0), false);

  assert.equal(health.resting, false);
  assert.ok(!said.includes("pictureBack"));
});

test("a picture that stands still is no good connection, and its end is seen at once", () => {
  const { health, lines, told } = watched();
  run(health, 0, 6, report(0));

  health.still = 1;
  run(health, 6, 20, report(0));
  const meanwhile = lines.get("[data-quality-cause]").textContent;
  health.still = 0;

  assert.deepEqual(told, [{ level: "good", cause: "none" }, { level: "fair", cause: "freezes" }]);
  assert.equal(meanwhile, "still");
  assert.equal(lines.get("[data-quality-cause]").textContent, "cause_freezes");
});

test("who signs keeps the picture", () => {
  const { health } = watched();
  health.signing = true;

  run(health, 0, 30, report(0, NARROW));

  assert.equal(health.resting, false);
});
