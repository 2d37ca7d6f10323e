"""The thread that delivers: one uvloop event loop for all HTTP subscriptions of the process.

Shape   EventLoopThread: start(), call(f) from any thread, join(); LoopClock is the delivery's clock on it
Errors  an exception in a callback would leave an event unsettled for ever: it stops the process (exit status 4)
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import uvloop

from pipeline.stop import StopRequest

log = logging.getLogger(__name__)


class LoopClock:
    """Time and timers of an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.call_soon = loop.call_soon
        self.monotonic_s = time.monotonic  # the loop's own time stands still between two rounds

    def call_later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call later."""
        return self._loop.call_later(delay_s, call)

    @staticmethod
    def now_ms() -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000


class EventLoopThread:
    """Runs an event loop until it is told to end."""

    def __init__(self, stop: StopRequest) -> None:
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._stop = stop
        self.loop.set_exception_handler(self._on_exception)
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def call(self, function: Callable[[], None]) -> None:
        """Run a function on the loop's thread, soon."""
        self.loop.call_soon_threadsafe(function)

    def end(self, timeout_s: float) -> None:
        """Stop the loop and wait for its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _on_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.critical("delivery_thread_failed", exc_info=error, extra={"error": context.get("message")})
        self._stop.part_died("delivery")
