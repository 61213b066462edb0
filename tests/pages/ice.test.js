/** By which servers the call page reaches the relay. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Ice } from "../../web/static/call/ice.js";

const SERVER = { urls: ["turns:turn.office.example:443"], username: "1:a", credential: "b" };
const LATER = { ...SERVER, username: "2:c", credential: "d" };

test("what came with the page is used for the first offer", () => {
  const page = { type: "ice", iceServers: [SERVER], iceTransportPolicy: "relay" };

  const ice = new Ice(JSON.stringify(page));

  assert.deepEqual(ice.configuration, { iceServers: [SERVER], iceTransportPolicy: "relay" });
});

test("newer credentials take the place of older ones", () => {
  const ice = new Ice(JSON.stringify({ iceServers: [SERVER], iceTransportPolicy: "all" }));

  ice.take({ type: "ice", iceServers: [LATER], iceTransportPolicy: "all" });

  assert.deepEqual(ice.configuration.iceServers, [LATER]);
});

test("an office without TURN servers leaves the browser's connection as it is", () => {
  assert.equal(new Ice().configuration, undefined);
  assert.equal(new Ice('{"type":"ice","iceServers":[],"iceTransportPolicy":"all"}').configuration, undefined);
});

const BEGAN = 1_800_000_000_000; // ms since 1970

/** Credentials from the socket that hold for ten minutes, read by a clock that may be wrong. */
function granted(wrong = 0) {
  const clock = { now: BEGAN + wrong };
  const ice = new Ice("", () => clock.now);
  const username = `${BEGAN / 1000 + 600}:x`;
  ice.take({ type: "ice", iceServers: [{ ...SERVER, username }], iceTransportPolicy: "all" });
  return { ice, clock };
}

test("credentials are stale when they are over, and half a minute before", () => {
  const { ice, clock } = granted();

  const stale = [0, 569_000, 571_000, 3_600_000].map((age) => {
    clock.now = BEGAN + age;
    return ice.stale;
  });

  assert.deepEqual(stale, [false, false, true, true]);
});

test("what comes from the server is new, whatever this computer's clock says", () => {
  for (const wrong of [-86_400_000, 86_400_000]) {
    const { ice, clock } = granted(wrong);
    const atOnce = ice.stale;

    clock.now += 600_000;

    assert.deepEqual([atOnce, ice.stale], [false, true]);
  }
});

test("what came with a page that was kept for long is stale", () => {
  const page = JSON.stringify({ type: "ice", iceServers: [SERVER], iceTransportPolicy: "all" });

  assert.equal(new Ice(page, () => BEGAN).stale, true);
});

test("an office without TURN servers has no credentials that could be stale", () => {
  const ice = new Ice();
  ice.take({ iceServers: [] });

  assert.equal(ice.stale, false);
});
