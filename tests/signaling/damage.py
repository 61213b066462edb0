"""What is wrong with a message, drawn from a seed."""


def damaged(chance, captured):
    """Give a captured message with something wrong: bits, length, a splice, or all of it old."""
    message = bytearray(chance.choice(captured))
    way = chance.randrange(6)
    if way == 0:
        for _ in range(chance.randint(1, 4)):
            message[chance.randrange(len(message))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del message[chance.randrange(len(message)) :]
    elif way == 2:
        message += chance.randbytes(chance.randint(1, 300))
    elif way == 3:
        start = chance.randrange(len(message))
        message[start : start + 8] = chance.randbytes(chance.randint(0, 16))
    elif way == 4:
        other = chance.choice(captured)
        message = message[: chance.randrange(len(message))] + other[chance.randrange(len(other)) :]
    return bytes(message)
