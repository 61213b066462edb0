/** Whose connection is found weak when one person of three loses packets on the way to them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Health } from "../../web/static/call/health.js";

const NARROW = 50_000; // bit/s
const NAMES = ["Amira", "Kerstin", "Robin"];

/**
 * Three people in a room who tell each other their levels. `losing` has the share of packets that
 * each loses on the way from the relay, `up` that on the way to it.
 */
class Meeting {
  second = 0;
  roomOf = { Amira: 3_000_000, Kerstin: 3_000_000, Robin: 3_000_000 };

  constructor(losing = {}, up = {}) {
    this.losing = losing;
    this.up = up;
    this.people = NAMES.map((name) => ({ name, video: true, quality: "unknown", cause: "none" }));
    this.healths = new Map(this.people.map((person) => [person.name, this.#listen(person)]));
  }

  #listen(person) {
    const line = { textContent: "" };
    const element = { dataset: {}, querySelector: () => line };
    const health = new Health(element, (key) => key, () => {});
    health.addEventListener("told", ({ detail }) => {
      Object.assign(person, { quality: detail.level, cause: detail.cause });
    });
    return health;
  }

  run(seconds) {
    for (const end = this.second + seconds; this.second < end; this.second += 1) {
      for (const [name, health] of this.healths) {
        health.around(this.people.filter((person) => person.name !== name));
        health.take(this.#report(name), this.second * 1000, true);
      }
    }
  }

  /** What a browser knows: the relay's fraction is the worst of the audience, its count is not. */
  #report(name) {
    const packets = 50 * this.second;
    const lost = this.losing[name] ?? 0;
    const missed = this.up[name] ?? 0;
    const others = NAMES.filter((other) => other !== name);
    const audience = others.map((other) => this.losing[other] ?? 0);
    return [
      {
        type: "inbound-rtp", kind: "audio", packetsReceived: packets * (1 - lost),
        packetsLost: packets * lost, totalSamplesReceived: 960 * packets,
        concealedSamples: 960 * packets * lost, jitterBufferDelay: 0.04 * 960 * packets,
        jitterBufferEmittedCount: 960 * packets,
      },
      { type: "outbound-rtp", kind: "audio", packetsSent: packets },
      {
        type: "remote-inbound-rtp", kind: "audio", packetsLost: packets * missed,
        fractionLost: Math.max(missed, ...audience),
      },
      {
        type: "candidate-pair", nominated: true, currentRoundTripTime: 0.03,
        availableOutgoingBitrate: this.roomOf[name],
      },
    ];
  }

  get found() {
    return Object.fromEntries(
      this.people.map(({ name, quality, cause }) => [name, `${quality} ${cause}`]),
    );
  }
}

test("who loses what the others say is found weak, and nobody else is", () => {
  const meeting = new Meeting({ Robin: 0.15 });

  meeting.run(60);

  assert.deepEqual(meeting.found, {
    Amira: "good none", Kerstin: "good none", Robin: "poor loss_in",
  });
});

test("who loses what they say themselves is found weak, and nobody else is", () => {
  const meeting = new Meeting({}, { Robin: 0.15 });

  meeting.run(60);

  assert.deepEqual(meeting.found, {
    Amira: "good none", Kerstin: "good none", Robin: "poor loss_out",
  });
});

test("a rested picture comes back although another loses packets", () => {
  const meeting = new Meeting({ Robin: 0.15 });
  meeting.roomOf.Amira = NARROW;
  meeting.run(10);
  const rested = meeting.healths.get("Amira").resting;

  meeting.roomOf.Amira = 3_000_000;
  meeting.run(30);

  assert.equal(rested, true);
  assert.equal(meeting.healths.get("Amira").resting, false);
});
