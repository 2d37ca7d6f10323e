"""A load of CMQ clients on some queues, and the books that the oracle judges.

Shape   Load(secret id, secret, addresses, queues) as a context, in a thread of its own: it sends numbered messages,
        receives, deletes most in time and leaves some. drain() ends the sending and deletes everything; look_again()
        receives once more, whatever is leased included; books, successes, strange
Times   a lease is VISIBILITY_S; a delete is asked at once, or shortly before its end
Calls   one that could not leave is made later, and in no book; one of the consumers of each queue waits for no answer
        for longer than HASTE_S, so that what it is told is the service's time and not its own patience
Pace    PAUSE_S between the sends of a queue: enough that a queue always has something, little enough for two cores
Errors  answers that no promise explains are in `strange`; drain() raises AssertionError if it takes too long
"""

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future  # noqa: TC003  it stands in an annotation of a field
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import uvloop

from tests.harness.cmq_client import ANSWER_S, CmqClient, LostError, Reply, numbered
from tests.harness.cmq_oracle import Books, Deleted, Received, Sent

VISIBILITY_S = 4
PAUSE_S = 0.03
AGAIN_S = 0.05
LATE = 0.1
"""This share of the deletes comes late in the lease."""

LEFT = 0.15
"""This share of what is received is left, and comes again."""

NEVER = 50
"""One message in so many is not deleted before drain()."""

RELEASED_S = 30.0
BEING_RELEASED = 6040
"""The Kafka topics of that name are still going."""

HASTE_S = 1.5
_UNSAID = {6000}
"""Codes that say nothing of what was done."""


