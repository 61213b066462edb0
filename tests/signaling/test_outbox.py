"""The bounded queue in front of a socket."""

from signaling.messages import Code, Ended, EndReason, Failure, Pong
from signaling.outbox import Outbox


async def test_messages_are_taken_in_order_and_then_the_end():
    outbox = Outbox()
    outbox.put(Pong(1))
    outbox.end(EndReason.ENDED)
    outbox.put(Pong(2))

    taken = [await outbox.take(), await outbox.take()]

    assert taken == [[Pong(1), Ended(EndReason.ENDED)], []]


async def test_whoever_does_not_read_is_told_so_and_cut_off():
    outbox = Outbox()

    for number in range(100):
        outbox.put(Pong(number))

    [failure] = await outbox.take()
    assert isinstance(failure, Failure)
    assert (failure.code, failure.fatal) == (Code.SLOW, True)
    assert outbox.closed
    assert await outbox.take() == []
