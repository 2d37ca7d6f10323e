"""How many messages a queue has, by state.

Shape   counts_of(run, context) -> QueueCounts
Exact   what is leased, put off or about to be buried; what is unsettled below the frontier, but for what a rewind took
        out of the settled set and is no message; what is at hand of the tail
Not     beyond the last body at hand only the log's end is known: offsets there count as messages, though markers and
        aborted records may be among them, and put-off ones count as active. The reader's word that it has read up to
        the end makes it exact. `rewindable` counts markers among the settled; min_msg_time is that of the oldest
        message at hand, else the first receive of the oldest that is not: it is never too early
"""

from typing import TYPE_CHECKING

from adapters.gateway.leases.message_ids import delay_until_ms, enqueue_time_s
from adapters.gateway.leases.partition_state import PartitionState
from adapters.gateway.leases.shelf import Shelf
from adapters.gateway.leases.slot_context import SlotContext
from adapters.gateway.ports import QueueCounts

if TYPE_CHECKING:
    from adapters.gateway.leases.queue_run import QueueRun


async def counts_of(run: "QueueRun", context: SlotContext) -> QueueCounts:
    """The counts of a queue, which need not be read."""
    entry = run.entry
    ends = await context.logs.ends(entry.name)
    active = inactive = delayed = rewindable = 0
    oldest_s: list[int] = []
    now_ms = context.clock.now_ms()
    for partition, end in enumerate(ends):
        rewound = None
        if entry.attributes.rewind_s:
            since_ms = now_ms - entry.attributes.rewind_s * 1_000
            rewound = await context.logs.offset_at(entry.name, partition, since_ms)
        state, shelf = run.state.partition(partition), run.reading.shelves.get(partition)
        state.advance(now_ms)
        out = state.held + len(state.burying)
        put_off = len(state.delays)
        put_off_at_hand = sum(delay_until_ms(body) > now_ms for body in shelf.fresh) if shelf else 0
        beyond = len(shelf.fresh) + max(0, end - shelf.position) if shelf else max(0, end - state.frontier)
        active += state.unsettled() - out - put_off + beyond - put_off_at_hand
        inactive += out
        delayed += put_off + put_off_at_hand
        if rewound is not None:
            rewindable += state.settled.count(rewound, state.frontier)
        oldest_s += _oldest_s(state, shelf)
    return QueueCounts(max(0, active), inactive, delayed, rewindable, min(oldest_s, default=0))


def _oldest_s(state: PartitionState, shelf: Shelf | None) -> list[int]:
    first = state.first_unsettled()
    if first is not None:
        if shelf is not None and (body := shelf.again.get(first)) is not None:
            return [enqueue_time_s(body)]
        if (lease := state.leases.get(first)) is not None:
            return [lease.first_ms // 1_000]
    return [enqueue_time_s(shelf.fresh[0])] if shelf is not None and shelf.fresh else []
