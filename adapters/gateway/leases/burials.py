"""Dead letters of one queue: what was received too often goes to another queue, once.

Shape   Burials: add(body) of a hidden message; resume() takes up the intents of the state; one task does them in turn
When    a message comes up that was received often enough, or has been there for long enough: who has no consumer at
        all has no dead letters either
Steps   intent with the target's ends, durable; append to the target with the message's source in the headers; settle.
        Whoever finds an intent and no end of it looks in the target, from those ends on, before it appends
Failing nothing is given up: tried again every few seconds, behind the others; shown again if the queue has no policy
        any more, and buried elsewhere if the policy names another queue by now and the former one is gone
Bounds  a body that was asked for goes before those that have none yet, or all of them would be in memory at a time
"""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.leases.entries import Burying, Settled, Shown
from adapters.gateway.leases.message_ids import DELAY_UNTIL, enqueue_time_s, message_id
from adapters.gateway.leases.partition_state import Grave, Lease
from adapters.gateway.leases.queue_logs import SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC_ID
from adapters.gateway.leases.slot_context import SlotContext
from adapters.gateway.slot_ports import Body, SlotLostError
from pipeline.errors import PipelineError
from pipeline.free_text import MESSAGE_ID
from pipeline.headers import Headers
from pipeline.transform import PUBLISH_TIME

if TYPE_CHECKING:
    from adapters.gateway.leases.queue_run import QueueRun
    from pipeline.clock import Timer

log = logging.getLogger(__name__)

AGAIN_S = 5.0
AT_HAND = 16
"""So many bodies are kept for it, beside the byte budget."""


class _Letter(msgspec.Struct):
    """A message on its way; looked for in the target unless its intent is new."""

    partition: int
    offset: int
    body: Body | None = None


