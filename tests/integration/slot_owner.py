"""A replica as a process: appends to every slot that it owns, and prints what was acknowledged.

Shape   python -m tests.integration.slot_owner SERVERS TOPIC GROUP NAME, until it is killed, or until SIGTERM
Lines   `acknowledged SLOT ENTRY`, `owns N` when that changes
"""

import asyncio
import signal
import sys

import uvloop

from adapters.gateway.journal.slots import Slots
from adapters.gateway.journal.snapshots import SnapshotRule
from adapters.gateway.slot_ports import SlotLostError
from tests.integration.slot_scene import ListSlot, SlotScene

OFTEN = SnapshotRule(every_s=1.0, entries_bytes=20_000)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def write(slots: Slots, slot: int, name: str) -> None:
    """Append one entry after the other, a few at a time, for as long as the slot is ours."""
    number = 0
    while True:
        mine = slots.owned_now().get(slot)
        if mine is None:
            await asyncio.sleep(0.01)
            continue
        assert isinstance(mine, ListSlot)
        entries = [f"{name}.{number + more}" for more in range(3)]
        number += len(entries)
        added = [mine.add(entry.encode()) for entry in entries]
        for entry, future in zip(entries, added, strict=True):
            try:
                await future
            except SlotLostError:
                continue
            say(f"acknowledged {slot} {entry}")
        await asyncio.sleep(0.002)


async def main(servers: str, topic: str, group: str, name: str) -> None:
    """Be a replica."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    scene = SlotScene(servers, topic, group)
    slots = await scene.member(name, OFTEN)
    writing = [asyncio.create_task(write(slots, slot, name)) for slot in range(4)]
    owned = -1
    while not stop.is_set():
        if len(slots.owned_now()) != owned:
            owned = len(slots.owned_now())
            say(f"owns {owned}")
        await asyncio.sleep(0.02)
    await slots.close()
    for task in writing:
        task.cancel()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
