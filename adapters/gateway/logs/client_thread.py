"""A thread that serves a Kafka client for the event loop.

Shape   ClientThread(name, run, on_died): start(), join(). run() works until whoever made the thread tells it to stop
Errors  an exception that leaves run() is logged, and the thread's name told: without its client the process is blind
"""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

OnDied = Callable[[str], None]
"""Told by whom: StopRequest.part_died."""


class ClientThread:
    """Runs one function."""

    def __init__(self, name: str, run: Callable[[], None], on_died: OnDied) -> None:
        self._name = name
        self._work = run
        self._on_died = on_died
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._work()
        except Exception:
            log.critical("client_thread_failed", exc_info=True, extra={"part": self._name})
            self._on_died(self._name)