class Burials:
    """The dead letters of one queue."""

    def __init__(self, context: SlotContext, run: "QueueRun") -> None:
        self._context = context
        self._run = run
        self._letters: deque[_Letter] = deque()
        self._known: dict[tuple[int, int], _Letter] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    def is_due(self, body: Body, lease: Lease | None, now_ms: int) -> bool:
        """Whether a message has been received as often, or has been there as long, as it may be."""
        policy = self._run.entry.attributes.dead_letter
        if policy is None:
            return False
        if policy.max_receive_count and lease is not None and lease.count >= policy.max_receive_count:
            return True
        lives_ms = policy.max_time_to_live_s * 1_000
        return bool(lives_ms) and body.timestamp_ms + lives_ms <= now_ms

    def __len__(self) -> int:
        return len(self._known)

    def add(self, body: Body) -> None:
        """Bury a message that the state hides."""
        at_hand = body if len(self._letters) < AT_HAND else None  # the others are read again when it is their turn
        self._enqueue(_Letter(body.partition, body.offset, at_hand))

    def resume(self) -> None:
        """Go on with what the state says was begun."""
        for partition, state in self._run.state.partitions.items():
            for offset in state.burying:
                if (partition, offset) not in self._known:
                    self._enqueue(_Letter(partition, offset))

    def found(self, body: Body) -> None:
        """A body that was asked for."""
        letter = self._known.get((body.partition, body.offset))
        if letter is not None and letter.body is None:
            letter.body = body
            self._letters.appendleft(letter)
            self._go_on()

    def forget(self) -> None:
        """Reading ended: bodies that were asked for do not come."""
        waiting = {(letter.partition, letter.offset) for letter in self._letters}
        self._known = {place: one for place, one in self._known.items() if one.body is not None or place in waiting}

    def close(self) -> None:
        """Stop; what was begun is in the journal."""
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._letters.clear()
        self._known.clear()

    def _enqueue(self, letter: _Letter) -> None:
        self._known[letter.partition, letter.offset] = letter
        self._letters.append(letter)
        self._go_on()

    def _go_on(self) -> None:
        if self._task is None and self._timer is None:
            self._begin()

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._work())
        self._task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if not task.cancelled():
            task.result()  # a mistake of ours: the loop's exception handler tells the process
            if self._letters and self._timer is None and not self._context.ended:
                self._begin()  # a body came just as it ended

    async def _work(self) -> None:
        while self._letters and not self._context.ended:
            letter = self._letters.popleft()
            try:
                await self._bury(letter)
            except SlotLostError:
                return
            except (CmqError, PipelineError) as error:
                log.warning("dead_letter_failed", extra={"queue": self._run.entry.name, "error": str(error)})
                self._timer = self._context.clock.call_later(AGAIN_S, self._begin)
                self._enqueue(letter)
                return

    async def _bury(self, letter: _Letter) -> None:
        state = self._run.state.partition(letter.partition)
        if letter.offset in state.settled:
            self._done(letter)
            return
        grave, policy = state.burying.get(letter.offset), self._run.entry.attributes.dead_letter
        target = None if policy is None else policy.queue_name
        if grave is not None:
            written = await self._is_written(letter, grave, target)
            if written:
                self._settle(letter)
                return
            grave = grave if written is not None else None
        if target is None:
            self._show(letter)
            return
        grave = grave or await self._intend(letter, target)
        if grave is None:
            self._done(letter)
        elif letter.body is None:
            if not self._run.following:
                self._done(letter)  # resume() finds it in the state
            self._run.reading.want(letter.partition, [letter.offset])
        else:
            await self._context.logs.bury(grave.target, letter.body.value, self._headers(letter.body))
            self._settle(letter)

    async def _is_written(self, letter: _Letter, grave: Grave, target: str | None) -> bool | None:
        """Whether it lies in the grave; None: that queue is gone with all that was in it, and is not the target now."""
        try:
            return await self._context.logs.is_buried(grave.target, grave.ends, self._source(letter))
        except CmqError as error:
            if error.row is not Row.NO_QUEUE or grave.target == target:
                raise
            return None

    async def _intend(self, letter: _Letter, target: str) -> Grave | None:
        """Begin; None: it is hidden no more, for a rewind has shown it, and a client may have it."""
        ends = tuple(await self._context.logs.ends(target))
        self._context.check()
        state = self._run.state.partition(letter.partition)
        if letter.offset not in state.burying and not state.is_hidden(letter.offset):
            return None
        queue = self._run.state.number
        await self._context.durable(self._context.change(Burying(queue, letter.partition, letter.offset, target, ends)))
        return Grave(target, ends)

    def _settle(self, letter: _Letter) -> None:
        self._context.check()
        self._context.change(Settled(self._run.state.number, letter.partition, (letter.offset,)))
        self._done(letter)
        if self._run.behind_burials:
            self._run.pump()

    def _show(self, letter: _Letter) -> None:
        state = self._run.state.partition(letter.partition)
        if letter.offset in state.burying:
            self._context.change(Shown(self._run.state.number, letter.partition, letter.offset))
        else:
            state.unhide(letter.offset)
        self._done(letter)
        self._run.reading.restock()

    def _done(self, letter: _Letter) -> None:
        self._known.pop((letter.partition, letter.offset), None)

    def _source(self, letter: _Letter) -> Headers:
        return [
            (SOURCE_TOPIC_ID, self._run.state.topic_id.encode()),
            (SOURCE_PARTITION, b"%d" % letter.partition),
            (SOURCE_OFFSET, b"%d" % letter.offset),
        ]

    def _headers(self, body: Body) -> Headers:
        """The message's own, with its id and its time made plain; of an earlier burial nothing is left."""
        source = self._source(_Letter(body.partition, body.offset))
        ours: Headers = [
            (MESSAGE_ID, message_id(self._run.state.topic_id, body).encode()),
            (PUBLISH_TIME, b"%d" % enqueue_time_s(body)),
            *source,
        ]
        replaced = {name for name, _ in ours} | {DELAY_UNTIL}
        return [*(header for header in body.headers if header[0] not in replaced), *ours]
