"""What stands around the registry: the file's subscriptions, the keeper, drops of deleted queues, blocking calls."""

import asyncio
import threading
import time

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.logs.blocking import blocking
from adapters.gateway.peers.peer_address import internal_host, internal_parts, joined
from adapters.gateway.registry.queue_drops import QueueDrops
from adapters.gateway.registry.registry_configured import configured_entries, sizes_of
from adapters.gateway.registry.registry_decisions import queue_entry
from adapters.gateway.registry.registry_keeper import RegistryKeeper
from adapters.gateway.registry.registry_plan import Sizes
from adapters.gateway.registry.registry_state import Change
from adapters.gateway.slot_ports import SlotLostError
from adapters.settings import Settings
from pipeline.cmq_registry import Gone, QueueAttributes
from tests.unit.gateway.replicas import Replicas, on_replicas, until

SETTINGS = Settings.model_validate(
    {
        "kafka": {"bootstrap.servers": "localhost"},
        "topics": {"replication_factor": 1, "partitions": 2},
        "queues": {"partitions": 3, "retention_s": 600},
        "subscriptions": [
            {"topic": "t", "name": "q", "protocol": "queue", "endpoint": "Ops"},
            {"topic": "t", "name": "h", "protocol": "http", "endpoint": "https://a.example/x"},
        ],
    }
)


def test_the_files_subscriptions_are_shown_as_the_api_would_have_made_them() -> None:
    queue, http = configured_entries(SETTINGS)
    assert (queue.protocol, queue.endpoint, queue.notify_content_format) == ("queue", "Ops", "SIMPLIFIED")
    assert (http.protocol, http.endpoint, http.notify_strategy) == (
        "http",
        "https://a.example/x",
        "EXPONENTIAL_DECAY_RETRY",
    )
    assert queue.configured
    assert http.configured
    assert len({queue.subscription_id, http.subscription_id}) == 2
    assert configured_entries(SETTINGS) == (queue, http)


def test_kafka_topics_are_as_the_file_says() -> None:
    assert sizes_of(SETTINGS) == Sizes("batch.", 2, 3 * 86_400, 3, 600, 1)


class CountingWriter:
    """Counts; fails when told to."""

    def __init__(self) -> None:
        self.tidied = 0
        self.closed = 0
        self.error: Exception | None = None

    async def tidy(self) -> None:
        self.tidied += 1
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("error", [None, SlotLostError(), Row.INTERNAL.error()])
def test_the_registry_is_kept_as_long_as_slot_0_is_ours_whatever_fails(error: Exception | None) -> None:
    async def play(replicas: Replicas) -> None:
        writer = CountingWriter()
        writer.error = error
        keeper = asyncio.create_task(RegistryKeeper(replicas[0], writer, 0.005).run())
        await until(lambda: writer.tidied > 2)
        assert writer.closed == 0
        replicas.move(0, 1)
        await until(lambda: writer.closed)
        tidied = writer.tidied
        replicas.move(0, 0)
        await until(lambda: writer.tidied > tidied)
        assert writer.closed == 1
        keeper.cancel()

    on_replicas(play)


def test_a_queue_that_is_set_or_deleted_is_told_to_the_owner_of_its_slot_alone() -> None:
    async def play(replicas: Replicas) -> None:
        attributes = QueueAttributes()
        before = queue_entry("q", "id", ("k1", 1), attributes, 1)
        changed = queue_entry("q", "id", ("k1", 1), QueueAttributes(rewind_s=9), 2)
        anew = queue_entry("q", "id2", ("k2", 1), attributes, 3)
        replicas.move(before.slot, 0)
        for replica in (replicas[0], replicas[1]):
            drops = QueueDrops(replica)
            drops.on_change(Change("queue:q", None, before))
            drops.on_change(Change("queue:q", before, changed))
            drops.on_change(Change("queue:q", changed, Gone("queue", "q", 9)))
            drops.on_change(Change("queue:q", before, anew))
            await until(lambda drops=drops: not drops._tasks)  # type: ignore[misc]  # bound at once
        assert replicas[0].slot(before.slot).asked == [("heed", "q", 9), *[("drop", "q", "k1")] * 2]
        assert replicas[1].slot(before.slot).asked == []

    on_replicas(play)


def test_a_blocking_call_holds_up_nobody_and_tells_what_came_of_it() -> None:
    async def run() -> None:
        go = threading.Event()
        waiting = asyncio.create_task(blocking(lambda: go.wait(10), 10))
        assert await blocking(lambda: 7, 10) == 7
        go.set()
        assert await waiting
        with pytest.raises(ZeroDivisionError):
            await blocking(lambda: 1 // 0, 10)

    asyncio.run(run())


def test_a_blocking_call_that_never_returns_is_left_behind() -> None:
    go = threading.Event()

    async def run() -> None:
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            await blocking(lambda: go.wait(30), 0.05)
        assert time.monotonic() - began_s < 5.0

    asyncio.run(run())
    go.set()


@pytest.mark.parametrize(
    ("listen", "internal", "expected"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("[::1]", "", "::1"),
        ("0.0.0.0", "", "127.0.0.1"),  # noqa: S104  what is told in its place
        ("*", "", "127.0.0.1"),
        ("0.0.0.0", "10.0.0.7", "10.0.0.7"),  # noqa: S104  as above
        ("127.0.0.1", "[fd00::1]", "fd00::1"),
    ],
)
def test_others_are_told_an_address_that_they_can_reach(listen: str, internal: str, expected: str) -> None:
    assert internal_host(listen, "127.0.0.1:9092,other:1", internal) == expected


def test_an_ipv6_address_is_told_in_brackets() -> None:
    assert (joined("::1", 5), joined("127.0.0.1", 5)) == ("[::1]:5", "127.0.0.1:5")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "", 0),
        ("10.0.0.7", "10.0.0.7", 0),
        ("replica-0.cmq:8091", "replica-0.cmq", 8091),
        (":8091", "", 8091),
        ("fd00::1", "fd00::1", 0),
        ("[fd00::1]", "[fd00::1]", 0),
        ("[fd00::1]:8091", "[fd00::1]", 8091),
        ("10.0.0.7:0", "10.0.0.7", 0),
    ],
)
def test_the_internal_address_may_say_host_and_port(text: str, host: str, port: int) -> None:
    assert internal_parts(text) == (host, port)


@pytest.mark.parametrize("text", ["http://a", "a:b", "a:70000", "a b", "[::1", "0.0.0.0", "[::]:1", "::"])  # noqa: S104  refused
def test_an_internal_address_that_nobody_could_call_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be HOST|is no address"):
        internal_parts(text)
