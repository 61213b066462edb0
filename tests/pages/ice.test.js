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
