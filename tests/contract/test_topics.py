"""Topics and subscriptions, in memory and on Kafka."""

from adapters.gateway.errors import Row
from pipeline.cmq_registry import SubscriptionEntry
from tests.contract.gateway_stage import (
    SOON_S,
    Scene,
    assert_empty,
    made_queue,
    on_gateway_stage,
    receive,
    receive_one,
    refused,
)

SIZE = 65_536
TAGS, BINDING_KEYS = 1, 2


async def made_topic(scene: Scene, filter_type: int = TAGS, size: int = SIZE) -> str:
    name = scene.unique("topic")
    await scene.topics.create(name, size, filter_type)
    return name


def to_queue(topic: str, queue: str, name: str = "sub", **fields: tuple[str, ...]) -> SubscriptionEntry:
    return SubscriptionEntry(topic, name, "", "queue", queue, notify_content_format="SIMPLIFIED", **fields)  # type: ignore[arg-type]  # the filters


def to_http(topic: str, name: str = "sub") -> SubscriptionEntry:
    return SubscriptionEntry(topic, name, "", "http", "http://127.0.0.1:9/")


async def subscribed_queue(scene: Scene, topic: str, name: str = "sub", **fields: tuple[str, ...]) -> str:
    queue = await made_queue(scene)
    await scene.topics.subscribe(to_queue(topic, queue, name, **fields))
    return queue


async def publish(scene: Scene, topic: str, *bodies: str, tags: tuple[str, ...] = (), key: str = "") -> list[str]:
    return await scene.topics.publish(topic, [body.encode() for body in bodies], tags, key)


@on_gateway_stage
async def test_a_topic_is_told_as_it_was_made(scene: Scene) -> None:
    name = scene.unique("Topic")
    topic_id = await scene.topics.create(name, 2048, BINDING_KEYS)
    entry, messages = await scene.topics.info(name)
    assert (entry.topic_id, entry.name, entry.max_msg_size, entry.filter_type) == (topic_id, name, 2048, BINDING_KEYS)
    assert abs(entry.created_s - scene.now_s()) <= SOON_S
    assert messages == 0


@on_gateway_stage
async def test_a_topics_name_is_taken_in_any_case_and_called_in_its_own(scene: Scene) -> None:
    name = await made_topic(scene)
    with refused(Row.TOPIC_EXISTS):
        await scene.topics.create(name.upper(), SIZE, TAGS)
    with refused(Row.NO_TOPIC):
        await scene.topics.info(name.upper())


@on_gateway_stage
async def test_every_call_on_a_topic_that_is_not_there_says_so(scene: Scene) -> None:
    name, topics = scene.unique("nobody"), scene.topics
    for call in (
        topics.info(name),
        topics.set_attributes(name, SIZE),
        topics.delete(name),
        topics.publish(name, [b"x"], (), ""),
        topics.subscribe(to_http(name)),
        topics.set_subscription(name, "sub", {"filter_tags": ()}),
        topics.subscription(name, "sub"),
        topics.subscriptions(name, "", 0, 20),
        topics.unsubscribe(name, "sub"),
    ):
        with refused(Row.NO_TOPIC):
            await call


@on_gateway_stage
async def test_every_call_on_a_subscription_that_is_not_there_says_so(scene: Scene) -> None:
    topic, topics = await made_topic(scene), scene.topics
    for call in (
        topics.set_subscription(topic, "sub", {"filter_tags": ()}),
        topics.subscription(topic, "sub"),
        topics.unsubscribe(topic, "sub"),
    ):
        with refused(Row.NO_SUBSCRIPTION):
            await call


@on_gateway_stage
async def test_a_topics_message_size_is_changed(scene: Scene) -> None:
    topic = await made_topic(scene, size=1024)
    await subscribed_queue(scene, topic)
    with refused(Row.MESSAGE_TOO_BIG):
        await publish(scene, topic, "x", "y" * 1025)
    await scene.pass_time(1.5)
    await scene.topics.set_attributes(topic, 2048)
    entry, _ = await scene.topics.info(topic)
    assert (entry.max_msg_size, entry.filter_type) == (2048, TAGS)
    assert entry.modified_s > entry.created_s
    await publish(scene, topic, "y" * 1025)


