"""Style sheets and modules: found, kept for a year, never from outside the folder."""

from __future__ import annotations

import re

from tests.web.conftest import House


async def test_a_page_names_files_by_their_content(small_house: House) -> None:
    visitor = small_house.visitor()
    page = await visitor.get("/")
    address = re.search(r"/static/[0-9a-f]{12}/css/pages.css", page.text).group()

    kept = await visitor.get(address)
    old = await visitor.get("/static/000000000000/css/pages.css")

    assert "immutable" in kept.headers["Cache-Control"]
    assert "must-revalidate" in old.headers["Cache-Control"]
    assert kept.text == old.text


async def test_files_are_compressed_for_those_who_can_read_it(small_house: House) -> None:
    client = small_house.visitor().client
    path = "/static/css/pages.css"

    packed = await client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2
    assert await packed.text() == await plain.text()


async def test_an_unchanged_file_is_not_sent_again(small_house: House) -> None:
    client = small_house.visitor().client
    first = await client.get("/static/js/modules.js")

    second = await client.get(
        "/static/js/modules.js", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert second.status == 304
    assert first.headers["Content-Type"].startswith("text/javascript")


async def test_nothing_outside_the_folder_is_served(small_house: House) -> None:
    visitor = small_house.visitor()

    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/x/../../app.py"):
        assert (await visitor.get(path)).status == 404


async def test_pages_hold_no_script_or_style_of_their_own(small_house: House) -> None:
    visitor = small_house.visitor()
    pages = [await visitor.get(path) for path in ("/", "/book/money", "/book/money/video")]
    pages += [await visitor.hold(), await visitor.book(), await visitor.get("/staff/sign-in")]

    for page in pages:
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
        assert not re.search(r"\son\w+=", page.text)
