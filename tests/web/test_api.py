"""Other programs ask for times and book: the same rules as for people, and nothing twice."""

from __future__ import annotations

import asyncio
from typing import Any

from yarl import URL

from tests.conftest import Clock
from tests.web.conftest import House

ORDER = {
    "topic": "money", "way": "phone", "name": "Kim Beispiel", "email": "kim@example.org",
    "phone": "030 901820",
}  # fmt: skip
KEY = {"Idempotency-Key": "0b5f0a52-4c9a-4a0e-9e43-6d6b4f3a3c11"}


async def _times(house: House) -> list[str]:
    client = house.visitor().client
    answer = await client.get("/api/slots", params={"topic": "money", "way": "phone"})
    return [one["start"] for one in (await answer.json())["slots"]]


async def _post(house: House, order: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    client = house.visitor().client
    answer = await client.post("/api/appointments", json=order, headers=headers)
    return answer.status, await answer.json(content_type=None)


async def test_a_program_finds_times_and_books_one_with_link_and_letter(house: House) -> None:
    start = (await _times(house))[0]

    status, booked = await _post(house, ORDER | {"start": start})

    (letter,) = await house.letters()
    page = await house.visitor().get(URL(booked["link"]).path)
    assert status == 201
    assert booked["start"] == start
    assert booked["reference"] in letter.get_body().get_content()
    assert page.status == 200


async def test_whoever_comes_too_late_is_told_what_else_is_free(house: House) -> None:
    start = (await _times(house))[0]
    taken = 0
    while (await _post(house, ORDER | {"start": start}))[0] == 201:
        taken += 1

    status, told = await _post(house, ORDER | {"start": start})

    assert taken > 0
    assert status == 409
    assert told["title"] == "This time has just been taken"
    assert start not in [one["start"] for one in told["alternatives"]]
    assert told["alternatives"]


async def test_the_same_order_with_the_same_key_books_once(house: House) -> None:
    order = ORDER | {"start": (await _times(house))[0]}

    answers = await asyncio.gather(*(_post(house, order, **KEY) for _ in range(4)))

    assert sorted(status for status, _ in answers) == [200, 200, 200, 201]
    assert len({booked["reference"] for _, booked in answers}) == 1
    assert len(await house.letters()) == 1


async def test_a_key_of_another_order_opens_nothing(house: House) -> None:
    first, *_, second = await _times(house)
    _, mine = await _post(house, ORDER | {"start": first}, **KEY)

    status, other = await _post(house, ORDER | {"start": second, "name": "Alex Neu"}, **KEY)

    assert status == 201
    assert other["reference"] != mine["reference"]


async def test_what_is_wrong_is_told_by_field(house: House) -> None:
    status, told = await _post(house, ORDER | {"start": "tomorrow", "email": "x", "phone": ""})

    assert status == 422
    assert [one["field"] for one in told["errors"]] == ["email", "phone", "start"]


async def test_forms_of_foreign_pages_are_not_taken_for_orders(house: House) -> None:
    client = house.visitor().client

    answer = await client.post("/api/appointments", data=ORDER)

    assert answer.status == 415
    assert answer.content_type == "application/problem+json"


async def test_unknown_topics_and_too_many_orders_are_problems_not_pages(
    house: House, clock: Clock
) -> None:
    status, told = await _post(house, ORDER | {"topic": "nothing", "start": clock().isoformat()})

    assert status == 404
    assert told["status"] == 404
