"""What protects forms, links and accounts: CSRF tokens, rate limits, quiet errors."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.conftest import Clock
from tests.web.conftest import House, Serve
from tests.web.visitor import CLAIMANT
from web.limits import Buckets, TooMany
from web.settings import Rate

NOW = dt.datetime(2026, 10, 12, 6, tzinfo=dt.UTC)


async def test_a_form_without_its_token_is_refused(small_house: House) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")
    start = form.starts()[0]
    without = {name: value for name, value in form.fields.items() if name != "_csrf"}

    refused = await visitor.post("/hold", {**without, "start": start})
    wrong = await visitor.post("/hold", {**without, "_csrf": "0" * 64, "start": start})

    assert (refused.status, wrong.status) == (403, 403)
    assert refused.title == "Please send the form again"


async def test_a_token_of_another_browser_does_not_fit(small_house: House) -> None:
    visitor, other = small_house.visitor(), small_house.visitor()
    await visitor.get("/book/money/video")
    foreign = (await other.get("/book/money/video")).form("/hold")

    refused = await visitor.send(foreign, start=foreign.starts()[0])

    assert refused.status == 403


async def test_a_token_from_before_signing_in_does_not_fit_afterwards(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    before = (await visitor.get("/book/money/video")).form("/hold")
    email = await small_house.hire("reception")
    await visitor.sign_in(email, "a long enough password")

    refused = await visitor.send(before, start=before.starts()[0])

    assert refused.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_cannot_send_our_forms(
    small_house: House, headers: dict[str, str]
) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")
    fields = {**form.fields, "start": form.starts()[0]}

    refused = await visitor.post("/hold", fields, headers=headers)

    assert refused.status == 403


async def test_a_browser_that_hides_its_origin_is_let_through_by_its_token(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")
    fields = {**form.fields, "start": form.starts()[0]}

    page = await visitor.post("/hold", fields, headers={"Origin": "null"})

    assert page.status == 200


async def test_a_large_form_is_refused_with_a_page(small_house: House) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")

    refused = await visitor.send(form, name="x" * 100_000)

    assert refused.status == 413
    assert refused.title == "That was too much at once"


async def test_guessing_links_is_slowed_down_and_then_allowed_again(
    serve: Serve, sqlite_url: str, clock: Clock
) -> None:
    house = await serve(sqlite_url, rate_limit_factor=0.1)
    visitor = house.visitor()

    answers = [await visitor.get(f"/appointment/guess-{number}") for number in range(4)]
    clock.forward(minutes=5)
    later = await visitor.get("/appointment/guess-again")

    assert [answer.status for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert later.status == 404


async def test_booking_and_signing_in_are_limited_per_address(
    serve: Serve, sqlite_url: str
) -> None:
    house = await serve(sqlite_url, rate_limit_factor=0.02)
    visitor = house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")

    held = [await visitor.send(form, start=form.starts()[number]) for number in range(2)]
    signed = [await visitor.sign_in("a@office.example", "wrong") for _ in range(2)]

    assert [page.status for page in held] == [200, 429]
    assert [page.status for page in signed] == [403, 429]


async def test_errors_are_pages_in_the_visitors_language(small_house: House) -> None:
    page = await small_house.visitor("de").get("/no-such-page")

    assert page.status == 404
    assert page.title == "Diese Seite finden wir nicht"


async def test_a_method_that_is_not_offered_gets_a_page_too(small_house: House) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")

    page = await visitor.post("/privacy", form.fields)

    assert page.status == 405
    assert "GET" in page.headers["Allow"]


async def test_going_on_after_the_language_was_changed_stays_on_this_site(
    small_house: House,
) -> None:
    visitor = small_house.visitor()

    inside = await visitor.post("/language", {"language": "de", "next": "/book/money"})
    outside = await visitor.post("/language", {"language": "de", "next": "//evil.example/"})

    assert inside.path == "/book/money"
    assert inside.title == "Wie möchten Sie mit uns sprechen?"
    assert outside.path == "/"


async def test_the_draft_is_forgotten_once_the_appointment_is_booked(small_house: House) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold()
    await visitor.send(details.form(details.path), **CLAIMANT, language="de")
    await visitor.send(details.form(details.path), **CLAIMANT)

    fresh = await visitor.hold()

    assert fresh.form(fresh.path).fields["name"] == ""


def test_a_bucket_empties_and_fills_again() -> None:
    buckets = Buckets(Rate(burst=2, per_minute=1))

    buckets.take("a", NOW)
    buckets.take("a", NOW)

    with pytest.raises(TooMany) as refused:
        buckets.take("a", NOW)
    assert refused.value.retry_after == 60
    buckets.take("b", NOW)
    buckets.take("a", NOW + dt.timedelta(minutes=1))


def test_the_least_recent_address_is_forgotten_when_there_are_too_many() -> None:
    buckets = Buckets(Rate(burst=1, per_minute=1), capacity=2)

    for key in ("a", "b", "c"):
        buckets.take(key, NOW)

    buckets.take("a", NOW)
    with pytest.raises(TooMany):
        buckets.take("c", NOW)
