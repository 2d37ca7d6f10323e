"""Queues that were deleted: what is known of their messages is dropped by the owner of their slot.

Shape   QueueDrops(slots): on_change is a listener of the RegistryView; close()
When    an entry is gone, or names another Kafka topic; an owner that comes later finds no entry for what it restores
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
    """Hears of deleted queues."""

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
            return
        task = self._loop.create_task(self._drop(before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Leave the rest to the next owner."""
        for task in self._tasks:
            task.cancel()

    async def _drop(self, entry: QueueEntry) -> None:
        slot = await self._slots.owned(entry.slot)
        if slot is None:
            return
        try:
            await slot.drop(entry)
        except SlotLostError:
            log.info("queue_left_to_next_owner", extra={"queue": entry.name})
