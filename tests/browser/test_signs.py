"""How the picture of somebody who signs is sent, and what others see of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bad_calls import film, meet, people
from tests.browser.chromium import ALLOWED, chromium
from tests.browser.office import Office
from tests.browser.test_call import both_in_room
from tests.impairment.link import Conditions

# Whether one size is sent, at one of those bitrates, with these layers, and made no wider than that.
SENDS = """([bitrates, layers, width]) => {
  const senders = window.connections.at(-1).getSenders();
  const camera = senders.find(({ track }) => track?.kind === "video");
  const { encodings, degradationPreference } = camera.getParameters();
  const [encoding, ...others] = encodings.filter(({ active }) => active);
  return others.length === 0 && degradationPreference === "maintain-framerate"
    && bitrates.includes(encoding?.maxBitrate) && (encoding.scalabilityMode ?? null) === layers
    && (encoding.scaleResolutionDownTo?.maxWidth ?? null) === width;
}"""
SIGNS = [240_000, 100_000]  # bit/s, by the room of the uplink
# Whether the other's picture has had that size for two seconds.
SHOWS = """([width, height]) => {
  const { videoWidth, videoHeight } = document.querySelector("[data-tile]:not([hidden]) video");
  if (videoWidth !== width || videoHeight !== height) window.shownSince = undefined;
  else window.shownSince ??= performance.now();
  return performance.now() - window.shownSince > 2000;
}"""


async def test_signing_sends_small_and_fluent_pictures_and_the_whole_one_afterwards(
    office: Office, tmp_path: Path
) -> None:
    film(camera := tmp_path / "camera.y4m")  # a lively one, which Chromium shrinks by itself
    flags = (*ALLOWED, f"--use-file-for-fake-video-capture={camera}")
    async with chromium(flags) as browser:
        claimant, caseworker = await both_in_room(browser, office, await office.book_call())
        await claimant.page.get_by_role("button", name="Devices").click()
        signing = claimant.page.get_by_label("Sign language")

        await signing.check()

        await claimant.page.wait_for_function(SENDS, arg=[SIGNS, "L1T1", 320])
        await caseworker.page.wait_for_function(SHOWS, arg=[320, 240], polling=100)
        await caseworker.sees(1)

        await signing.uncheck()

        await claimant.page.wait_for_function(SENDS, arg=[[1_500_000], None, None])
        await caseworker.sees(1)


async def test_signs_leave_a_narrow_uplink_room_for_the_voice(
    office: Office, tmp_path: Path
) -> None:
    async with people(office, tmp_path, 2) as (caseworker, claimant):
        await meet(office, [caseworker, claimant])
        claimant.network.change(up=Conditions(rate_kbit=200, delay_ms=25))
        page = claimant.visitor.page
        await page.get_by_role("button", name="Devices").click()

        await page.get_by_label("Sign language").check()

        await page.wait_for_function(SENDS, arg=[[100_000], "L1T1", 320])
        await caseworker.visitor.page.wait_for_function(SHOWS, arg=[320, 240], polling=100)
