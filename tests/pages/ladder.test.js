/** Which step the call takes when its connection falters. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ANSWERING, CHECKING, FRESH, HUSH, OPENING, PHONE, PROBING, STALL, deadline, next,
} from "../../web/static/call/ladder.js";

const MIDDLE = () => 0.5;

/** One connection with a clock of its own. */
class Story {
  state = FRESH;
  now = 1000;

  tell(type, more = {}) {
    const [state, actions] = next(this.state, { type, ...more }, this.now, MIDDLE);
    this.state = state;
    return actions.map((action) => [action.do, action.offer].filter(Boolean).join(" "));
  }

  /** Let time pass until something is due. */
  due(more = {}) {
    this.now = deadline(this.state);
    return this.tell("time", more);
  }

  static well() {
    const story = new Story();
    story.tell("start");
    story.tell("welcome");
    story.tell("answered");
    story.tell("media", { state: "connected" });
    story.tell("bytes", { total: 100, expecting: true, connected: true });
    return story;
  }

  stall() {
    this.now += STALL;
    return this.tell("bytes", { total: 100, expecting: true, connected: true });
  }
}

test("a connection that comes about at once asks for nothing more", () => {
  const story = new Story();

  const first = story.tell("start");
  story.tell("welcome");
  story.tell("answered");
  const last = story.tell("media", { state: "connected" });

  assert.deepEqual([first, last], [["open same"], ["mended"]]);
  assert.equal(deadline(story.state), Infinity);
});

test("two seconds without a byte restart ICE, and bytes that come again mend it", () => {
  const story = Story.well();
  story.now += STALL - 1;

  const early = story.tell("bytes", { total: 100, expecting: true, connected: true });
  story.now += 1;
  const late = story.tell("bytes", { total: 100, expecting: true, connected: true });
  story.now += 500;
  const again = story.tell("bytes", { total: 200, expecting: true, connected: true });

  assert.deepEqual([early, late, again], [[], ["interrupted", "restart"], ["mended"]]);
});

test("silence is no trouble while nothing is expected", () => {
  const story = Story.well();
  story.now += 60_000;

  assert.deepEqual(story.tell("bytes", { total: 100, expecting: false, connected: true }), []);
});

/** Somebody without any device, to whom others speak or not, and to whom nothing comes any more. */
function listener(others) {
  const story = new Story();
  story.tell("start");
  story.tell("welcome");
  story.tell("answered");
  story.tell("media", { state: "connected", connected: true });
  story.tell("bytes", { total: 100, others, connected: true });
  story.now += HUSH;
  return story;
}

test("who has no device is reconnected when the others are not heard any more", () => {
  const story = listener(true);

  const stalled = story.tell("bytes", { total: 100, others: true, connected: true });
  story.tell("answered");
  const again = story.tell("bytes", { total: 200, others: true, connected: true });

  assert.deepEqual([stalled, again], [["interrupted", "restart"], ["mended"]]);
});

test("who has no device waits in peace for others who say nothing, or whom the server lost", () => {
  const silent = listener(false);
  silent.now += 60_000;
  const lost = listener(true);

  assert.deepEqual(silent.tell("bytes", { total: 100, others: false, connected: true }), []);
  assert.deepEqual(lost.tell("bytes", { total: 100, others: false, connected: true }), []);
});

test("who has no device does not wait for what has never come", () => {
  const story = listener(false);
  story.tell("bytes", { total: 100, others: true, connected: true });
  story.now += 60_000;

  assert.deepEqual(story.tell("bytes", { total: 100, others: true, connected: true }), []);
});

test("a way that ICE finds again is believed in, though the others stay silent", () => {
  const story = listener(true);
  story.tell("bytes", { total: 100, others: true, connected: true });
  story.tell("answered");

  assert.deepEqual(story.due({ others: true, connected: true }), ["mended"]);
});

test("after the restart of ICE a new connection is built, and then again with growing pauses", () => {
  const story = Story.well();
  const steps = story.stall().slice(1);

  while (steps.length < 4) {
    story.tell("answered");
    steps.push(...story.due().filter((each) => each !== "phone"));
  }

  assert.deepEqual(steps, ["restart", "rebuild", "rebuild", "rebuild"]);
});

test("a socket that is lost is opened again with growing pauses, and media keeps its keys", () => {
  const story = Story.well();
  const told = story.tell("closed");
  const pauses = [];

  for (let round = 0; round < 7; round += 1) {
    pauses.push(story.state.socketDue - story.now);
    story.now = story.state.socketDue;
    assert.deepEqual(story.tell("time").filter((each) => each !== "phone"), ["open same"]);
    story.tell("closed");
  }

  assert.deepEqual(told, ["interrupted"]);
  assert.deepEqual(pauses, [187.5, 375, 750, 1500, 3000, 6000, 6000]);
});

test("pauses are jittered downwards by up to a half", () => {
  const story = Story.well();

  const [shortest] = next(story.state, { type: "closed" }, 0, () => 0);
  const [longest] = next(story.state, { type: "closed" }, 0, () => 1);

  assert.deepEqual([shortest.socketDue, longest.socketDue], [125, 250]);
});

test("a socket and media that are both lost come back with an ICE restart in the first message", () => {
  const story = Story.well();
  story.tell("closed");
  story.stall();

  const opened = story.due();
  story.tell("welcome");
  story.tell("answered");
  const last = story.tell("media", { state: "connected" });

  assert.deepEqual([opened, last], [["open restart"], ["mended"]]);
});

test("an answer for another connection builds a new one", () => {
  const story = Story.well();
  story.tell("closed");
  story.due();
  story.tell("welcome");

  assert.deepEqual(story.tell("refused").at(-1), "rebuild");
});

