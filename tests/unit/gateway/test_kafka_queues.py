"""Queues and topics from any replica: names, sizes, what is refused and why."""

import asyncio

import pytest

from adapters.gateway.errors import Row
from adapters.gateway.leases.message_ids import DELAY_UNTIL, derived_id
from adapters.gateway.logs import log_names, queue_heap
from adapters.gateway.peers.peer_messages import CreateTopicRequest
from adapters.gateway.ports import QueueCounts
from pipeline.clock import SystemTimes
from pipeline.cmq_registry import QueueAttributes, QueueEntry, SubscriptionEntry
from pipeline.free_text import MESSAGE_ID, ROUTING_KEY, TAGS, TEXT
from pipeline.headers import find_header
from tests.unit.gateway.replicas import Replica, Replicas, on_replicas, row_of

QUEUE = QueueEntry("q", "id", "topic id", 1, 0, QueueAttributes(), 0, 0)
LIMIT_S = 20.0


def test_a_queue_that_was_just_made_elsewhere_is_found_without_adopting_anything() -> None:
    async def play(replicas: Replicas) -> None:
        queue_id = await replicas[0].queues.create("Orders", QueueAttributes())
        assert replicas[1].view.caught_up == 0
        info = await replicas[1].queues.info("oRDERS")
        assert (info.queue_id, info.name) == (queue_id, "Orders")
        assert await replicas[1].queues.send("orders", [b"x"], 0) == [derived_id("id of Orders", 0, 0)]

    on_replicas(play)


def test_a_name_that_is_nowhere_is_refused_and_kafka_is_asked_once_for_many_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    async def counted(call: object, timeout_s: float) -> set[str]:
        nonlocal asked
        del call, timeout_s
        asked += 1
        return set()

    monkeypatch.setattr(log_names, "blocking", counted)

    async def play(replicas: Replicas) -> None:
        for number in range(20):
            assert await row_of(replicas[1].queues.receive(f"none{number}", 1, 0)) is Row.NO_QUEUE
        assert asked == 1
        assert replicas[0].writer.asked == []

    on_replicas(play)


def test_a_queue_that_is_there_as_a_kafka_topic_is_adopted_when_it_is_asked_for() -> None:
    async def play(replicas: Replicas) -> None:
        replicas.kafka_topics.add("cmq.queue.ops")
        assert len(await replicas[1].queues.send("ops", [b"x", b"y"], 0)) == 2
        assert replicas[1].sent[0][:2] == ("cmq.queue.ops", [b"x", b"y"])
        await replicas[1].queues.send("ops", [b"z"], 0)
        assert len(replicas[0].writer.asked) == 1

    on_replicas(play)


def test_a_deleted_name_is_not_adopted_while_its_kafka_topic_goes() -> None:
    async def play(replicas: Replicas) -> None:
        replicas.kafka_topics.add("cmq.queue.q")
        await replicas.make_queue("q")
        await replicas[1].queues.delete("q")
        assert await row_of(replicas[1].queues.send("q", [b"x"], 0)) is Row.NO_QUEUE
        assert await row_of(replicas[1].queues.create("q", QueueAttributes())) is Row.NAME_BEING_RELEASED

    on_replicas(play)


def test_pages_are_in_order_of_names_and_count_all_that_have_the_word() -> None:
    async def play(replicas: Replicas) -> None:
        for name in ("b-1", "a-1", "A-2"):
            await replicas[0].queues.create(name, QueueAttributes())
        page = await replicas[1].queues.page("a-", 1, 1)
        assert (page.total, [name for _, name in page.entries]) == (2, ["a-1"])
        assert (await replicas[1].queues.page("", 0, 50)).total == 3
        assert await row_of(replicas[1].queues.create("c", QueueAttributes())) is Row.QUEUE_LIMIT

    on_replicas(play)


def test_a_message_that_is_too_large_is_refused_whatever_came_with_it() -> None:
    async def play(replicas: Replicas) -> None:
        await replicas.make_queue("q", max_msg_size=4)
        assert await row_of(replicas[0].queues.send("q", [b"1234", b"12345"], 0)) is Row.MESSAGE_TOO_BIG
        assert replicas[0].sent == []

    on_replicas(play)


def test_a_delayed_message_says_until_when() -> None:
    async def play(replicas: Replicas) -> None:
        await replicas.make_queue("q")
        before_ms = SystemTimes.now_ms()
        await replicas[0].queues.send("q", [b"x"], 60)
        until = find_header(replicas[0].sent[0][2][0], DELAY_UNTIL)
        assert until is not None
        assert before_ms + 60_000 <= int(until) <= SystemTimes.now_ms() + 60_000

    on_replicas(play)


def test_a_full_queue_takes_nothing_until_its_owner_counts_fewer() -> None:
    async def play(replicas: Replicas) -> None:
        entry = await replicas.make_queue("q", max_msg_heap_num=10)
        replicas.move(entry.slot, 1)
        slot = replicas[1].slot(entry.slot)
        slot.tally = QueueCounts(active=4, inactive=3, delayed=3)
        queues = replicas[0].queues
        for _ in range(2):
            assert await row_of(queues.send("q", [b"x"], 0)) is Row.QUEUE_FULL
        slot.tally = QueueCounts(active=8)
        assert await row_of(queues.send("q", [b"x"] * 3, 0)) is Row.QUEUE_FULL
        await queues.send("q", [b"x"], 0)
        await queues.send("q", [b"x"], 0)
        slot.tally = QueueCounts(active=10)
        assert await row_of(queues.send("q", [b"x"], 0)) is Row.QUEUE_FULL
        assert len(replicas[0].sent) == 2

    on_replicas(play)


