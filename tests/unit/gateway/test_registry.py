"""What the registry's records say, what a call makes of them, and which Kafka topics stand for what."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gateway.errors import CmqError, Row
from adapters.gateway.logs.topic_counts import unsettled
from adapters.gateway.peers.peer_messages import (
    CreateQueueRequest,
    CreateTopicRequest,
    SetQueueRequest,
    SetSubscriptionRequest,
)
from adapters.gateway.registry.registry_decisions import (
    SLOTS,
    RegistryLimits,
    changed_queue,
    changed_subscription,
    gone_queue,
    gone_topic,
    may_create_queue,
    may_create_topic,
    new_subscription,
    own_subscription,
    queue_entry,
    slot_of,
)
from adapters.gateway.registry.registry_plan import Plan, Sizes
from adapters.gateway.registry.registry_state import Change, RegistryState
from adapters.group_progress import Progress
from pipeline.cmq_registry import (
    DeadLetterPolicy,
    Entry,
    Gone,
    QueueAttributes,
    QueueEntry,
    SubscriptionEntry,
    TopicEntry,
    encode,
    key_of,
)

CONFIGURED = SubscriptionEntry("t", "file", "id-file", "queue", "Ops", configured=True)
LIMITS = RegistryLimits(queues=2, topics=2, subscriptions=2)


def queue(name: str, topic_id: str = "k1", **attributes: int) -> QueueEntry:
    return queue_entry(name, f"id-{name}", (topic_id, 1), msgspec.convert(attributes, QueueAttributes), 100)


def topic(name: str) -> TopicEntry:
    return TopicEntry(name, f"id-{name}", 65_536, 1, 100, 100)


def subscription(name: str, topic_name: str = "t", protocol: str = "http") -> SubscriptionEntry:
    return SubscriptionEntry(topic_name, name, f"id-{name}", protocol, "q")


def state_of(*entries: Entry, configured: tuple[SubscriptionEntry, ...] = ()) -> RegistryState:
    state = RegistryState(configured)
    for entry in entries:
        state.apply(*encode(entry))
    return state


def refused(call: object) -> Row:
    assert callable(call)
    with pytest.raises(CmqError) as caught:
        call()
    return caught.value.row


def test_each_record_says_what_it_changed() -> None:
    state = RegistryState()
    entry = queue("Q")
    assert state.apply(*encode(entry)) == Change("queue:q", None, entry)
    assert state.apply(*encode(entry)) is None
    gone = Gone("queue", "Q", 130)
    assert state.apply(*encode(gone)) == Change("queue:q", entry, gone)
    assert state.queue("q") is None
    assert state.apply(b"queue:q", None) == Change("queue:q", gone, None)
    assert state.apply(b"queue:q", None) is None


def test_lists_follow_every_change() -> None:
    state = state_of(queue("b"), queue("a"), topic("t"), subscription("s2"), subscription("s1"))
    assert [one.name for one in state.queues()] == ["a", "b"]
    assert [one.name for one in state.subscriptions("T")] == ["s1", "s2"]
    state.apply(b"queue:a", None)
    state.apply(key_of(subscription("s1")).encode(), None)
    state.apply(*encode(queue("c")))
    assert [one.name for one in state.queues()] == ["b", "c"]
    assert [one.name for one in state.subscriptions("t")] == ["s2"]


def test_a_subscription_of_the_configuration_file_is_there_whatever_the_log_says() -> None:
    state = state_of(configured=(CONFIGURED,))
    assert state.apply(key_of(CONFIGURED).encode(), None) is None
    assert state.subscriptions("t") == [CONFIGURED]
    state.clear()
    assert state.subscription("t", "file") == CONFIGURED


def test_a_log_that_begins_anew_takes_everything_back() -> None:
    state = state_of(queue("q"), topic("t"))
    state.clear()
    assert (state.queues(), state.topics()) == ([], [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        (b"queue:q", b"{"),
        (b"queue:q", b'{"type":"queue"}'),
        (b"queue:other", encode(queue("q"))[1]),
        (b"\xff", None),
    ],
)
def test_a_record_that_is_none_of_ours_is_refused_and_changes_nothing(key: bytes | None, value: bytes | None) -> None:
    state = state_of(queue("q"))
    with pytest.raises(ValueError):  # noqa: PT011  the decoder's own words
        state.apply(key, value)
    assert [one.name for one in state.queues()] == ["q"]


def test_a_queue_may_be_made_once_by_each_name_regardless_of_case() -> None:
    state = state_of(queue("Q"), Gone("queue", "gone", 130))
    attributes = QueueAttributes()
    assert may_create_queue(state, CreateQueueRequest("new", "id", attributes), LIMITS, 200) is None
    assert may_create_queue(state, CreateQueueRequest("q", "id-Q", attributes), LIMITS, 200) == "id-Q"
    for name, row in (("q", Row.QUEUE_EXISTS), ("Gone", Row.NAME_BEING_RELEASED), ("1x", Row.BAD_QUEUE_NAME)):
        asked = CreateQueueRequest(name, "id", attributes)
        assert refused(lambda asked=asked: may_create_queue(state, asked, LIMITS, 200)) is row
    full = state_of(queue("a"), queue("b"))
    assert (
        refused(lambda: may_create_queue(full, CreateQueueRequest("c", "id", attributes), LIMITS, 200))
        is Row.QUEUE_LIMIT
    )


def test_a_topic_may_be_made_once_by_each_name_and_none_called_queue() -> None:
    state = state_of(topic("T"), Gone("topic", "gone", 130))
    assert may_create_topic(state, CreateTopicRequest("new", "id", 1024, 1), LIMITS, 200) is None
    assert may_create_topic(state, CreateTopicRequest("T", "id-T", 1024, 1), LIMITS, 200) == "id-T"
    rows = {"t": Row.TOPIC_EXISTS, "gone": Row.NAME_BEING_RELEASED, "Queue": Row.BAD_TOPIC_NAME}
    for name, row in rows.items():
        asked = CreateTopicRequest(name, "id", 1024, 1)
        assert refused(lambda asked=asked: may_create_topic(state, asked, LIMITS, 200)) is row


def test_what_was_just_adopted_may_be_made_by_whoever_was_about_to() -> None:
    plan = Plan(Sizes())
    state = state_of(plan.adopted_queue("q", ("k1", 1), 100), plan.adopted_topic("t", "k2", 100))
    new_queue = CreateQueueRequest("q", "id", QueueAttributes())
    new_topic = CreateTopicRequest("t", "id", 1024, 1)
    assert may_create_queue(state, new_queue, LIMITS, 110) is None
    assert may_create_topic(state, new_topic, LIMITS, 110) is None
    assert refused(lambda: may_create_queue(state, new_queue, LIMITS, 111)) is Row.QUEUE_EXISTS
    assert refused(lambda: may_create_topic(state, new_topic, LIMITS, 111)) is Row.TOPIC_EXISTS


def test_a_queue_is_changed_field_by_field_and_keeps_its_slot() -> None:
    state = state_of(queue("q", visibility_timeout_s=5))
    policy = {"queue_name": "dlq", "max_receive_count": 3}
    changed = changed_queue(state, SetQueueRequest("Q", {"polling_wait_s": 9, "dead_letter": policy}), 200)
    assert changed.attributes == QueueAttributes(
        visibility_timeout_s=5, polling_wait_s=9, dead_letter=DeadLetterPolicy("dlq", 3)
    )
    assert (changed.slot, changed.created_s, changed.modified_s) == (queue("q").slot, 100, 200)
    assert changed_queue(state, SetQueueRequest("q", {}), 7).modified_s == 100, "a clock that is behind"
    assert refused(lambda: changed_queue(state, SetQueueRequest("q", {"rewind_s": "x"}), 1)) is Row.BAD_PARAMETER
    assert refused(lambda: changed_queue(state, SetQueueRequest("none", {}), 1)) is Row.NO_QUEUE


def test_a_topic_with_subscriptions_stays_even_if_the_file_has_them() -> None:
    assert refused(lambda: gone_topic(state_of(topic("t"), subscription("s")), "t", 1)) is Row.TOPIC_HAS_SUBSCRIPTIONS
    configured = state_of(topic("t"), configured=(CONFIGURED,))
    assert refused(lambda: gone_topic(configured, "t", 1)) is Row.TOPIC_HAS_SUBSCRIPTIONS
    assert gone_topic(state_of(topic("t")), "t", 1) == Gone("topic", "t", 31)
    assert gone_queue(state_of(queue("Q")), "q", 1) == Gone("queue", "Q", 31)


def test_a_subscription_needs_its_topic_and_its_queue_and_a_free_name() -> None:
    state = state_of(topic("t"), queue("q"), subscription("s"))
    assert new_subscription(state, subscription("s"), LIMITS, 200) is None
    made = new_subscription(state, subscription("n", protocol="queue"), LIMITS, 200)
    assert made is not None
    assert (made.created_s, made.modified_s) == (200, 200)
    other = SubscriptionEntry("t", "s", "another id", "http", "e")
    assert refused(lambda: new_subscription(state, other, LIMITS, 1)) is Row.SUBSCRIPTION_EXISTS
    assert refused(lambda: new_subscription(state, subscription("x", "none"), LIMITS, 1)) is Row.NO_TOPIC
    no_queue = state_of(topic("t"))
    assert refused(lambda: new_subscription(no_queue, subscription("x", "t", "queue"), LIMITS, 1)) is Row.NO_QUEUE
    full = state_of(topic("t"), subscription("a"), subscription("b"))
    assert refused(lambda: new_subscription(full, subscription("c"), LIMITS, 1)) is Row.SUBSCRIPTION_LIMIT


def test_a_subscription_of_the_file_cannot_be_changed_and_one_of_the_api_can() -> None:
    state = state_of(topic("t"), subscription("s"), configured=(CONFIGURED,))
    assert refused(lambda: own_subscription(state, "t", "file")) is Row.NOT_PERMITTED
    changed = changed_subscription(state, SetSubscriptionRequest("t", "s", {"filter_tags": ["a", "b"]}), 200)
    assert (changed.filter_tags, changed.modified_s) == (("a", "b"), 200)
    assert refused(lambda: own_subscription(state, "t", "S")) is Row.NO_SUBSCRIPTION
    assert refused(lambda: own_subscription(state, "none", "s")) is Row.NO_TOPIC


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True), st.text(max_size=30))
def test_a_slot_is_the_same_for_every_spelling_of_a_name(name: str, topic_id: str) -> None:
    assert slot_of(name, topic_id) == slot_of(name.upper(), topic_id)
    assert 0 <= slot_of(name, topic_id) < SLOTS


def test_slots_are_fixed_by_golden_values_and_all_in_use() -> None:
    assert (slot_of("ops", "9Zr6vmHhQRCqvKXdVyK6Cw"), slot_of("Orders", "x")) == (24, 0)
    assert {slot_of(f"q{number}", "x") for number in range(1000)} == set(range(SLOTS))


def test_kafka_topics_stand_for_queues_and_topics_if_their_names_could_be() -> None:
    plan = Plan(Sizes(), (CONFIGURED,))
    assert plan.queue_of("cmq.queue.ops") == "Ops"
    assert plan.queue_of("cmq.queue.x-1") == "x-1"
    assert [plan.queue_of(name) for name in ("cmq.queue.X", "cmq.queue.a.held", "batch.x", "cmq.queue.")] == [None] * 4
    assert plan.topic_of("batch.Job-message") == "Job-message"
    assert [plan.topic_of(name) for name in ("batch.queue", "batch.a.b", "orders", "cmq.slots")] == [None] * 4


def test_without_a_prefix_only_the_topics_of_the_file_are_topics() -> None:
    plan = Plan(Sizes(prefix=""), (CONFIGURED,))
    assert (plan.topic_of("t"), plan.topic_of("orders")) == ("t", None)


def test_a_queues_log_is_kept_a_day_longer_than_the_queue_and_has_kafkas_time() -> None:
    spec = Plan(Sizes(queue_partitions=2)).queue_spec("Ops", QueueAttributes(retention_s=60))
    assert (spec.name, spec.partitions, spec.replication_factor) == ("cmq.queue.ops", 2, 3)
    expected = {"retention.ms": "86460000", "message.timestamp.type": "LogAppendTime", "min.insync.replicas": "2"}
    assert expected.items() <= spec.config.items()


@pytest.mark.parametrize(
    ("progress", "configured", "expected"),
    [
        (Progress(), True, 90),
        (Progress(), False, 0),
        (Progress(40), False, 60),
        (Progress(40, ((50, 60), (99, 100))), False, 49),
        (Progress(5), False, 90),
        (Progress(5, ((6, 20),)), False, 80),
        (Progress(100), False, 0),
        (Progress(120), False, 0),
    ],
)
def test_what_a_subscription_has_before_it_is_what_its_group_has_not_settled(
    progress: Progress,
    configured: bool,  # noqa: FBT001  a column of the table
    expected: int,
) -> None:
    assert unsettled(10, 100, progress, configured=configured) == expected