class Load:
    """Clients."""

    def __init__(self, secret_id: str, secret: str, addresses: Callable[[], Sequence[str]], seed: int = 1) -> None:
        self.books = Books([], [], [])
        self.strange: list[str] = []
        """Answers that nothing explains."""

        self.successes: dict[str, list[float]] = defaultdict(list)
        """By queue: when (Unix seconds) a call was answered that the owner of its slot alone can answer."""

        self._key = secret_id, secret
        self._addresses = addresses
        self._random = random.Random(seed)  # noqa: S311  the same each time
        self._clients: list[CmqClient] = []
        self._late: set[asyncio.Task[None]] = set()
        self._by_handle: dict[str, Received] = {}
        self._numbers = 0
        self._sending = True
        self._receiving = True
        self._probed: list[str] = []
        self._ended: set[str] = set()
        """Queues that are loaded no more. Nobody is cancelled: an answer may be on its way."""

        self._draining = False
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._senders: list[asyncio.Task[None]] = []
        self._consumers: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="cmq-load")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._do(self._end(), 30)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def create(self, queue: str, **more: str) -> None:
        """Make a queue and load it."""
        self._do(self._create(queue, more), RELEASED_S + 30)

    def drain(self, timeout_s: float = 60.0) -> None:
        """Send nothing more, and delete everything that there is."""
        self._do(self._drain(), timeout_s)

    def look_again(self) -> None:
        """Receive whatever is still there, if anything is."""
        queues = [*self.successes, *self._probed]
        self._do(self._look_again(queues), 60)

    def longest_gap_s(self, since_s: float, until_s: float) -> tuple[float, str]:
        """The longest time without a success of any queue's, and which."""
        gaps = []
        for queue, times in self.successes.items():
            inside = [since_s, *(one for one in times if since_s < one < until_s), until_s]
            gaps.append((max(after - before for before, after in pairwise(inside)), queue))
        return max(gaps)

    def probe(self, queue: str, via: Sequence[str], through: str, answer_s: float) -> "Future[int | None]":
        """Send a message to a queue of its own and receive it via these; then delete it through one that may be slow.

        What the future gives is the code of the first delete that said something.
        """
        return asyncio.run_coroutine_threadsafe(self._probe(queue, via, through, answer_s), self._loop)

    def call(self, action: str, values: dict[str, str], timeout_s: float = 30.0) -> Reply:
        """One call, made until it has an answer that says something."""
        reply: Reply = self._do(self._until_said(self._client(), action, values), timeout_s)
        return reply

    def delete_queue(self, queue: str) -> None:
        """Load this one no more, and delete it with all its messages."""
        self._do(self._stop_queue(queue), 30)
        asked_s = time.time()
        reply = self.call("DeleteQueue", {"queueName": queue})
        assert reply["code"] in {0, 4440}, reply  # 4440: an earlier try was heeded
        for one in self.books.sent:
            if one.number.startswith(f"{queue}/") and one.msg_id:
                self.books.deleted.append(Deleted(one.msg_id, "", asked_s, time.time(), 0))

    def _do(self, what: Coroutine[Any, Any, Any], timeout_s: float) -> Any:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(what, timeout_s), self._loop).result(timeout_s + 5)

    def _client(self, answer_s: float = ANSWER_S) -> CmqClient:
        client = CmqClient(*self._key, self._addresses, answer_s)
        self._clients.append(client)
        return client

    async def _create(self, queue: str, more: dict[str, str]) -> None:
        values = {"queueName": queue, "visibilityTimeout": str(VISIBILITY_S), **more}
        client = self._client()
        while (reply := await self._until_said(client, "CreateQueue", values))["code"] == BEING_RELEASED:  # noqa: ASYNC110  a server is asked
            await asyncio.sleep(AGAIN_S)
        assert reply["code"] in {0, 4460}, reply  # 4460: an earlier try was heeded
        self.successes[queue] = []
        self._ended.discard(queue)
        loop = asyncio.get_running_loop()
        self._senders.append(loop.create_task(self._send_on(queue), name=queue))
        for answer_s, waits_s in ((ANSWER_S, (0, 1, 3)), (HASTE_S, (0,))):
            self._consumers.append(loop.create_task(self._consume_on(queue, answer_s, waits_s), name=queue))

    async def _probe(self, queue: str, via: Sequence[str], through: str, answer_s: float) -> int | None:
        client = CmqClient(*self._key, lambda: via)
        slow = CmqClient(*self._key, lambda: [through], answer_s)
        self._clients += [client, slow]
        self._probed.append(queue)
        values = {"queueName": queue, "visibilityTimeout": str(int(2 * answer_s))}
        assert (await self._until_said(client, "CreateQueue", values))["code"] in {0, 4460}
        sent = self._new(queue)
        self.books.sent.append(sent)
        await self._send(client, queue, [sent])
        while (reply := await self._receive(client, queue, 1, 3)) is None or reply["code"] == 7000:  # noqa: ASYNC110  a server is asked
            await asyncio.sleep(AGAIN_S)
        received = self._told(reply)
        code = await self._delete_once(slow, queue, received)
        while code is None and time.time() < received[0].next_visible_s:
            await asyncio.sleep(AGAIN_S)
            code = await self._delete_once(client, queue, received)
        return code

    async def _stop_queue(self, queue: str) -> None:
        self._ended.add(queue)
        await asyncio.gather(*[task for task in (*self._senders, *self._consumers) if task.get_name() == queue])
        await asyncio.gather(*[task for task in self._late if task.get_name() == queue])

    async def _drain(self) -> None:
        self._sending = False
        await asyncio.gather(*self._senders)
        self._draining = True
        queues = set(self.successes)
        client = self._client()
        while queues:
            for queue in list(queues):
                reply = await self._until_said(client, "GetQueueAttributes", {"queueName": queue})
                assert reply["code"] in {0, 4440}, reply
                if reply["code"] or reply["activeMsgNum"] == reply["inactiveMsgNum"] == 0:
                    queues.discard(queue)
            await asyncio.sleep(AGAIN_S)
        self._receiving = False
        await asyncio.gather(*self._consumers)
        await asyncio.gather(*self._late)

    async def _look_again(self, queues: list[str]) -> None:
        self._draining = True
        await asyncio.gather(*map(self._look_at, queues))

    async def _look_at(self, queue: str) -> None:
        client = self._client()
        # Answered by the slot's owner alone; a receive says that there is no message where there is no owner, too.
        await self._until_said(client, "GetQueueAttributes", {"queueName": queue})
        until_s = time.time() + 2 * VISIBILITY_S + 1  # long enough for whatever was leased to be seen
        while time.time() < until_s:
            reply = await self._receive(client, queue, 16, 2)
            if reply is not None and reply["code"] == 7000:
                told = await self._until_said(client, "GetQueueAttributes", {"queueName": queue})
                if told["activeMsgNum"] == told["inactiveMsgNum"] == 0:
                    return
        self.strange.append(f"{queue} is not empty")

    async def _end(self) -> None:
        try:
            await _cancelled([*self._senders, *self._consumers, *self._late])
        finally:
            for client in self._clients:
                client.close()
        await asyncio.sleep(AGAIN_S)  # a connection that was cut is told so by the loop

    # Sending

    async def _send_on(self, queue: str) -> None:
        client = self._client()
        while self._sending and queue not in self._ended:
            count = self._random.choice((1, 1, 4))
            books = [self._new(queue) for _ in range(count)]
            self.books.sent.extend(books)
            await self._send(client, queue, books)
            await asyncio.sleep(PAUSE_S)

    def _new(self, queue: str) -> Sent:
        self._numbers += 1
        return Sent(f"{queue}/{self._numbers}")

    async def _send(self, client: CmqClient, queue: str, books: list[Sent]) -> None:
        bodies = [one.number for one in books]
        action = "SendMessage" if len(bodies) == 1 else "BatchSendMessage"
        values = {"msgBody": bodies[0]} if len(bodies) == 1 else numbered("msgBody", bodies)
        while True:
            await self._reach(client)
            reply = await self._call(client, action, {"queueName": queue, **values})
            if reply is not None and reply["code"] not in _UNSAID:
                break
            for one in books:
                one.lost += 1
            if not self._sending:
                return
            await asyncio.sleep(AGAIN_S)
        if reply["code"]:
            self.strange.append(f"{action} {reply}")
            return
        answers = [reply] if len(books) == 1 else reply["msgList"]
        for one, answer in zip(books, answers, strict=True):
            one.msg_id = answer["msgId"]

    # Receiving

    async def _consume_on(self, queue: str, answer_s: float, waits_s: Sequence[int]) -> None:
        receiver, client = self._client(answer_s), self._client()
        while self._receiving and queue not in self._ended:
            count, wait_s = self._random.choice((1, 8, 16)), self._random.choice(waits_s)
            reply = await self._receive(receiver, queue, count, wait_s)
            if reply is None or reply["code"] not in {0, 7000}:
                await asyncio.sleep(AGAIN_S)
                continue
            if reply["code"]:
                await asyncio.sleep(PAUSE_S)
                continue
            now, later = self._choose(self._told(reply))
            if now:
                await self._delete(client, queue, now)
            if later:
                task = asyncio.get_running_loop().create_task(self._delete_late(queue, later), name=queue)
                self._late.add(task)
                task.add_done_callback(self._late_ended)

    def _late_ended(self, task: "asyncio.Task[None]") -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.strange.append(f"a late delete: {error!r}")

    async def _receive(self, client: CmqClient, queue: str, count: int, wait_s: int) -> Reply | None:
        action = "ReceiveMessage" if count == 1 else "BatchReceiveMessage"
        values = {"queueName": queue, "pollingWaitSeconds": str(wait_s)}
        if count > 1:
            values["numOfMsg"] = str(count)
        await self._reach(client)
        asked_s = time.time()
        reply = await self._call(client, action, values, wait_s)
        if reply is None or reply["code"] in _UNSAID:
            return None
        if reply["code"] not in {0, 7000}:
            self.strange.append(f"{action} {reply}")
        elif reply["code"] == 0:
            self._note(queue, reply, asked_s)
        return reply

    def _note(self, queue: str, reply: Reply, asked_s: float) -> None:
        answered_s = time.time()
        if queue in self.successes:
            self.successes[queue].append(answered_s)
        for one in reply.get("msgInfoList") or [reply]:
            received = Received(
                one["msgId"],
                one["msgBody"],
                one["receiptHandle"],
                one["dequeueCount"],
                asked_s,
                answered_s,
                one["nextVisibleTime"],
            )
            self.books.received.append(received)
            self._by_handle[received.handle] = received

    def _told(self, reply: Reply) -> list[Received]:
        return [self._by_handle[one["receiptHandle"]] for one in reply.get("msgInfoList") or [reply]]

    def _choose(self, received: list[Received]) -> tuple[list[Received], list[Received]]:
        """What to delete now, and what later; the rest is left."""
        now: list[Received] = []
        later: list[Received] = []
        for one in received:
            chance = self._random.random()
            if self._draining:
                now.append(one)
            elif chance < LEFT or int(one.number.rpartition("/")[2]) % NEVER == 0:
                pass
            elif chance < LEFT + LATE:
                later.append(one)
            else:
                now.append(one)
        return now, later

    async def _delete_late(self, queue: str, received: list[Received]) -> None:
        client = self._client()
        await asyncio.sleep(max(0.0, received[0].next_visible_s - 1.0 - time.time()))
        await self._delete(client, queue, received)
        client.close()

    async def _delete(self, client: CmqClient, queue: str, received: list[Received]) -> None:
        """Until an answer says something, or their time is over."""
        until_s = received[0].next_visible_s
        while await self._delete_once(client, queue, received) is None and time.time() <= until_s:  # noqa: ASYNC110  as above
            await asyncio.sleep(AGAIN_S)

    async def _delete_once(self, client: CmqClient, queue: str, received: list[Received]) -> int | None:
        """The answer's code; None: it is lost, or says nothing."""
        handles = [one.handle for one in received]
        action = "DeleteMessage" if len(handles) == 1 else "BatchDeleteMessage"
        values = {"receiptHandle": handles[0]} if len(handles) == 1 else numbered("receiptHandle", handles)
        await self._reach(client)
        asked_s = time.time()
        reply = await self._call(client, action, {"queueName": queue, **values})
        answered_s = time.time()
        said = None if reply is None else _said(reply["code"])
        failed = {one["receiptHandle"]: _said(one["code"]) for one in (reply or {}).get("errorList") or []}
        for one in received:
            code = None if said is None else failed.get(one.handle, 0 if failed else said)
            self.books.deleted.append(Deleted(one.msg_id, one.handle, asked_s, answered_s, code))
        if said is not None and queue in self.successes:
            self.successes[queue].append(answered_s)
        return said

    async def _reach(self, client: CmqClient) -> None:
        """Connect; a call that cannot leave is none."""
        while not await client.connect():  # noqa: ASYNC110  as above
            await asyncio.sleep(AGAIN_S)

    async def _call(self, client: CmqClient, action: str, values: dict[str, str], wait_s: float = 0.0) -> Reply | None:
        try:
            return await client.call(action, values, wait_s)
        except LostError:
            return None

    async def _until_said(self, client: CmqClient, action: str, values: dict[str, str]) -> Reply:
        while (reply := await self._call(client, action, values)) is None or reply["code"] in _UNSAID:  # noqa: ASYNC110  as above
            await asyncio.sleep(AGAIN_S)
        return reply


def _said(code: int) -> int | None:
    return None if code in _UNSAID else code


async def _cancelled(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
