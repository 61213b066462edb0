"""How a call goes on when a camera, a microphone or the page itself is gone for a while."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import ALLOWED, Visitor, chromium
from tests.browser.office import Office
from tests.browser.test_call import both_in_room, both_see_each_other_on_one_connection

# The second camera that Chromium invents sees depth alone; the third is like the first.
SEVERAL_CAMERAS = ("--use-fake-device-for-media-stream=device-count=3", *ALLOWED[1:])
# The browser ends the track of a device that is pulled out.
PULL_OUT = """(kind) => {
  const senders = window.connections.at(-1).getSenders();
  const { track } = senders.find(({ track }) => track?.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""
NOTHING_TO_TAKE = """() => {
  const { mediaDevices } = navigator;
  window.takeDevice = mediaDevices.getUserMedia;
  mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotFoundError"); };
}"""
PLUG_IN = """() => {
  const { mediaDevices } = navigator;
  mediaDevices.getUserMedia = window.takeDevice;
}"""
LIST_ANEW = "() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))"
COME_BACK = "() => document.dispatchEvent(new Event('visibilitychange'))"
FALL_ASLEEP = """() => {
  const before = Date.now;
  Date.now = () => before() + 60_000;
}"""
FILMS_WITH = """(camera) => {
  const senders = window.connections.at(-1).getSenders();
  const { track } = senders.find(({ track }) => track?.kind === "video");
  return track.getSettings().deviceId === camera;
}"""
UFRAG = """() => {
  const { sdp } = window.connections.at(-1).localDescription;
  return sdp.match(/a=ice-ufrag:(.*)/)[1];
}"""
# A screen that notes who keeps it on (W3C Screen Wake Lock).
SCREEN = """
window.locks = [];
const request = async () => {
  window.locks.push({ released: false });
  return window.locks.at(-1);
};
Object.defineProperty(navigator, "wakeLock", { value: { request } });
"""
HIDE = """(hidden) => {
  if (hidden) for (const lock of window.locks) lock.released = true;
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
COUNT_TAKEN = """() => {
  const { mediaDevices } = navigator;
  const take = mediaDevices.getUserMedia.bind(mediaDevices);
  window.taken = 0;
  mediaDevices.getUserMedia = (wishes) => { window.taken += 1; return take(wishes); };
}"""
HEARS_MORE_THAN = """async (before) => {
  const report = [...(await window.connections.at(-1).getStats()).values()];
  const heard = report.filter(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  return heard.reduce((sum, { packetsReceived }) => sum + packetsReceived, 0) > before + 25;
}"""


async def test_another_microphone_takes_the_place_of_one_that_is_pulled_out(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    condition = caseworker.page.locator("[data-tile]:not([hidden]) [data-condition]")

    await claimant.page.evaluate(PULL_OUT, arg="audio")

    told = claimant.page.get_by_role("status").filter(has_text="This one is used now: Fake")
    await expect(told).to_be_visible()
    await expect(claimant.page.get_by_role("switch", name="Microphone")).to_be_checked()
    await expect(condition).to_have_text("")
    before = await caseworker.voices()
    await caseworker.page.wait_for_function(HEARS_MORE_THAN, arg=before["received"])


async def test_a_microphone_that_was_turned_off_is_not_replaced(
    office: Office, browser: Browser
) -> None:
    claimant, _caseworker = await both_in_room(browser, office, await office.book_call())
    microphone = claimant.page.get_by_role("switch", name="Microphone")
    await microphone.click()
    await claimant.page.evaluate(COUNT_TAKEN)

    await claimant.page.evaluate(PULL_OUT, arg="audio")
    await claimant.page.evaluate(LIST_ANEW)
    await expect(microphone).not_to_be_checked()
    await microphone.click()

    await expect(microphone).to_be_checked()
    assert await claimant.page.evaluate("window.taken") == 1


@pytest.mark.parametrize(
    ("sign", "kind", "name"),
    [
        pytest.param(LIST_ANEW, "audio", "Microphone", id="plugged in"),
        pytest.param(COME_BACK, "audio", "Microphone", id="page seen again"),
        pytest.param(FALL_ASLEEP, "video", "Camera", id="woke from sleep"),
    ],
)
async def test_a_device_that_vanished_is_taken_again_at_the_first_sign_of_one(
    office: Office, browser: Browser, sign: str, kind: str, name: str
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    await claimant.page.evaluate(NOTHING_TO_TAKE)
    await claimant.page.evaluate(PULL_OUT, arg=kind)
    device = claimant.page.get_by_role("switch", name=name)
    told = claimant.page.get_by_role("status").filter(has_text=f"No {name.lower()} was found.")
    await expect(told).to_be_visible()
    await expect(device).not_to_be_checked()

    await claimant.page.evaluate(PLUG_IN)
    await claimant.page.evaluate(sign)

    await expect(device).to_be_checked()
    await expect(told).to_have_count(0)
    await caseworker.sees(1)


async def test_another_camera_is_chosen_in_the_middle_of_a_call(office: Office) -> None:
    async with chromium(SEVERAL_CAMERAS) as browser:
        claimant, caseworker = await both_in_room(browser, office, await office.book_call())
        await claimant.page.get_by_role("button", name="Devices").click()
        cameras = claimant.page.get_by_role("combobox", name="Camera", exact=True)
        *_, another = await cameras.locator("option").evaluate_all(
            "(all) => all.map((one) => one.value)"
        )

        await cameras.select_option(another)

        await claimant.page.wait_for_function(FILMS_WITH, arg=another)
        await expect(cameras).to_have_value(another)
        await both_see_each_other_on_one_connection(claimant, caseworker)


async def test_a_network_that_comes_back_gets_another_way_at_once(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    before = await claimant.page.evaluate(UFRAG)

    await claimant.context.set_offline(True)
    await claimant.context.set_offline(False)

    await claimant.page.wait_for_function(f"(before) => ({UFRAG})() !== before", arg=before)
    await expect(claimant.page.locator("[data-announcement]")).to_contain_text(
        "You are connected again."
    )
    await both_see_each_other_on_one_connection(claimant, caseworker)


async def test_the_screen_stays_on_and_does_so_again_after_the_page_was_out_of_sight(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    claimant = await Visitor.with_browser(browser)
    await claimant.context.add_init_script(SCREEN)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.page.wait_for_function("() => window.locks.length === 1")

    await claimant.page.evaluate(HIDE, arg=True)  # the browser gives the lock back then
    await claimant.page.evaluate(HIDE, arg=False)

    await claimant.page.wait_for_function("() => window.locks.length === 2")
    held = await claimant.page.evaluate("window.locks.map(({ released }) => !released)")
    assert held == [False, True]
