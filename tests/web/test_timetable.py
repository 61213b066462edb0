"""Free times stand under the local day and the half of it in which they begin."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from scheduling.model import Slot
from web.timetable import Window, timetable

ZONE = ZoneInfo("Europe/Berlin")
HALF_HOUR = dt.timedelta(minutes=30)


def half_hours(first: dt.datetime, count: int) -> list[Slot]:
    """Return so many slots, one after the other, in UTC as the plan gives them."""
    starts = (first.astimezone(dt.UTC) + number * HALF_HOUR for number in range(count))
    return [Slot(start, start + HALF_HOUR) for start in starts]


@pytest.mark.parametrize(
    ("date", "hours"),
    [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (dt.date(2026, 7, 1), 24)],
)
def test_each_time_stands_under_its_local_day_also_when_the_clocks_change(
    date: dt.date, hours: int
) -> None:
    midnight = dt.datetime.combine(date, dt.time(), ZONE)
    slots = half_hours(midnight, 2 * hours + 2)

    table = timetable(slots, Window(date, date, date), ZONE, date)

    assert [(day.date, day.count) for day in table.days] == [
        (date, 2 * hours),
        (date + dt.timedelta(days=1), 2),
    ]
    assert table.chosen is not None
    assert len(table.chosen.afternoon) == 24
    assert table.chosen.afternoon[0] == dt.datetime.combine(date, dt.time(12), ZONE)
    assert [*table.chosen.morning, *table.chosen.afternoon] == [*table.chosen.starts]


def test_the_first_day_with_times_is_open_unless_another_is_asked_for() -> None:
    first = dt.datetime(2026, 10, 12, 9, tzinfo=ZONE)
    slots = half_hours(first, 2) + half_hours(first + dt.timedelta(days=2), 1)
    window = Window(first.date(), first.date(), first.date() + dt.timedelta(days=20))

    usual = timetable(slots, window, ZONE, first.date() + dt.timedelta(days=1)).chosen
    asked = timetable(slots, window, ZONE, first.date() + dt.timedelta(days=2)).chosen

    assert usual is not None
    assert asked is not None
    assert (usual.date.day, asked.date.day) == (12, 14)


def test_without_free_times_no_day_is_open() -> None:
    today = dt.date(2026, 10, 12)

    table = timetable([], Window(today, today, today), ZONE, today)

    assert (table.days, table.chosen) == ((), None)
