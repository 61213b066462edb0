"""Hours are spread over online booking, reception and the urgent reserve by the office's shares."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from scheduling import catalog, schema, shares, slots
from scheduling.grid import Horizon
from scheduling.hours import Pattern, Release, working
from scheduling.model import Way
from scheduling.shares import Shares
from scheduling.slots import SlotQuery
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import at, make_office

MONDAY = dt.date(2026, 10, 5)
FOUR_WEEKS = Horizon(MONDAY, MONDAY + dt.timedelta(days=27))
SHARES = Shares(online=70, reception=20, urgent=10)
WEEK = tuple(
    Pattern(weekday, starts, ends, dt.date(2026, 1, 1))
    for weekday in range(5)
    for starts, ends in ((480, 720), (780, 960))
)


def _kept(release: Release, person_id: int, horizon: Horizon = FOUR_WEEKS) -> int:
    return shares.kept(horizon, WEEK, Way.VIDEO, release, SHARES, person_id)


def test_every_hour_is_kept_for_exactly_one() -> None:
    parts = [_kept(release, 17) for release in Release]

    assert sum(part.bit_count() for part in parts) == (parts[0] | parts[1] | parts[2]).bit_count()
    assert parts[0] | parts[1] | parts[2] == working(FOUR_WEEKS, WEEK, Way.VIDEO, Release.ONLINE)


@pytest.mark.parametrize(("people", "off"), [(1, 0.09), (3, 0.06), (50, 0.015)])
def test_over_some_weeks_everybody_gets_about_their_share(people: int, off: float) -> None:
    hours = people * working(FOUR_WEEKS, WEEK, Way.VIDEO, Release.ONLINE).bit_count()

    for release, share in zip(Release, (0.7, 0.2, 0.1), strict=True):
        for first in (1, 40, 977):
            kept = sum(_kept(release, first + one).bit_count() for one in range(people))
            assert kept / hours == pytest.approx(share, abs=off)


def test_a_team_has_some_urgent_reserve_on_every_day() -> None:
    days = [
        Horizon(date, date) for date in (MONDAY + dt.timedelta(days=n) for n in (0, 1, 2, 3, 4, 7))
    ]

    reserve = [sum(bool(_kept(Release.URGENT, one, day)) for one in range(30, 50)) for day in days]

    assert min(reserve) >= 4
    assert max(reserve) <= 12


def test_what_is_kept_does_not_depend_on_the_days_that_are_asked_for() -> None:
    later = Horizon(MONDAY + dt.timedelta(days=7), FOUR_WEEKS.last)

    assert _kept(Release.ONLINE, 5, later) == _kept(Release.ONLINE, 5) >> 7 * 288


def test_a_larger_share_online_takes_nothing_from_online() -> None:
    more = Shares(online=80, reception=10, urgent=10)

    before = _kept(Release.ONLINE, 5)
    after = shares.kept(FOUR_WEEKS, WEEK, Way.VIDEO, Release.ONLINE, more, 5)

    assert before & ~after == 0
    assert after.bit_count() > before.bit_count()


@pytest.mark.parametrize("wrong", [(70, 20, 20), (110, -20, 10)])
def test_shares_that_do_not_add_up_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="hundred"):
        Shares(*wrong)


async def test_the_public_sees_its_share_and_staff_see_everything(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=12)
    async with store.writing() as tx:
        await tx.execute(
            update(schema.site).values(
                release_shares={"online": 50, "reception": 40, "urgent": 10},
                urgent_opens_minute=9 * 60 + 30,
            )
        )
        await catalog.changed(tx, office.site_id)

    async def free(hour: int, *, for_staff: bool) -> int:
        clock.now = at(hour, 30, day=13)
        query = SlotQuery(
            office.topic, Way.PHONE, clock.now.date(), clock.now.date(), for_staff=for_staff
        )
        async with store.reading() as tx:
            return len(await slots.options(tx, query, at(11), clock()))

    public = await free(8, for_staff=False)
    assert 4 <= public <= 8
    assert public < await free(9, for_staff=False) <= 9
    assert await free(8, for_staff=True) == 12
