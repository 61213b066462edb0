"""What is repeated, and what is not, to a receiver who asks again and again."""

from signaling.relay.repeats import Allowance, Repeats


def repeated(allowance, room, seconds, *, is_picture=True):
    """Ask for far too much, every ten milliseconds; give how many packets were repeated."""
    count = 0
    for turn in range(int(seconds * 100)):
        if turn % 10 == 0:
            allowance.refill(room, 0.1)
        for _ in range(60):
            if allowance.suffices(is_picture=is_picture):
                allowance.spend(is_picture=is_picture)
                count += 1
    return count


def test_what_is_still_under_way_is_not_sent_again():
    repeats = Repeats()

    sent = [at for at in range(20) if repeats.may(7, 0.5, at / 20)]

    assert sent == [0, 8, 16]


def test_each_packet_is_waited_for_by_itself():
    repeats = Repeats()

    assert [repeats.may(number, 0.5, 1.0) for number in (7, 8, 7)] == [True, True, False]


def test_a_receiver_who_asks_for_everything_costs_bounded_memory():
    repeats = Repeats()
    for number in range(10_000):
        repeats.may(number, 0.5, 1.0)

    assert repeats.may(0, 0.5, 1.0)
    assert not repeats.may(9_999, 0.5, 1.0)


def test_repeats_of_pictures_take_half_of_the_room():
    bits = repeated(Allowance(), 400_000, 30) * 9600 / 30

    assert 190_000 < bits < 250_000


def test_where_no_limit_is_known_pictures_are_repeated_up_to_what_the_relay_bears():
    assert repeated(Allowance(), None, 1) == 4000


def test_voices_are_repeated_however_narrow_the_line_is():
    allowance = Allowance()
    repeated(allowance, 30_000, 1)

    assert repeated(allowance, 30_000, 0.1, is_picture=False) == 400
