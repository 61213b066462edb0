"""How room grows back towards a limit that was met, and beyond it."""

from signaling.relay.limit import Limit

MET = 500_000  # bit/s


def rooms(limit, begin, seconds):
    """Grow from what a sender is told at first; give the room at the end of each second."""
    room, found = int(0.85 * MET), []
    for tenth in range(seconds * 10):
        room = limit.grown(room, 0.1, begin + tenth / 10)
        found.append(room)
    return found[9::10]


def test_a_limit_just_met_is_not_reached_for_eight_seconds_and_then_tried():
    limit = Limit()
    limit.meet(MET, 10.0)

    grown = rooms(limit, 10.0, 20)

    assert max(grown[:8]) <= 0.95 * MET
    assert grown[11] > 1.1 * MET


def test_a_limit_found_again_where_it_was_is_trusted_twice_as_long_up_to_half_a_minute():
    limit = Limit()
    trusted = []

    for trial in range(5):
        begin = 100.0 * trial
        limit.meet(MET, begin)
        trusted.append(sum(room <= MET for room in rooms(limit, begin, 60)))

    assert trusted == sorted(trusted)
    assert 8 <= trusted[0] < 12
    assert trusted[-1] == trusted[-2] < 40


def test_one_queue_meets_its_limit_but_once():
    limit = Limit()
    for tenth in range(20):
        limit.meet(MET, 10.0 + tenth / 10)

    assert max(rooms(limit, 12.0, 13)) > MET


def test_another_limit_is_trusted_as_briefly_as_the_first():
    limit = Limit()
    for begin in (0.0, 10.0, 20.0, 30.0):
        limit.meet(2 * MET, begin)
    limit.meet(MET, 40.0)

    assert rooms(limit, 40.0, 13)[-1] > MET


def test_what_comes_without_a_queue_refutes_only_a_limit_far_below_it():
    limit = Limit()
    limit.meet(MET, 1.0)

    assert not limit.refuted_by(1.2 * MET)
    assert limit.refuted_by(1.3 * MET)
