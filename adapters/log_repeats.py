"""Keeps a library that says one thing many times a second from filling the log.

Shape   Repeats(now_s).filter(record): a logging filter. Our own events have names and pass; free text passes once in
        EVERY_S, texts that differ in numbers alone counting as one; the next one that passes tells how many did not
Why     librdkafka says twice a second, for each broker, that it still cannot connect
"""

import logging
import re
import time
from collections.abc import Callable

EVERY_S = 30.0
KEPT = 256

_NUMBERS = re.compile(r"\d+")


class Repeats(logging.Filter):
    """Remembers what was said lately."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now_s = now_s
        self._said: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        text = record.getMessage()
        if text.isidentifier():
            return True
        key = _NUMBERS.sub("#", text)
        now_s = self._now_s()
        said_s, left_out = self._said.get(key, (-EVERY_S, 0))
        if now_s - said_s < EVERY_S:
            self._said[key] = said_s, left_out + 1
            return False
        if len(self._said) >= KEPT:
            self._said.clear()
        self._said[key] = now_s, 0
        if left_out:
            record.repeats_left_out = left_out
        return True
