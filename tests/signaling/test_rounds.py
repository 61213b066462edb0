"""Regular work is spread evenly, and nobody hears of what concerns somebody who has left."""

from signaling.relay.happenings import Happenings
from signaling.relay.plane.library import ffi, lib
from signaling.relay.rounds import TURNS, Rounds
from signaling.relay.slab import Slab


class Member:
    def __init__(self):
        self.struct = ffi.new("struct leg *")
        self.ticks = []

    def tick(self, now):
        self.ticks.append(now)


class Failing(Member):
    given_up = 0

    def tick(self, _now):
        raise ZeroDivisionError

    def fail(self):
        self.given_up += 1


class Pressing:
    def __init__(self, times):
        self.left = times

    @property
    def urgent(self):
        return self.left > 0

    def tick(self, _now):
        self.left -= 1


class Concerned:
    def __init__(self, happenings):
        self.heard = []
        self.number = happenings.enter(self)

    def happened(self, event):
        self.heard.append(event.first)


def rounds():
    return Rounds(Slab(), lambda: None)


def tell(slab, who, first):
    event = slab.plane.events[slab.plane.event_count]
    event.kind, event.who, event.first = lib.EVENT_FOUND, who, first
    slab.plane.event_count += 1


def test_everyone_has_one_turn_in_a_round():
    every = rounds()
    members = [Member() for _ in range(25)]
    for each in members:
        every.join(each)

    for turn in range(TURNS):
        every.turn(turn)

    assert [len(each.ticks) for each in members] == [1] * 25


def test_turns_differ_by_one_member_at_most():
    every = rounds()
    members = [Member() for _ in range(25)]
    for each in members:
        every.join(each)
    for each in members[::3]:
        every.leave(each)
    for each in members[::3]:
        every.join(each)

    for turn in range(TURNS):
        every.turn(turn)

    sizes = [sum(turn in each.ticks for each in members) for turn in range(TURNS)]
    assert max(sizes) - min(sizes) <= 1


def test_a_member_that_fails_is_given_up_and_the_others_go_on():
    every = rounds()
    failing, others = Failing(), [Member() for _ in range(25)]
    for each in (failing, *others):
        every.join(each)

    for turn in range(2 * TURNS):
        every.turn(turn)

    assert failing.given_up == 1
    assert [len(each.ticks) for each in others] == [2] * 25


def test_whoever_has_left_has_no_turn():
    every = rounds()
    member = Member()
    every.join(member)
    every.leave(member)

    for turn in range(TURNS):
        every.turn(turn)

    assert member.ticks == []


def test_what_presses_has_every_turn_until_it_does_not():
    every = rounds()
    pressing = Pressing(3)
    every.hurry(pressing)

    for turn in range(TURNS):
        every.turn(turn)

    assert pressing.left == 0


def test_events_are_heard_in_order_by_whom_they_are_about():
    slab = Slab()
    happenings = Happenings(slab)
    one, other = Concerned(happenings), Concerned(happenings)
    for who, first in ((one, 1), (other, 2), (one, 3)):
        tell(slab, who.number, first)

    happenings.act()

    assert (one.heard, other.heard) == ([1, 3], [2])
    assert slab.plane.event_count == 0


def test_nobody_hears_of_one_who_has_left():
    slab = Slab()
    happenings = Happenings(slab)
    gone, stays = Concerned(happenings), Concerned(happenings)
    tell(slab, gone.number, 1)
    tell(slab, stays.number, 2)
    happenings.leave(gone.number)

    happenings.act()

    assert (gone.heard, stays.heard) == ([], [2])


def test_what_an_event_leads_to_is_heard_as_well():
    slab = Slab()
    happenings = Happenings(slab)
    last = Concerned(happenings)

    class Telling(Concerned):
        def happened(self, event):
            super().happened(event)
            tell(slab, last.number, 9)

    tell(slab, Telling(happenings).number, 1)
    happenings.act()

    assert last.heard == [9]


def test_addresses_are_found_again_whatever_came_and_went():
    slab = Slab()
    legs = [ffi.new("struct leg *") for _ in range(3)]
    names = [b"\x02\x00" + number.to_bytes(6, "big") + bytes(20) for number in range(2000)]
    for index, name in enumerate(names):
        slab.settle(name, legs[index % 3])
    for name in names[::2]:
        slab.leave(name)

    found = [lib.place_find(slab.plane, name) for name in names]

    assert found[::2] == [ffi.NULL] * 1000
    assert found[1::2] == [legs[index % 3] for index in range(1, 2000, 2)]
    assert slab.plane.place_count == 1000
