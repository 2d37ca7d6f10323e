"""File descriptors, of which a process has so many and no more: none left is our want, and no fault of an endpoint.

Shape   want_of(error) -> what we lacked, if an error tells of that; none_left() asks the system; scarce(descriptor)
        says whether a new connection has taken one of the last RESERVED
Reserve the last few are left to Kafka's clients, to name lookups and to the probes: callbacks can do without for a
        second, and a process that cannot be probed is restarted
"""

import errno
import os
import resource
import sys

RESERVED = 16


def want_of(error: Exception) -> str | None:
    """What this process lacked; None if the error is about something else."""
    match getattr(error, "errno", None):
        case errno.EMFILE:
            return f"no file descriptor left of {limit()}"
        case errno.ENFILE:
            return "no file descriptor left in the whole system"
    return None


def none_left() -> str | None:
    """Ask the system: a name lookup that lacks one says something else."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return want_of(error)
    return None


def scarce(descriptor: int) -> str | None:
    """The system gives the lowest free one, so a high number tells how few are left."""
    most = limit()
    if descriptor < most - RESERVED:
        return None
    return f"no file descriptor left of {most} but the last {RESERVED}, which callbacks leave to the rest"


def limit() -> int:
    """How many this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