test("another relay is offered to at once, however long the pauses have become", () => {
  const story = Story.well();
  story.tell("refused");
  for (let round = 0; round < 5; round += 1) {
    story.tell("refused");
    story.due();
  }
  story.tell("refused");
  const resting = story.state.media;

  const first = story.tell("moved");
  story.tell("refused");
  const pause = deadline(story.state) - story.now;

  assert.deepEqual([resting, first], ["resting", ["rebuild"]]);
  assert.ok(pause <= 1000, `then the pauses begin anew: ${pause}`);
});

test("a move that is told while the old relay is asked is answered at once, too", () => {
  const story = Story.well();
  story.tell("refused");

  assert.deepEqual(story.tell("moved"), ["rebuild"]);
});

test("a socket that neither opens nor answers is given up", () => {
  const story = new Story();
  story.tell("start");
  story.now += OPENING;

  const dropped = story.tell("time");
  const reopened = story.due();
  story.tell("welcome");
  story.now += ANSWERING;
  const unanswered = story.tell("time");

  assert.equal(dropped[0], "drop");
  assert.deepEqual(reopened, ["open same"]);
  assert.equal(unanswered[0], "drop");
});

test("a network that comes back hurries everything that waits", () => {
  const story = Story.well();
  const gone = story.tell("offline");
  story.tell("closed");
  story.stall();

  const back = story.tell("online");

  assert.deepEqual(gone, ["interrupted"]);
  assert.deepEqual(back, ["open restart"]);
});

test("another network restarts ICE before anything has stalled, and says nothing of it", () => {
  const story = Story.well();

  assert.deepEqual(story.tell("network"), ["restart", "ping"]);
});

test("after sleep the devices are looked at, ICE restarts, and the socket has to give a sign", () => {
  const story = Story.well();

  const woke = story.tell("woke");
  story.now += PROBING;
  const silent = story.tell("time");

  assert.deepEqual(woke, ["devices", "restart", "ping"]);
  assert.deepEqual(silent, ["drop", "interrupted"]);
});

test("who comes back to the page has the devices looked at, and the socket", () => {
  assert.deepEqual(Story.well().tell("visible"), ["devices", "ping"]);
});

test("after a long sleep ICE restarts with the credentials that a new socket brings", () => {
  const story = Story.well();

  const woke = story.tell("woke", { stale: true });
  const welcomed = story.tell("welcome");
  story.tell("answered");
  story.tell("media", { state: "connected" });

  assert.deepEqual([woke, welcomed], [["devices", "open none"], ["restart"]]);
  assert.deepEqual([story.state.media, deadline(story.state)], ["well", Infinity]);
});

test("bytes that still come after a long sleep do not keep ICE from its restart", () => {
  const story = Story.well();
  story.tell("woke", { stale: true });
  story.tell("bytes", { total: 200, expecting: true, connected: true });

  assert.deepEqual(story.tell("welcome"), ["restart"]);
});

test("a socket that comes back late offers when it has new credentials", () => {
  const story = Story.well();
  story.tell("closed");
  story.stall();

  const opened = story.due({ stale: true });
  story.tell("closed");
  const again = story.due({ stale: true });
  const welcomed = story.tell("welcome");

  assert.deepEqual([opened, again, welcomed], [["open none"], ["open none"], ["restart"]]);
});

test("a page that was kept for long begins with the credentials that the socket brings", () => {
  const story = new Story();

  assert.deepEqual(story.tell("start", { stale: true }), ["open none"]);
  assert.deepEqual(story.tell("welcome"), ["rebuild"]);
});

test("media that goes on needs no credentials, however old they are", () => {
  const story = Story.well();
  story.tell("closed");

  assert.deepEqual(story.due({ stale: true }), ["open same"]);
});

test("a socket that gives a sign of life after sleep is kept", () => {
  const story = Story.well();
  story.tell("visible");
  story.tell("heard");

  assert.equal(deadline(story.state), Infinity);
});

test("after twelve seconds of trouble the telephone is offered, once", () => {
  const story = Story.well();
  const began = story.now + STALL;
  story.stall();
  const seen = [];

  while (story.now < began + 3 * PHONE) {
    story.tell("answered");
    seen.push(...story.due().map((each) => [each, story.now - began]));
  }

  const offers = seen.filter(([each]) => each === "phone");
  assert.deepEqual(offers, [["phone", PHONE]]);
});

test("the connection never lacks a next step while it is not well", () => {
  // Events in any order: whatever happens, something is due or something is under way.
  let seed = 7;
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const events = [
    ["closed"], ["welcome"], ["answered"], ["refused"], ["moved"], ["offline"], ["online"], ["network"],
    ["visible"], ["woke"], ["heard"], ["media", { state: "failed" }],
    ["media", { state: "disconnected" }], ["media", { state: "connected" }],
    ["bytes", { total: 100, expecting: true, connected: true }], ["time"],
  ];
  const story = Story.well();

  for (let round = 0; round < 20_000; round += 1) {
    story.now += chance() * CHECKING;
    const [type, more] = events[Math.floor(chance() * events.length)];
    if (type === "welcome" && story.state.socket !== "opening") continue;
    if (type === "closed" && !["open", "opening"].includes(story.state.socket)) continue;
    story.tell(type, { ...more, stale: chance() < 0.3 });
    const { socket, media, socketDue, mediaDue } = story.state;
    const idle = socket === "open" && media === "well";
    const driven = socketDue < Infinity || mediaDue < Infinity;
    assert.ok(idle || driven, JSON.stringify(story.state));
  }
});

test("when it is over nothing happens any more", () => {
  const story = Story.well();
  story.tell("over");

  assert.deepEqual(story.tell("online"), []);
  assert.equal(deadline(story.state), Infinity);
});
