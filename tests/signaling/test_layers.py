"""Who is shown which size of a picture, and what its sender is told."""

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.layers import ALL_FRAMES, TOO_LITTLE, UNBOUND, Layers

RATES = [[50_000, 80_000], [180_000, 300_000], [900_000, 1_500_000]]
WHOLE = (2, ALL_FRAMES)
TICK = 0.5


@dataclass(eq=False)
class Viewer:
    room: int | None = None
    layer: int = 2
    temporal: int = ALL_FRAMES
    until: float = 0.0
    steady: bool = True

    @property
    def resting(self):
        return self.until > 0

    @property
    def shown(self):
        return None if self.resting else (self.layer, self.temporal)

    def rest(self, now, *, briefly):
        self.until = now + (1 if briefly else 20)

    def wake(self, now):
        if now >= self.until:
            self.until = 0.0
            self.room = None


def whole(rate):
    """Rates of a sender who sends the whole picture alone, of three sizes that there could be."""
    return [[], [], [rate]]


def seconds(layers, audience, begin, end, rates=RATES):
    """Go on from one moment to another; give when the first viewer was shown what."""
    changes = []
    for tick in range(int(begin / TICK), int(end / TICK)):
        layers.tell(audience, rates, tick * TICK)
        if not changes or changes[-1][1] != audience[0].shown:
            changes.append((tick * TICK, audience[0].shown))
    return changes


def test_an_audience_without_limits_is_shown_everything_and_holds_nobody_back():
    viewers = [Viewer(), Viewer()]
    layers = Layers()

    told = [layers.tell(viewers, RATES, at) for at in range(10)]

    assert told == [None] * 10
    assert [each.shown for each in viewers] == [WHOLE, WHOLE]


def test_one_with_little_room_is_shown_a_smaller_size_at_once_and_the_others_keep_theirs():
    slow, quick = Viewer(100_000), Viewer()

    told = Layers().tell([slow, quick], RATES, 0)

    assert (told, slow.shown, quick.shown) == (None, (0, ALL_FRAMES), WHOLE)


def test_upper_frames_are_left_out_before_the_size_is():
    rooms = [1_600_000, 1_000_000, 400_000, 200_000, 100_000, 65_000]

    shown = []
    for room in rooms:
        viewer = Viewer(room)
        Layers().tell([viewer, Viewer()], RATES, 0)
        shown.append(viewer.shown)

    assert shown == [WHOLE, (2, 0), (1, ALL_FRAMES), (1, 0), (0, ALL_FRAMES), (0, 0)]


def test_sizes_without_upper_frames_are_left_as_a_whole():
    viewer = Viewer(200_000)

    Layers().tell([viewer, Viewer()], [[80_000], [300_000], [1_500_000]], 0)

    assert viewer.shown == (0, ALL_FRAMES)


def test_a_little_more_than_the_room_is_borne():
    viewer = Viewer(285_000, layer=1)

    Layers().tell([viewer, Viewer()], RATES, 0)

    assert viewer.shown == (1, ALL_FRAMES)


def test_room_for_the_voice_alone_is_left_to_the_voice():
    viewer, other = Viewer(TOO_LITTLE - 1), Viewer()
    layers = Layers()

    told = layers.tell([viewer, other], RATES, 0)
    resting = viewer.shown
    layers.tell([viewer, other], RATES, 20)

    assert (told, resting) == (None, None)
    assert viewer.shown == (0, 0)


def test_a_picture_that_is_too_large_in_its_smallest_size_rests():
    viewer = Viewer(100_000)

    Layers().tell([viewer, Viewer()], [[150_000], [300_000], []], 0)

    assert viewer.resting


def test_at_first_everything_there_is_room_for_is_shown_within_a_second():
    viewer = Viewer(layer=0)

    changes = seconds(Layers(), [viewer, Viewer()], 0, 5)

    assert changes == [(0, (0, ALL_FRAMES)), (1.0, WHOLE)]


def test_after_trouble_more_is_tried_after_twenty_calm_seconds_step_by_step():
    viewer = Viewer(100_000)
    layers = Layers()
    seconds(layers, [viewer, Viewer()], 0, 5)
    viewer.room = None

    changes = seconds(layers, [viewer, Viewer()], 5, 60)

    assert changes[0] == (5, (0, ALL_FRAMES))
    assert changes[1] == (25, (1, 0))
    assert [shown for _, shown in changes[1:]] == [(1, 0), (1, ALL_FRAMES), (2, 0), WHOLE]
    assert changes[2][0] > 29


def test_room_that_does_not_last_is_no_reason_for_more():
    viewer = Viewer(100_000)
    layers = Layers()
    seconds(layers, [viewer, Viewer()], 0, 1)

    for at in range(1, 100, 10):
        viewer.room = 2_000_000
        seconds(layers, [viewer, Viewer()], at, at + 9)
        viewer.room = 100_000
        seconds(layers, [viewer, Viewer()], at + 9, at + 10)

    assert viewer.shown == (0, ALL_FRAMES)


