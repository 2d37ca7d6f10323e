"""The admin client through which everybody in a process asks now and then: one each costs threads and memory.

Shape   SharedAdmin(make_admin): client(), replace(client). Any thread may call
Keep    whoever waits for an answer keeps the client that owes it: nobody answers for one that is gone. But not in what
        the client itself calls: the thread that lets go of it last ends it, and librdkafka's own may not
Replace a client does not always find out by itself that it is behind: what it knows of a leader may be older than the
        broker's last start (FENCED_LEADER_EPOCH to each question from then on), or it waits for a controller or a
        coordinator that is no more. A new one knows nothing that is old
"""

import threading
from collections.abc import Callable

from confluent_kafka.admin import AdminClient


class SharedAdmin:
    """Made when it is first asked for."""

    def __init__(self, make_admin: Callable[[], AdminClient]) -> None:
        self._make_admin = make_admin
        self._lock = threading.Lock()
        self._admin: AdminClient | None = None

    def client(self) -> AdminClient:
        """The client of today.

        Raises:
            KafkaException: none can be made.
        """
        with self._lock:
            if self._admin is None:  # a client's truth is whether it has anything under way
                self._admin = self._make_admin()
            return self._admin

    def replace(self, client: AdminClient) -> None:
        """That one is of no more use: whoever asks next gets another."""
        with self._lock:
            if self._admin is not client:
                return
            self._admin = None
        # Its end waits for its threads, one of which may be connecting.
        former = [client]
        threading.Thread(target=former.clear, name="client-end", daemon=True).start()
