"""Clients, time, cancels, a slow journal and dying owners in any order: what clients were told stays true."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.leases.limits import Limits
from adapters.gateway.ports import Message
from adapters.gateway.slot_ports import SlotLostError
from pipeline.cmq_registry import DeadLetterPolicy
from pipeline.errors import DeliveryFailedError
from tests.unit.gateway.slot_rig import Rig, queue_entry

QUEUE = queue_entry(partitions=2, visibility_timeout_s=10, dead_letter=DeadLetterPolicy("dead", 3))


class _Told(msgspec.Struct):
    """What clients know of a message."""

    deleted: bool = False
    in_doubt: bool = False
    """A delete of it was not answered."""
    handle: str = ""
    until_ms: int = 0
    count: int = 0
    first_s: int = 0


def until_ms(handle: str) -> int:
    return int(handle.split(":")[4])


class SlotMachine(RuleBasedStateMachine):
    """One queue, many clients, one owner after another."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.rig = self.do(self._rig())
        self.told: dict[bytes, _Told] = {}
        self.polls: list[asyncio.Task[list[Message]]] = []
        self.deletes: list[tuple[asyncio.Task[list[Row | None]], list[tuple[bytes, bool]]]] = []

    @staticmethod
    async def _rig() -> Rig:
        rig = Rig(Limits(prefetch=20, again=8))
        for partition in range(2):
            rig.queues.log("orders", partition)
        rig.queues.log("dead")
        return rig

    def do(self, what: Coroutine[Any, Any, Rig]) -> Rig:
        return self.loop.run_until_complete(what)

    def settle(self, turns: int = 12) -> None:
        self.loop.run_until_complete(self.rig.turn(turns))
        self._hear()

    @rule(count=st.integers(1, 20), partition=st.integers(0, 1), skipped=st.sampled_from([0, 0, 2]))
    def send(self, count: int, partition: int, skipped: int) -> None:
        self._send(count, partition, skipped, 0)

    @rule(partition=st.integers(0, 1), delay_s=st.integers(1, 15))
    def send_later(self, partition: int, delay_s: int) -> None:
        self._send(1, partition, 0, delay_s * 1_000)

    def _send(self, count: int, partition: int, skipped: int, delay_ms: int) -> None:
        async def send() -> None:
            values = [b"%d" % (len(self.told) + number) for number in range(count)]
            self.told.update((value, _Told(until_ms=self.rig.clock.now_ms() + delay_ms)) for value in values)
            self.rig.queues.gap("orders", skipped, partition=partition)
            self.rig.queues.send("orders", *values, partition=partition, delay_ms=delay_ms)

        self.loop.run_until_complete(send())

    @rule(count=st.integers(1, 16), wait_s=st.integers(0, 30))
    def receive(self, count: int, wait_s: int) -> None:
        self.polls.append(self.loop.create_task(self.rig.owner.receive(QUEUE, count, wait_s)))

    @rule(turns=st.integers(0, 12))
    def go_on(self, turns: int) -> None:
        self.settle(turns)

    @precondition(lambda self: self.polls)
    @rule(data=st.data(), turns=st.integers(0, 3))
    def cancel(self, data: st.DataObject, turns: int) -> None:
        self.settle(turns)
        if self.polls:
            data.draw(st.sampled_from(self.polls)).cancel()

    @rule(seed=st.integers(0, 1_000), share=st.floats(0, 1))
    def delete(self, seed: int, share: float) -> None:
        chance = random.Random(seed)  # noqa: S311  no secret
        some = [(body, told) for body, told in self.told.items() if told.handle and chance.random() < share][:16]
        if not some:
            return
        now_ms = self.rig.clock.now_ms()
        about = [(body, told.until_ms > now_ms) for body, told in some]
        for _, told in some:
            told.in_doubt = told.in_doubt or told.until_ms > now_ms
        handles = [told.handle for _, told in some]
        self.deletes.append((self.loop.create_task(self.rig.owner.delete_messages(QUEUE, handles)), about))
        self.settle(1)  # it has begun: its time is that of now

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.settle(1)
        self._advance(seconds)
        self.settle(1)

    def _advance(self, seconds: float) -> None:
        async def advance() -> None:
            self.rig.clock.advance(seconds)

        self.loop.run_until_complete(advance())

    @rule(held=st.booleans())
    def journal_waits(self, held: bool) -> None:  # noqa: FBT001  drawn
        self.rig.journal.held = held
        if not held:
            self.loop.run_until_complete(self._flush())
            self.settle()

    async def _flush(self) -> None:
        self.rig.journal.flush()

    @rule()
    def reading_stalls(self) -> None:
        self.rig.queues.slow = not self.rig.queues.slow
        if not self.rig.queues.slow:
            self.loop.run_until_complete(self._feed())

    async def _feed(self) -> None:
        self.rig.queues.feed()

    @rule(fails=st.booleans(), unsure=st.booleans())
    def dead_letters_fail(self, fails: bool, unsure: bool) -> None:  # noqa: FBT001  drawn
        self.rig.queues.fail_bury = DeliveryFailedError(1, []) if fails else None
        self.rig.queues.bury_unsure = unsure

    @rule(with_waiting=st.booleans(), snapshot=st.booleans())
    def owner_dies(self, with_waiting: bool, snapshot: bool) -> None:  # noqa: FBT001  drawn
        self.settle(1)

        async def take_over() -> None:
            self.rig.take_over(with_waiting=with_waiting, snapshot=snapshot and not self.rig.journal.waiting)

        self.loop.run_until_complete(take_over())
        self.settle()
        assert all(poll.done() for poll in self.polls)
        assert all(delete.done() for delete, _ in self.deletes)

    def _hear(self) -> None:
        """Take in what clients were told."""
        for poll in [one for one in self.polls if one.done()]:
            self.polls.remove(poll)
            if poll.cancelled():
                continue
            error = poll.exception()
            if error is None:
                for message in poll.result():
                    self._received(message)
            else:
                assert isinstance(error, SlotLostError) or (
                    isinstance(error, CmqError) and error.row is Row.NO_MESSAGE
                ), error
        for delete, about in [one for one in self.deletes if one[0].done()]:
            self.deletes.remove((delete, about))
            if (error := delete.exception()) is not None:
                assert isinstance(error, SlotLostError), error
                continue
            for (body, valid), answer in zip(about, delete.result(), strict=True):
                assert (answer is None) == valid, "a valid handle refused, or one accepted that was over"
                self.told[body].deleted |= valid

    def _dead(self) -> list[bytes]:
        return [one.value for one in self.rig.queues.log("dead") if one is not None]

    def _received(self, message: Message) -> None:
        told = self.told[message.body]
        until = until_ms(message.receipt_handle)
        assert not told.deleted, "a deleted message is back"
        assert message.body not in self._dead(), "a dead letter is back"
        assert until - QUEUE.attributes.visibility_timeout_s * 1_000 >= told.until_ms, "held by two, or too early"
        assert message.dequeue_count > told.count
        assert told.first_s in {0, message.first_dequeue_time_s} or message.first_dequeue_time_s < told.first_s
        told.handle, told.until_ms = message.receipt_handle, until
        told.count, told.first_s = message.dequeue_count, message.first_dequeue_time_s

    def teardown(self) -> None:
        """Whatever came of it, leave nothing behind."""
        try:
            self._end()
        finally:
            self.rig.owner.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(self.rig.turn())
            self.loop.close()

    def _end(self) -> None:
        """In the end every message that was not deleted is received, and nothing else."""
        self.rig.queues.slow = False
        self.rig.queues.fail_bury = None
        self.journal_waits(held=False)
        self.loop.run_until_complete(self._feed())
        self._advance(100)
        self.settle(30)
        before = {body for body, told in self.told.items() if not told.deleted and not told.in_doubt}
        got: set[bytes] = set()
        for _ in range(len(self.told) + 10):
            receive = self.loop.create_task(self.rig.owner.receive(QUEUE, 16, 1))
            self.loop.run_until_complete(self.rig.turn(20))
            if not receive.done():
                self._advance(1)
                self.loop.run_until_complete(self.rig.turn(20))
            if receive.exception() is not None:
                break
            for message in receive.result():
                self._received(message)
                got.add(message.body)
        for _ in range(4):
            self._advance(10)
            self.settle(30)
        dead = self._dead()
        assert before <= got | set(dead), "an undeleted message is lost"
        assert len(dead) == len(set(dead)), "a dead letter is there twice"
        assert not any(self.told[body].deleted for body in dead), "a deleted message is a dead letter"
        assert not self.deletes
        self.rig.owner.close()
        self.settle()
        assert not self.polls
        assert self.rig.budget.used == 0


SlotMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyInterleaving = SlotMachine.TestCase