@on_gateway_stage
async def test_topics_are_listed_by_a_word_of_their_names_in_pages(scene: Scene) -> None:
    word = scene.unique("word")
    names = [f"{letter}-{word}-x" for letter in "cabd"]
    ids = {name: await scene.topics.create(name, SIZE, TAGS) for name in names}
    page = await scene.topics.page(word, 1, 2)
    assert (page.total, page.entries) == (4, [(ids[name], name) for name in sorted(names)[1:3]])


@on_gateway_stage
async def test_a_topic_with_subscriptions_is_not_deleted(scene: Scene) -> None:
    topic = await made_topic(scene)
    await scene.topics.subscribe(to_http(topic))
    with refused(Row.TOPIC_HAS_SUBSCRIPTIONS):
        await scene.topics.delete(topic)
    await scene.topics.unsubscribe(topic, "sub")
    await scene.topics.delete(topic)
    with refused(Row.NO_TOPIC):
        await scene.topics.info(topic)
    with refused(Row.NAME_BEING_RELEASED):
        await scene.topics.create(topic.upper(), SIZE, TAGS)


@on_gateway_stage
async def test_a_deleted_topics_name_is_free_after_half_a_minute(scene: Scene) -> None:
    scene.may_pass(30)
    topic = await made_topic(scene)
    await scene.topics.delete(topic)
    await scene.pass_time(30)
    await scene.topics.create(topic, SIZE, BINDING_KEYS)
    assert (await scene.topics.info(topic))[0].filter_type == BINDING_KEYS


@on_gateway_stage
async def test_a_subscription_is_told_as_it_was_made_with_an_id_of_its_own(scene: Scene) -> None:
    topic, queue = await made_topic(scene), await made_queue(scene)
    asked = to_queue(topic, queue, filter_tags=("a", "b"))
    subscription_id = await scene.topics.subscribe(asked)
    other_id = await scene.topics.subscribe(to_http(topic, "other"))
    assert subscription_id
    assert subscription_id != other_id
    told, _ = await scene.topics.subscription(topic, "sub")
    assert (told.subscription_id, told.topic_name, told.name) == (subscription_id, topic, "sub")
    assert (told.protocol, told.endpoint, told.filter_tags, told.binding_keys) == ("queue", queue, ("a", "b"), ())
    assert (told.notify_content_format, told.notify_strategy) == ("SIMPLIFIED", "EXPONENTIAL_DECAY_RETRY")
    assert abs(told.created_s - scene.now_s()) <= SOON_S


@on_gateway_stage
async def test_a_subscription_has_its_name_alone_and_needs_its_queue(scene: Scene) -> None:
    topic = await made_topic(scene)
    with refused(Row.NO_QUEUE):
        await scene.topics.subscribe(to_queue(topic, scene.unique("nobody")))
    await scene.topics.subscribe(to_http(topic))
    with refused(Row.SUBSCRIPTION_EXISTS):
        await scene.topics.subscribe(to_http(topic))


@on_gateway_stage
async def test_subscriptions_are_listed_in_pages(scene: Scene) -> None:
    topic = await made_topic(scene)
    for name in ("c", "a", "b-x", "d-x"):
        await scene.topics.subscribe(to_http(topic, name))
    total, entries = await scene.topics.subscriptions(topic, "", 1, 2)
    assert (total, [entry.name for entry in entries]) == (4, ["b-x", "c"])
    total, entries = await scene.topics.subscriptions(topic, "-x", 0, 20)
    assert (total, [entry.name for entry in entries]) == (2, ["b-x", "d-x"])


@on_gateway_stage
async def test_what_is_changed_of_a_subscription_holds_for_later_messages(scene: Scene) -> None:
    topic = await made_topic(scene)
    queue = await subscribed_queue(scene, topic, filter_tags=("a",))
    await scene.topics.set_subscription(topic, "sub", {"filter_tags": ("b",), "notify_strategy": "BACKOFF_RETRY"})
    told, _ = await scene.topics.subscription(topic, "sub")
    assert (told.filter_tags, told.notify_strategy, told.endpoint) == (("b",), "BACKOFF_RETRY", queue)
    with refused(Row.NO_MATCH):
        await publish(scene, topic, "not wanted any more", tags=("a",))
    await publish(scene, topic, "wanted", tags=("b",))
    assert (await receive_one(scene, queue)).body == b"wanted"


