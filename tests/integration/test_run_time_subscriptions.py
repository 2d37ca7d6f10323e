"""A subscription made at run time is taken up, changed and let go of by a `run` that never stops."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka.admin import AdminClient

from adapters.subscribing import begin_at_end
from pipeline.cluster import Cluster
from pipeline.cmq_registry import SubscriptionEntry
from pipeline.subscription import HttpPolicy, Protocol, Subscription
from tests.brokers.broker import Broker
from tests.harness.command import Running, wait_until
from tests.harness.kafka import produce, read_all
from tests.harness.sink import Request, Sink
from tests.integration.changes import job_line, text_of
from tests.integration.registry import Registry, made
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

WITHIN_S = 20.0
"""Looked for every five seconds, on a machine that others use too; joining a group for the first time takes three."""

TEXT = {"content-type": b"text/plain"}


class Place:
    """A topic with one subscription of the file, a registry, an endpoint."""

    def __init__(self, setting: Setting, registry: Registry, sink: Sink, name: Callable[[str], str]) -> None:
        self.setting = setting
        self.registry = registry
        self.sink = sink
        self.unique = name
        self.topic = setting.topic
        self.cluster = Cluster({"bootstrap.servers": setting.servers})

    def subscribe(self, name: str, protocol: str, endpoint: str, **more: object) -> SubscriptionEntry:
        """As the gateway does: first the offsets, then the entry."""
        entry = made(self.topic, name, protocol, endpoint, **more)
        http = HttpPolicy(endpoint) if protocol == "http" else None
        one = Subscription(self.topic, name, Protocol(protocol), http=http, queue_name="" if http else endpoint)
        begin_at_end(self.cluster, one, self.setting.event_topic)
        self.registry.put(entry)
        return entry

    def text(self, text: str, partition: int = 0, **headers: bytes) -> None:
        """As PublishMessage does."""
        produce(self.setting.servers, self.setting.event_topic, text.encode(), None, partition, TEXT | headers)

    def run(self) -> Running:
        return self.setting.run()

    def bodies(self, path: str) -> list[str]:
        return [body_of(request) for request in self.sink.of(path)]

    def wait_for(self, path: str, texts: list[str], *alive: Running) -> None:
        wait_until(
            lambda: sorted(self.bodies(path)) == sorted(texts),
            f"{texts} at {path}, not {self.bodies(path)}",
            WITHIN_S,
            alive=alive,
        )


def body_of(request: Request) -> str:
    return str(json.loads(request.body)["msgBody"])


@pytest.fixture
def place(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> Iterator[Place]:
    with Registry(broker.bootstrap_servers) as registry, Sink() as sink:
        setting = Setting(
            tmp_path, broker.bootstrap_servers, unique("job-message"), subscribed={"allow_private_addresses": True}
        )
        setting.http("of-the-file", sink.url("/file"))
        setting.create_topics()
        yield Place(setting, registry, sink, unique)


def test_a_subscription_made_while_run_runs_is_delivered_within_seconds_changed_and_stopped(place: Place) -> None:
    with place.run() as running:
        running.wait_for_line("partitions_assigned")
        entry = place.subscribe("made", "http", place.sink.url("/made"))
        place.text("first")
        place.wait_for("/made", ["first"], running)

        place.registry.put(msgspec.structs.replace(entry, notify_content_format="SIMPLIFIED"))
        running.wait_for_line("subscription_stopped", f"{place.topic}/made")
        place.text("second")
        wait_until(lambda: place.sink.accepted("/made") == 2, "the second", WITHIN_S, alive=[running])
        assert place.sink.of("/made")[1].body == b"second"

        label = f'subscription="{place.topic}/made"'
        assert label in running.probe("/metrics")[1]
        place.registry.gone(place.topic, "made")
        wait_until(lambda: label not in running.probe("/metrics")[1], "it to stop", WITHIN_S, alive=[running])
        assert members(place, "made") == 0
        assert running.probe("/ready")[0] == 200
        place.text("third")
        place.wait_for("/file", ["first", "second", "third"], running)
        assert place.sink.accepted("/made") == 2
        assert of_the_file(running, "partitions_assigned", place) == 1, "the others go on as if nothing were"
        assert running.terminate() == 0


def members(place: Place, name: str) -> int:
    group = f"cmq.{place.topic}.{name}"
    admin = AdminClient({"bootstrap.servers": place.setting.servers})  # without a name it would be gone
    (answer,) = admin.describe_consumer_groups([group]).values()
    return len(answer.result().members)


def of_the_file(running: Running, event: str, place: Place) -> int:
    return sum(event in line and f"{place.topic}/of-the-file" in line for line in running.lines)


def test_nothing_published_after_the_subscription_was_made_is_missed_however_late_it_is_taken_up(place: Place) -> None:
    place.text("before", 0)
    place.text("before", 1)
    place.subscribe("late", "http", place.sink.url("/late"))
    for partition in range(6):
        place.text(f"after {partition}", partition)
    with place.run() as running:
        place.wait_for("/late", [f"after {partition}" for partition in range(6)], running)
        assert running.terminate() == 0


def test_a_queue_is_filled_with_the_very_bytes_and_batch_events_beside_them(place: Place) -> None:
    queue = place.unique("ops")
    place.subscribe("queued", "queue", queue)
    place.text("a, b, é, 世界", 0, cmq_msg_id=b"4711", cmq_tags=b"a,b")
    place.text("no id", 1)
    assert place.setting.publish(text_of(job_line("job-1"))).status == 0
    with place.run() as running:
        topic = f"cmq.queue.{queue}"
        running.wait_for_line("topic_created", topic, timeout_s=WITHIN_S)
        wait_until(lambda: len(read_all(place.setting.servers, topic)) == 3, "the queue", WITHIN_S, alive=[running])
        assert running.terminate() == 0
    texts = {record.value: record.headers for record in read_all(place.setting.servers, topic) if record.key is None}
    assert set(texts) == {"a, b, é, 世界".encode(), b"no id"}
    assert texts["a, b, é, 世界".encode()].items() >= {("cmq_msg_id", b"4711"), ("cmq_tags", b"a,b")}
    assert texts[b"no id"]["cmq_msg_id"].isdigit()
    assert "cmq_tags" not in texts[b"no id"]


def test_tags_and_keys_filter_and_tags_stand_in_a_header(place: Place) -> None:
    place.subscribe("tagged", "http", place.sink.url("/tagged"), filter_tags=("b", "c"))
    place.subscribe("bound", "http", place.sink.url("/bound"), binding_keys=("job.*", "#.failed"))
    place.text("untagged")
    place.text("tagged", 1, cmq_tags=b"a,b")
    place.text("other", 2, cmq_tags=b"a")
    place.text("job", 3, cmq_routing_key=b"job.started")
    place.text("env", 4, cmq_routing_key=b"env.1.failed")
    assert place.setting.publish(text_of(job_line("job-1"))).status == 0
    with place.run() as running:
        place.wait_for("/tagged", ["tagged"], running)
        place.wait_for("/bound", ["job", "env"], running)
        assert running.terminate() == 0
    (request,) = place.sink.of("/tagged")
    assert request.headers["x-cmq-message-tag"] == "a, b"
    assert all("x-cmq-message-tag" not in request.headers for request in place.sink.of("/bound"))


def test_entries_that_are_none_are_said_once_and_stop_nothing_and_the_file_wins(place: Place) -> None:
    place.registry.put_raw(f"subscription:{place.topic}/garbage".encode(), b"{not json")
    place.registry.put(made(place.topic, "no-url", "http", "ftp://nowhere"))
    place.registry.put(made(place.topic.upper(), "Of-The-File", "http", place.sink.url("/entry")))
    good = place.subscribe("good", "http", place.sink.url("/good"))
    place.text("text")
    with place.run() as running:
        place.wait_for("/good", ["text"], running)
        for name in ("garbage", "no-url", "of-the-file"):
            running.wait_for_line("registry_entry", f"{place.topic}/{name}")
        place.registry.put(msgspec.structs.replace(good, modified_s=int(time.time()) + 1))
        place.text("more")
        place.wait_for("/good", ["text", "more"], running)
        place.wait_for("/file", ["text", "more"], running)
        assert running.terminate() == 0
    for name in ("garbage", "no-url", "of-the-file"):
        assert sum(f"{place.topic}/{name}" in line and "registry_entry" in line for line in running.lines) == 1
    assert not any("subscription_stops" in line for line in running.lines), "a change of nothing that counts"
    assert not place.sink.of("/entry")


def test_run_of_named_subscriptions_leaves_others_alone_and_finds_those_made_at_run_time(place: Place) -> None:
    place.subscribe("one", "http", place.sink.url("/one"))
    place.subscribe("two", "http", place.sink.url("/two"))
    place.text("text")
    with place.setting.run("--subscription", f"{place.topic}/one") as running:
        place.wait_for("/one", ["text"], running)
        assert running.terminate() == 0
    assert not place.sink.of("/two")
    assert not place.sink.of("/file")


def test_made_again_under_its_name_it_begins_anew_and_what_was_held_is_given_up(place: Place) -> None:
    refuses = [True]
    place.sink.answer = lambda path, _id, _attempt: 500 if path == "/made" and refuses[0] else 200
    place.subscribe("made", "http", place.sink.url("/made"), notify_strategy="BACKOFF_RETRY")
    place.text("of the former")
    with place.run() as running:
        wait_until(lambda: bool(place.sink.of("/made")), "an attempt", WITHIN_S, alive=[running])
        place.registry.gone(place.topic, "made")
        running.wait_for_line("subscription_stopped", f"{place.topic}/made", timeout_s=WITHIN_S)
        place.text("of nobody")
        refuses[0] = False
        place.subscribe("made", "http", place.sink.url("/made"))
        place.text("of the new one")
        wait_until(lambda: place.sink.accepted("/made") == 1, "the new one's", 2 * WITHIN_S, alive=[running])
        place.wait_for("/file", ["of the former", "of nobody", "of the new one"], running)
        assert running.terminate() == 0
    assert [body_of(one) for one in place.sink.of("/made") if one.accepted] == ["of the new one"]
