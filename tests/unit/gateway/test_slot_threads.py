"""A thread of the slots that ends by itself is told: nothing else would show that no slot is taken over any more."""

import asyncio
import threading

import pytest

from adapters.gateway.journal import journal_writer, slot_reader
from adapters.gateway.journal.slots import Slots
from pipeline.cluster import Cluster
from tests.unit.gateway.journal_lab import ListState


class Broken:
    """A client that does what nobody has foreseen."""

    def __init__(self, _config: object) -> None:
        """It looks like any other."""

    def __getattr__(self, name: str) -> object:
        raise LookupError(name)


@pytest.mark.parametrize(
    ("module", "client", "thread"),
    [
        (slot_reader, "Consumer", "slot-reader"),
        (journal_writer, "Producer", "slot-journals"),
    ],
)
def test_a_thread_that_ends_by_itself_is_told(
    monkeypatch: pytest.MonkeyPatch, module: object, client: str, thread: str
) -> None:
    monkeypatch.setattr(module, client, Broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # the log has it

    async def play() -> None:
        failed: asyncio.Queue[Exception] = asyncio.Queue()
        cluster = Cluster({"bootstrap.servers": "localhost:1"})
        slots = Slots(cluster, "here:1", ListState, lambda *_: None, failed.put_nowait)  # type: ignore[arg-type]  # no slot is made
        part = slots._reader if module is slot_reader else slots._writer
        part.start()
        async with asyncio.timeout(10):
            assert thread in str(await failed.get())
        part._thread.join(10)

    asyncio.run(play())