@on_gateway_stage
async def test_a_text_reaches_every_queue_that_subscribes_as_it_is(scene: Scene) -> None:
    topic = await made_topic(scene)
    queues = [await subscribed_queue(scene, topic, name) for name in ("one", "two")]
    text = 'free text, {"not": "an event"} \u4e2d\u6587+&='
    [msg_id] = await publish(scene, topic, text)
    assert msg_id
    for queue in queues:
        assert (await receive_one(scene, queue)).body == text.encode()
        await assert_empty(scene, queue)


@on_gateway_stage
async def test_a_batch_is_published_with_an_id_for_each(scene: Scene) -> None:
    topic = await made_topic(scene)
    queue = await subscribed_queue(scene, topic)
    ids = await publish(scene, topic, "a", "b", "c")
    assert len(set(ids)) == 3
    assert sorted(message.body for message in await receive(scene, queue, 3)) == [b"a", b"b", b"c"]


@on_gateway_stage
async def test_a_topic_that_nobody_subscribes_to_takes_nothing(scene: Scene) -> None:
    with refused(Row.TOPIC_WITHOUT_SUBSCRIPTION):
        await publish(scene, await made_topic(scene), "x")


@on_gateway_stage
async def test_tags_decide_who_gets_a_message(scene: Scene) -> None:
    topic = await made_topic(scene)
    tagged = await subscribed_queue(scene, topic, "tagged", filter_tags=("a", "b"))
    with refused(Row.NO_MATCH):
        await publish(scene, topic, "untagged")
    with refused(Row.NO_MATCH):
        await publish(scene, topic, "other", tags=("c",))
    everything = await subscribed_queue(scene, topic, "everything")
    await publish(scene, topic, "untagged")
    await publish(scene, topic, "shared", tags=("c", "b"))
    assert sorted(message.body for message in await receive(scene, everything, 2)) == [b"shared", b"untagged"]
    assert (await receive_one(scene, tagged)).body == b"shared"
    await assert_empty(scene, tagged)


@on_gateway_stage
async def test_binding_keys_decide_who_gets_a_message(scene: Scene) -> None:
    topic = await made_topic(scene, BINDING_KEYS)
    one_word = await subscribed_queue(scene, topic, "one-word", binding_keys=("1.*.0", "x"))
    any_words = await subscribed_queue(scene, topic, "any-words", binding_keys=("1.#.0",))
    with refused(Row.ROUTING_KEY_MISSING):
        await publish(scene, topic, "nowhere to go")
    with refused(Row.NO_MATCH):
        await publish(scene, topic, "nobody", key="2.1.0")
    for key in ("1.0", "1.5.0", "x", "1.5.6.0"):
        await publish(scene, topic, key, key=key)
    assert sorted(message.body for message in await receive(scene, one_word, 2)) == [b"1.5.0", b"x"]
    assert sorted(message.body for message in await receive(scene, any_words, 3)) == [b"1.0", b"1.5.0", b"1.5.6.0"]
    await assert_empty(scene, one_word)


@on_gateway_stage
async def test_who_has_unsubscribed_gets_nothing_more(scene: Scene) -> None:
    topic = await made_topic(scene)
    left, stays = await subscribed_queue(scene, topic, "left"), await subscribed_queue(scene, topic, "stays")
    await scene.topics.unsubscribe(topic, "left")
    await publish(scene, topic, "x")
    assert (await receive_one(scene, stays)).body == b"x"
    await assert_empty(scene, left)


@on_gateway_stage
async def test_published_messages_are_counted(scene: Scene) -> None:
    topic = await made_topic(scene)
    await subscribed_queue(scene, topic)
    await publish(scene, topic, "a", "b")
    assert (await scene.topics.info(topic))[1] == 2
