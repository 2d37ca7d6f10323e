"""What every process of ours that lives long does: hears signals, and ends when one of its threads fails.

Shape   watch_signals(stop), watch_threads(stop), once each, in the main thread; leave(status) at the end
"""

import logging
import os
import signal
import threading
from types import FrameType

from pipeline.stop import ExitStatus, StopRequest

log = logging.getLogger(__name__)


def watch_signals(stop: StopRequest) -> None:
    """The first SIGTERM or SIGINT asks the process to stop, the second ends it at once."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            os._exit(ExitStatus.SECOND_INTERRUPT)
        stop.request()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def watch_threads(stop: StopRequest) -> None:
    """What a thread did not foresee ends the process, not just the thread."""

    def on_exception(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread is not None else "a thread"
        error = args.exc_value or args.exc_type()
        log.critical("thread_failed", exc_info=error, extra={"thread_name": name})
        stop.part_died(name)

    threading.excepthook = on_exception


def leave(status: ExitStatus) -> ExitStatus:
    """The exit status; a thread that hangs in a broker's answer does not keep the process: all there was is said."""
    if threading.active_count() > 1 and status is not ExitStatus.FINE:
        logging.shutdown()
        os._exit(status)
    return status
