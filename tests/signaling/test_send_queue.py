"""What waits for a stream: sound first, pictures give way, nothing grows."""

from signaling.relay.send_queue import SendQueue

PICTURE, SOUND = b"p" * 1000, b"s" * 100


class Pipe:
    """Takes as many bytes as it is told to."""

    def __init__(self, room=0):
        self.room = room
        self.taken = b""

    def __call__(self, frames):
        offered = b"".join(frames)[: self.room]
        self.room -= len(offered)
        self.taken += offered
        return len(offered)


def test_sound_goes_before_pictures_that_waited_longer():
    queue, pipe = SendQueue(), Pipe(10_000)
    queue.put_picture(PICTURE, 0.0)
    queue.put(SOUND)

    assert queue.drain(pipe)
    assert pipe.taken == SOUND + PICTURE
    assert not queue


def test_a_frame_that_has_begun_is_finished_before_anything_else():
    queue, pipe = SendQueue(), Pipe(300)
    queue.put_picture(PICTURE, 0.0)

    assert not queue.drain(pipe)
    queue.put(SOUND)
    pipe.room = 10_000
    assert queue.drain(pipe)

    assert pipe.taken == PICTURE + SOUND


def test_any_number_of_bytes_may_be_taken_at_a_time():
    queue, pipe = SendQueue(), Pipe()
    frames = [bytes((each,)) * (each + 1) for each in range(150)]
    for each in frames:
        queue.put(each)

    while not queue.drain(pipe):
        pipe.room = 7

    assert pipe.taken == b"".join(frames)


def test_pictures_that_are_too_many_are_dropped_with_all_that_follow_and_sound_is_kept():
    queue, pipe = SendQueue(), Pipe()
    queue.put(SOUND)

    dropped = sum(queue.put_picture(PICTURE, 0.0) for _ in range(1000))

    assert queue.holding
    assert dropped == 1000
    assert queue.octets == len(SOUND)
    pipe.room = 10_000
    assert queue.drain(pipe)
    assert pipe.taken == SOUND


def test_pictures_that_wait_longer_than_a_second_are_dropped():
    queue = SendQueue()
    queue.put_picture(PICTURE, 5.0)

    assert queue.put_picture(PICTURE, 6.0) == 0
    assert queue.put_picture(PICTURE, 6.1) == 3
    assert queue.holding


def test_a_picture_that_has_begun_is_finished_even_when_pictures_are_dropped():
    queue, pipe = SendQueue(), Pipe(10)
    queue.put_picture(PICTURE, 0.0)
    queue.drain(pipe)
    queue.put_picture(PICTURE, 0.0)

    queue.put_picture(PICTURE, 2.0)
    pipe.room = 10_000
    queue.drain(pipe)

    assert pipe.taken == PICTURE


def test_pictures_are_let_in_again_once_nothing_waits():
    queue, pipe = SendQueue(), Pipe()
    queue.put(SOUND)
    while not queue.holding:
        queue.put_picture(PICTURE, 0.0)

    assert not queue.resume()
    pipe.room = 10_000
    queue.drain(pipe)
    assert queue.resume()
    assert not queue.resume()

    assert queue.put_picture(PICTURE, 9.0) == 0


def test_sound_beyond_its_bound_pushes_the_oldest_out():
    queue = SendQueue()

    dropped = sum(queue.put(SOUND) for _ in range(10_000))

    assert queue.octets <= 64 * 1024
    assert dropped == 10_000 - queue.octets // len(SOUND)
