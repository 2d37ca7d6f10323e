"""A moment on the command line: ISO 8601 with an offset from UTC, to Unix milliseconds."""

import argparse
from datetime import datetime


def time_ms(text: str) -> int:
    """For argparse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset from UTC, such as Z")
    return int(moment.timestamp() * 1000)