def test_each_trial_that_fails_doubles_the_time_until_the_next():
    viewer = Viewer(100_000)
    layers = Layers()
    rises = []

    for tick in range(800):
        layers.tell([viewer, Viewer()], RATES, tick * TICK)
        tried = viewer.layer > 0
        if tried:
            rises.append(tick * TICK)
        viewer.room = 100_000 if tried else None

    waited = [later - earlier for earlier, later in itertools.pairwise(rises)]
    assert [rises[0], *waited[:4]] == [20.5, 41.0, 81.0, 81.0, 81.0]


def test_a_size_that_is_not_sent_any_more_is_replaced_at_once_and_comes_back_soon():
    viewers = [Viewer(), Viewer()]
    layers = Layers()

    layers.tell(viewers, [*RATES[:2], []], 0)
    without = viewers[0].shown
    changes = seconds(layers, viewers, 1, 4)

    assert without == (1, ALL_FRAMES)
    assert changes[-1] == (2.0, WHOLE)


def test_the_sender_is_told_what_the_best_off_takes_beside_the_smaller_sizes():
    layers = Layers()
    viewers = [Viewer(100_000), Viewer(400_000)]

    held = layers.tell(viewers, RATES, 0)
    viewers[1].room = None
    freed = [layers.tell(viewers, RATES, at) for at in (1, 2)]

    assert held == 400_000 + 80_000
    assert freed == [UNBOUND, None]


def test_nobody_who_looks_means_little_to_send_and_an_empty_room_no_limit():
    layers = Layers()
    viewers = [Viewer(30_000), Viewer(30_000)]

    assert layers.tell(viewers, RATES, 0) == 150_000
    assert layers.tell([], RATES, 1) == UNBOUND


def test_a_single_receiver_decides_and_its_relief_is_told_once():
    layers = Layers()
    viewer = Viewer(500_000)

    held = [layers.tell([viewer], whole(1_500_000), at) for at in range(3)]
    viewer.room = None
    freed = [layers.tell([viewer], whole(1_500_000), at) for at in range(3, 6)]

    assert held == [500_000] * 3
    assert freed == [UNBOUND, None, None]
    assert viewer.shown == WHOLE


def test_frames_are_left_out_only_until_the_sender_of_one_size_has_followed():
    layers = Layers()
    viewer = Viewer(400_000)
    several = [[], [], [400_000, 700_000, 1_200_000]]
    fewer = [[], [], [130_000, 230_000, 390_000]]

    layers.tell([viewer], several, 0)
    meanwhile = viewer.shown
    changes = seconds(layers, [viewer], 0.5, 4, fewer)

    assert meanwhile == (2, 0)
    assert changes == [(0.5, (2, 0)), (1.5, WHOLE)]


def test_a_sender_of_one_size_who_does_not_stay_within_the_room_is_cut_only_when_it_is_far_above():
    viewer = Viewer(400_000)
    layers = Layers()

    layers.tell([viewer], [[], [], [200_000, 500_000]], 0)
    little = viewer.shown
    layers.tell([viewer], [[], [], [200_000, 600_000]], 1)

    assert (little, viewer.shown) == (WHOLE, (2, 0))


def test_a_single_receiver_without_room_for_a_picture_goes_without():
    layers = Layers()
    viewer = Viewer(TOO_LITTLE - 1)

    resting = [layers.tell([viewer], whole(300_000), 0), viewer.resting]
    back = [layers.tell([viewer], whole(300_000), 20), viewer.resting]

    assert resting == [150_000, True]
    assert back == [UNBOUND, False]


def test_of_several_one_far_below_goes_without_what_comes_in_one_size_alone():
    slow, quick = Viewer(150_000), Viewer()

    assert Layers().tell([slow, quick], [[1_200_000]], 0) is None
    assert [slow.resting, quick.resting] == [True, False]


def test_of_several_one_a_little_below_slows_down_what_comes_in_one_size_alone():
    slow, quick = Viewer(800_000), Viewer()

    assert Layers().tell([slow, quick], whole(1_200_000), 0) == 800_000
    assert not slow.resting


def test_one_who_has_just_rested_is_no_measure_for_the_others():
    other, woken = Viewer(400_000), Viewer(steady=False)

    assert Layers().tell([other, woken], [[1_200_000]], 0) == 400_000
    assert not other.resting


room = st.none() | st.integers(0, 3_000_000)
sums = st.lists(st.integers(0, 2_000_000), max_size=3).map(sorted)


@given(st.lists(st.tuples(st.lists(room, max_size=3), st.lists(sums, max_size=3)), max_size=20))
def test_whatever_happens_nobody_is_shown_what_is_not_sent_or_has_no_room(story):
    layers = Layers()
    viewers = [Viewer() for _ in range(3)]
    for now, (rooms, rates) in enumerate(story):
        audience = viewers[: len(rooms)]
        for viewer, bits in zip(audience, rooms, strict=True):
            viewer.room = bits

        told = layers.tell(audience, rates, now)

        assert told is None or 0 <= told <= UNBOUND
        chosen = len(rates) > 1 and any(rates[0])
        sent = {layer for layer, bits in enumerate(rates) if any(bits)}
        for viewer in audience:
            if viewer.resting or not sent:
                continue
            assert viewer.layer in sent
            if chosen and viewer.room is not None:
                assert bits_of(viewer, rates) <= viewer.room * 1.1


def bits_of(viewer, rates):
    """Give the bit/s that a viewer is shown."""
    return rates[viewer.layer][: viewer.temporal + 1][-1]
