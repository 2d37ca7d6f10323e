"""Valid bytes, made a little or very wrong."""

import random
import re

JUNK = [
    b"",
    b"\x00",
    b"\x01",
    b"\xff" * 9 + b"\x01",
    b"\xff" * 10,
    b"\x80" * 9 + b"\x01",
    b"\xfe\xff\xff\xff\x0f",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"[" * 1000,
    b"[" * 100,
    b'{"a":' * 200,
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"1.5",
    b"18446744073709551616",
    b"9" * 5000,
    b'"',
    b"\\",
    b'"\\ud800"',
    b'"x"',
    b"[]",
    b"{}",
    b'"9999-12-31T23:59:59-01:00"',
    b'"0001-01-01T00:00:00+23:59"',
]


def mutated(chance: random.Random, originals: list[bytes]) -> bytes:
    """One of the originals with up to five changes; now and then something random altogether."""
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(200))
    value = bytearray(chance.choice(originals))
    for _ in range(chance.randint(1, 5)):
        start, end = sorted(chance.randrange(len(value) + 1) for _ in range(2))
        near = min(end, start + chance.randrange(12))
        match chance.randrange(7):
            case 0:
                value[start:near] = chance.randbytes(near - start)
            case 1:
                del value[start:near]
            case 2:
                value[start:near] = chance.choice(JUNK)
            case 3:
                value[start:start] = value[start:end]
            case 4:
                del value[start:]
            case 5:
                _exchange_a_token(chance, value)
            case _:
                other = chance.choice(originals)
                value[start:] = other[chance.randrange(len(other) + 1) :]
    return bytes(value)


def _exchange_a_token(chance: random.Random, value: bytearray) -> None:
    """Put junk, or another token of the same text, in the place of a string or a number."""
    tokens = list(_TOKEN.finditer(bytes(value)))
    if tokens:
        token = chance.choice(tokens)
        value[token.start() : token.end()] = chance.choice([chance.choice(JUNK), chance.choice(tokens).group()])


_TOKEN = re.compile(rb'"[^"\\]*"|-?\d+')
