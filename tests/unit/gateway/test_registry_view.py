"""What the view of the registry tells its listeners when the log is read anew."""

import asyncio

from adapters.gateway.registry.registry_decisions import queue_entry
from adapters.gateway.registry.registry_state import Change
from adapters.gateway.registry.registry_view import RegistryView, _Read
from pipeline.cluster import Cluster
from pipeline.cmq_registry import Gone, QueueAttributes, encode

ORDERS = queue_entry("orders", "id-1", ("k1", 1), QueueAttributes(), 100)
BILLS = queue_entry("bills", "id-2", ("k2", 1), QueueAttributes(), 100)


def test_what_a_cut_log_has_lost_is_not_told_as_deleted() -> None:
    """A queue's state is dropped for good when it is told so, and its Kafka topic is still there."""

    async def play() -> None:
        heard: list[Change] = []
        view = RegistryView(Cluster({"bootstrap.servers": "localhost:1"}), asyncio.get_running_loop(), print)
        view.on_change(heard.append)
        view._take(_Read([encode(ORDERS), encode(BILLS)], 2, anew=False))
        assert [change.after for change in heard] == [ORDERS, BILLS]
        view._take(_Read([], 0, anew=True))
        view._take(_Read([encode(ORDERS)], 1, anew=False))
        assert [change for change in heard if change.after is None] == []
        assert (view.state.queue("orders"), view.state.queue("bills")) == (ORDERS, None)
        gone = Gone("queue", "orders", 200)
        view._take(_Read([encode(gone)], 2, anew=False))
        assert heard[-1] == Change("queue:orders", ORDERS, gone)

    asyncio.run(play())