def test_an_owner_that_does_not_count_holds_no_send_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_heap, "ASK_S", 0.05)

    async def count(_: QueueEntry) -> QueueCounts:
        await asyncio.sleep(LIMIT_S)
        return QueueCounts()

    async def play() -> None:
        heap = queue_heap.QueueHeap(count, 20)
        async with asyncio.timeout(LIMIT_S / 2):
            for _ in range(100):
                await heap.admit(QUEUE, 1, 0)
        heap.close()

    asyncio.run(play())


def test_what_was_put_off_here_counts_until_it_is_due_whatever_the_owner_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 1_000.0

    async def count(_: QueueEntry) -> QueueCounts:
        return QueueCounts(delayed=1)

    async def play() -> None:
        nonlocal now_s
        heap = queue_heap.QueueHeap(count, 4)
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s)
        await heap.admit(QUEUE, 2, 10)
        await heap.admit(QUEUE, 2, 20)
        assert await row_of(heap.admit(QUEUE, 1, 1)) is Row.TOO_MANY_IN_FLIGHT
        await heap.admit(QUEUE, 1, 0)
        now_s += 10
        await heap.admit(QUEUE, 2, 10)
        assert await row_of(heap.admit(QUEUE, 1, 1)) is Row.TOO_MANY_IN_FLIGHT
        now_s += 10
        assert await row_of(heap.admit(QUEUE, 4, 1)) is Row.TOO_MANY_IN_FLIGHT  # the owner knows of one
        await heap.admit(QUEUE, 3, 1)

    asyncio.run(play())


async def make_topic(replica: Replica, name: str, kind: int = 1) -> None:
    await replica.writer.manage(CreateTopicRequest(name, f"id-{name}", 8, kind))


def subscription(topic: str, name: str, tags: tuple[str, ...] = (), keys: tuple[str, ...] = ()) -> SubscriptionEntry:
    return SubscriptionEntry(topic, name, "", "http", "http://a.example/", filter_tags=tags, binding_keys=keys)


def test_what_nobody_would_get_is_refused() -> None:
    async def play(replicas: Replicas) -> None:
        topics = replicas[1].topics
        assert await row_of(topics.publish("t", [b"x"], [], "")) is Row.NO_TOPIC
        await make_topic(replicas[0], "t")
        assert await row_of(topics.publish("t", [b"x"], [], "")) is Row.TOPIC_WITHOUT_SUBSCRIPTION
        await replicas[0].topics.subscribe(subscription("t", "s", tags=("red",)))
        assert await row_of(topics.publish("t", [b"x"], ["blue"], "")) is Row.NO_MATCH
        assert await row_of(topics.publish("t", [b"x"], [], "")) is Row.NO_MATCH
        assert await row_of(topics.publish("t", [b"123456789"], ["red"], "")) is Row.MESSAGE_TOO_BIG
        assert await row_of(topics.publish("T", [b"x"], ["red"], "")) is Row.NO_TOPIC
        await make_topic(replicas[0], "keyed", kind=2)
        await replicas[0].topics.subscribe(subscription("keyed", "s", keys=("a.*",)))
        assert await row_of(topics.publish("keyed", [b"x"], [], "")) is Row.ROUTING_KEY_MISSING
        assert await row_of(topics.publish("keyed", [b"x"], [], "b.c")) is Row.NO_MATCH
        assert replicas[1].sent == []

    on_replicas(play)


def test_a_published_text_goes_untouched_with_what_filters_need_in_headers() -> None:
    async def play(replicas: Replicas) -> None:
        await make_topic(replicas[0], "t")
        await replicas[0].topics.subscribe(subscription("t", "s"))
        ids = await replicas[1].topics.publish("t", [b"\x00 any", b""], ["red", "blue"], "a.b")
        ((topic, values, headers),) = replicas[1].sent
        assert (topic, values) == ("batch.t", [b"\x00 any", b""])
        for an_id, its in zip(ids, headers, strict=True):
            assert TEXT in its
            assert find_header(its, TAGS) == b"red,blue"
            assert find_header(its, ROUTING_KEY) == b"a.b"
            assert find_header(its, MESSAGE_ID) == an_id.encode()
            assert an_id.isdigit()
        assert len(set(ids)) == 2

    on_replicas(play)


def test_a_subscription_is_made_once_and_told_as_it_was_made() -> None:
    async def play(replicas: Replicas) -> None:
        await make_topic(replicas[0], "t")
        subscription_id = await replicas[1].topics.subscribe(subscription("t", "s", tags=("red",)))
        replicas[0].messages_in_topics = 4
        entry, waiting = await replicas[0].topics.subscription("t", "s")
        assert (entry.subscription_id, entry.filter_tags, waiting) == (subscription_id, ("red",), 4)
        assert await row_of(replicas[1].topics.subscribe(subscription("t", "s"))) is Row.SUBSCRIPTION_EXISTS
        await replicas[1].topics.subscribe(subscription("t", "r"))
        assert await row_of(replicas[1].topics.subscribe(subscription("t", "q"))) is Row.SUBSCRIPTION_LIMIT
        total, found = await replicas[1].topics.subscriptions("t", "", 0, 1)
        assert (total, [one.name for one in found]) == (2, ["r"])
        assert await row_of(replicas[0].topics.subscription("t", "none")) is Row.NO_SUBSCRIPTION
        assert await row_of(replicas[0].topics.subscription("none", "s")) is Row.NO_TOPIC

    on_replicas(play)
