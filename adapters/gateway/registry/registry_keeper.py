"""Keeps the registry in order while slot 0 is ours: found Kafka topics adopted, names freed in time.

Shape   RegistryKeeper(slots, writer): await run() until cancelled
Errors  what fails is tried again at the next look
"""

import asyncio
import logging
from typing import Protocol

from adapters.gateway.errors import CmqError
from adapters.gateway.peers.slot_service import MANAGING_SLOT, SlotDirectory
from adapters.gateway.slot_ports import SlotLostError

log = logging.getLogger(__name__)

LOOK_S = 5.0
FIRST_LOOK_S = 0.5


class Writer(Protocol):
    """What is needed of the RegistryWriter."""

    async def tidy(self) -> None:
        """As RegistryWriter's."""

    async def close(self) -> None:
        """As RegistryWriter's."""


class RegistryKeeper:
    """Looks now and then whether slot 0 is ours."""

    def __init__(self, slots: SlotDirectory, writer: Writer, look_s: float = LOOK_S) -> None:
        self._slots = slots
        self._writer = writer
        self._look_s = look_s

    async def run(self) -> None:
        """Look, again and again."""
        kept = False
        while True:
            kept = await self._look(kept=kept)
            await asyncio.sleep(self._look_s if kept else min(FIRST_LOOK_S, self._look_s))

    async def _look(self, *, kept: bool) -> bool:
        """Whether the registry is ours to keep now."""
        if await self._slots.owned(MANAGING_SLOT) is None:
            if kept:
                await self._writer.close()
            return False
        try:
            await self._writer.tidy()
        except (SlotLostError, CmqError) as error:
            log.warning("registry_not_tidied", extra={"error": repr(error)})
        return True
