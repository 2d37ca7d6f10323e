"""Retry-After: how long an answer asks us to wait.

Shape   retry_after_s(head, now_s) -> seconds from 0 to MAX_S, or None where the answer says nothing that we understand
Form    delta-seconds or an HTTP-date; from the head of the final answer, not from an interim one and not from a trailer
Cost    a parse of the head, for the answers that may say it: HEARD. Answers of success never pay for it
Source  RFC 9110 10.2.3
"""

import contextlib
from datetime import UTC
from email.utils import parsedate_to_datetime

import httptools

HEARD = frozenset({429, 503})
"""The statuses whose Retry-After is heard."""

MAX_S = 3600.0


def retry_after_s(head: bytes, now_s: float) -> float | None:
    """What the head of an answer asks for, counted from now_s (Unix seconds)."""
    value = _Head(head).retry_after
    return None if value is None else _seconds(value.decode("latin-1").strip(), now_s)


def _seconds(text: str, now_s: float) -> float | None:
    if text.isascii() and text.isdigit():
        return MAX_S if len(text) > 20 else min(float(text), MAX_S)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)  # an HTTP-date is in GMT, also in the old form that does not say so
        left_s = moment.timestamp() - now_s
    except (ValueError, OverflowError):
        return None
    return max(0.0, min(left_s, MAX_S))


class _Head:
    """The one header, found by the parser that has taken this head before."""

    def __init__(self, head: bytes) -> None:
        self.retry_after: bytes | None = None
        self._over = False
        self._parser = httptools.HttpResponseParser(self)
        with contextlib.suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._parser.feed_data(head)  # what follows the head may be no good; it is not asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        """From the parser."""
        if not self._over and self.retry_after is None and name.lower() == b"retry-after":
            self.retry_after = value

    def on_headers_complete(self) -> None:
        """From the parser."""
        if self._parser.get_status_code() >= 200:
            self._over = True
        else:
            self.retry_after = None
