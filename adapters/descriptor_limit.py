"""Whether the process may open as many file descriptors as its subscriptions can ask for.

Shape   raise_limit() takes what the system grants, the hard limit; need(subscriptions, brokers) -> Need;
        DescriptorCheck(subscriptions).at(brokers) warns, once, as soon as somebody knows how many brokers there are
Figures measured: librdkafka keeps a thread with a pipe for each broker and for two roles (bootstrap, coordinator), and
        opens a connection for each when it needs one: 3 descriptors. A subscription has CLIENTS of them
Judged  a warning and no refusal: `concurrency` is a bound that few endpoints reach, and what is out of descriptors is
        tried again a second later (callback/descriptors.py). Nothing is lost, it is only slower
"""

import logging
import resource
import threading
from collections.abc import Sequence
from typing import NamedTuple

from adapters.callback.descriptors import RESERVED, limit
from pipeline.subscription import Protocol, Subscription

CLIENTS = {Protocol.HTTP: 4, Protocol.QUEUE: 2}
"""HTTP: consumer, transactions, and one reader each of events and held keys. Queue: consumer, transactions."""

SHARED_CLIENTS = 4
"""Three that ask about topics, and the reader of what is made at run time."""

TRACE_CLIENTS = 1
OWN = 24 + RESERVED
"""Log, event loop, probes and their connections, and the reserve."""

log = logging.getLogger(__name__)


class Need(NamedTuple):
    """How many, at the most, and for what."""

    callbacks: int
    kafka: int
    own: int = OWN


def raise_limit() -> int:
    """Raise the soft limit to the hard one; the limit that is in force then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError) as error:  # macOS says "unlimited" and means less
            log.info("file_descriptor_limit_kept", extra={"limit": soft, "error": str(error)})
    return limit()


def need(subscriptions: Sequence[Subscription], brokers: int) -> Need:
    """What these subscriptions can ask for, at a cluster of so many brokers."""
    traced = any(one.http is not None and one.http.trace for one in subscriptions)
    clients = SHARED_CLIENTS + TRACE_CLIENTS * traced + sum(CLIENTS[one.protocol] for one in subscriptions)
    return Need(sum(one.http.concurrency for one in subscriptions if one.http), 3 * (brokers + 2) * clients)


class DescriptorCheck:
    """Says once that the limit is too low, if it is."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = subscriptions
        self._lock = threading.Lock()
        self._done = False

    def at(self, brokers: int) -> None:
        """Check, the first time; any thread may call."""
        with self._lock:
            done, self._done = self._done, True
        wanted, most = need(self._subscriptions, brokers), limit()
        if not done and sum(wanted) > most:
            advice = "raise the hard limit (ulimit -Hn, LimitNOFILE=, --ulimit nofile=), or lower `concurrency`"
            figures = {"limit": most, "needed": sum(wanted), "brokers": brokers, **wanted._asdict()}
            log.warning("file_descriptors_short", extra=figures | {"advice": advice})
