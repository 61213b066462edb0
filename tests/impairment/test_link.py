"""The bad network does what its conditions say, and the same again from the same seed."""

import io
import statistics

import pytest

from tests.impairment.journal import Journal, replay
from tests.impairment.link import Conditions, Link
from tests.impairment.path import Path
from tests.impairment.profiles import PROFILES

PACKETS = 20_000


def fates(conditions, seed=1, pause=0.02, size=500, count=PACKETS):
    link = Link(seed, conditions)
    return [link.carry(size, number * pause) for number in range(count)]


def runs(found):
    lengths, length = [], 0
    for each in found:
        if each.lost:
            length += 1
        elif length:
            lengths.append(length)
            length = 0
    return lengths


def test_the_default_network_has_no_faults():
    assert [each.arrivals for each in fates(Conditions(), count=3)] == [(0.0,), (0.02,), (0.04,)]


def test_the_same_seed_gives_the_same_fates_and_another_one_others():
    conditions = PROFILES["crowded_wifi"].up

    assert fates(conditions) == fates(conditions)
    assert fates(conditions) != fates(conditions, seed=2)


def test_random_loss_is_as_frequent_as_asked_for_and_comes_singly():
    found = fates(Conditions(loss=0.2))

    assert sum(bool(each.lost) for each in found) / PACKETS == pytest.approx(0.2, abs=0.01)
    assert statistics.mean(runs(found)) == pytest.approx(1 / 0.8, abs=0.05)


def test_bursts_are_as_frequent_and_as_long_as_asked_for():
    found = fates(Conditions(burst_begins=0.01, burst_ends=0.2))

    assert sum(bool(each.lost) for each in found) / PACKETS == pytest.approx(1 / 21, abs=0.01)
    assert statistics.mean(runs(found)) == pytest.approx(5, abs=0.5)


def test_jitter_keeps_the_order_and_reordering_does_not():
    jitter = [each.arrivals[0] for each in fates(Conditions(delay_ms=20, jitter_ms=30))]
    reordered = [each.arrivals[0] for each in fates(Conditions(reorder=0.05, reorder_ms=50))]

    assert jitter == sorted(jitter)
    assert reordered != sorted(reordered)
    assert min(jitter[i] - i * 0.02 for i in range(PACKETS)) >= 0.02 - 1e-9


def test_duplicates_arrive_twice():
    found = fates(Conditions(duplicate=0.1))

    assert sum(len(each.arrivals) for each in found) / PACKETS == pytest.approx(1.1, abs=0.01)


def test_a_rate_lets_so_much_through_and_its_queue_holds_no_more_than_its_length():
    conditions = Conditions(rate_kbit=500, queue_ms=300)

    found = fates(conditions, pause=0.004, size=1000, count=2500)

    arrived = [each for each in found if each.arrivals]
    waits = [
        each.arrivals[0] - number * 0.004 for number, each in enumerate(found) if not each.lost
    ]
    assert len(arrived) * 8000 == pytest.approx(10 * 500_000, rel=0.05)
    assert 0.28 < max(waits) < 0.32
    assert {each.lost for each in found} == {"", "queue"}


def test_a_blackout_takes_everything_as_long_as_it_lasts():
    link = Link(1)
    link.black_out(1.0, 5.0)

    found = [link.carry(100, moment).lost for moment in (0.9, 1.0, 3.0, 5.9, 6.0)]

    assert found == ["", "blackout", "blackout", "blackout", ""]


def test_a_changed_condition_leaves_the_other_draws_as_they_were():
    plain, jittery = (
        fates(Conditions(loss=0.1, jitter_ms=jitter), count=1000) for jitter in (0, 20)
    )

    assert [each.lost for each in plain] == [each.lost for each in jittery]


def test_a_journal_runs_again_to_the_same_fates_through_changes_and_blackouts():
    file = io.StringIO()
    path = Path(7, Journal(file, 7))
    for number in range(3000):
        if number == 1000:
            path.change("up", PROFILES["train"].up, 10.0)
        if number == 2000:
            path.black_out("down", 2.0, 20.0)
        path.carry(("up", "down")[number % 2], 300 + number % 900, number / 100, lambda: None)

    packets, different = replay(file.getvalue().splitlines())

    assert (packets, different) == (3000, [])


def test_what_is_under_way_arrives_as_it_would_have_before_a_change_and_is_counted():
    path = Path(1, Journal(None, 1))
    arrived = []
    path.change("up", Conditions(delay_ms=100), 0.0)
    path.carry("up", 50, 0.0, lambda: arrived.append("first"))
    path.change("up", Conditions(), 0.01)
    path.carry("up", 60, 0.02, lambda: arrived.append("second"))

    path.deliver(0.09)
    too_soon = list(arrived)
    path.deliver(0.1)

    assert (too_soon, arrived) == ([], ["first", "second"])
    assert (path.counts["up"].packets, path.counts["up"].octets) == (2, 110)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_profile_loses_little_of_what_it_has_room_for(profile):
    for conditions in (profile.up, profile.down):
        found = fates(conditions, pause=0.02, size=200)

        assert sum(bool(each.lost) for each in found) / PACKETS < 0.08
