"""Queues that were deleted or set otherwise: the owner of their slot drops what it knows of them, or goes by it.

Shape   QueueDrops(slots): on_change is a listener of the RegistryView; close()
When    an entry is gone, or names another Kafka topic; an owner that comes later finds no entry for what it restores.
        Who waits for messages already is not asked again before there are some, so the owner hears of other attributes
Errors  a slot that is lost meanwhile is its next owner's
"""

import asyncio
import logging

from adapters.gateway.peers.slot_service import SlotDirectory
from adapters.gateway.registry.registry_state import Change
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import QueueEntry

log = logging.getLogger(__name__)


class QueueDrops:
    """Hears of deleted and changed queues."""

    def __init__(self, slots: SlotDirectory) -> None:
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def on_change(self, change: Change) -> None:
        """A change of the registry."""
        before, after = change.before, change.after
        if not isinstance(before, QueueEntry):
            return
        if isinstance(after, QueueEntry) and after.topic_id == before.topic_id:
            chore = self._heed(after)
        else:
            chore = self._drop(before)
        task = self._loop.create_task(chore)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Leave the rest to the next owner."""
        for task in self._tasks:
            task.cancel()

    async def _heed(self, entry: QueueEntry) -> None:
        slot = await self._slots.owned(entry.slot)
        if slot is not None:
            slot.heed(entry)

    async def _drop(self, entry: QueueEntry) -> None:
        slot = await self._slots.owned(entry.slot)
        if slot is None:
            return
        try:
            await slot.drop(entry)
        except SlotLostError:
            log.info("queue_left_to_next_owner", extra={"queue": entry.name})
