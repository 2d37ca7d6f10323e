"""Without its topics `run` says what is missing and how to create it, and delivers once they are there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from pipeline.topics import TopicSpec
from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

CREATES = "`batch-events topics --apply` creates those of the configuration"


@pytest.fixture
def broker_of_ours(broker: Broker) -> Broker:
    if broker.auto_creates_topics:
        pytest.skip("the given cluster makes topics, by whatever name")
    return broker


def create(servers: str, topic: str) -> None:
    """Create one topic alone."""
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(topic, 6, 1)])[topic].result(30)


def test_run_says_what_is_missing_and_delivers_once_it_is_created(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    with Sink() as sink:
        setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
        setting.queue("ops-queue", queue)
        setting.http("billing", sink.url("/"))
        with setting.run() as running:
            held = f"cmq.{setting.topic}.billing.held"
            for name, own in (("ops-queue", f"cmq.queue.{queue}"), ("billing", held)):
                line = running.wait_for_line("not_ready", f"subscription={setting.topic}/{name}")
                topics = f"'{setting.event_topic}', '{own}', '{setting.dead_letter_topic(name)}'"
                assert line.endswith(f"reason=Kafka has no topics {topics}; {CREATES}")
            names = f"{setting.topic}/ops-queue\n{setting.topic}/billing\n"
            assert running.probe("/ready") == (503, names)
            assert running.probe("/live") == (200, "ok\n")

            setting.create_topics()
            assert setting.publish(text_of(job_line("job-1"))).status == 0
            wait_until(lambda: sink.accepted("/") == 1, "the callback", alive=[running])
            wait_until(lambda: len(read_all(setting.servers, f"cmq.queue.{queue}")) == 1, "the queue")
            wait_until(lambda: running.probe("/ready") == (200, "ok\n"), "ready", alive=[running])
            assert running.terminate() == 0


def test_a_missing_dead_letter_topic_alone_is_waited_for_too(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """Without it a record that nobody can decode would stop everything later, instead of now."""
    with Sink() as sink:
        setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"))
        create(setting.servers, setting.event_topic)
        create(setting.servers, f"cmq.{setting.topic}.billing.held")
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with setting.run() as running:
            line = running.wait_for_line("not_ready")
            assert line.endswith(f"reason=Kafka has no topic '{setting.dead_letter_topic('billing')}'; {CREATES}")
            assert not sink.requests
            create(setting.servers, setting.dead_letter_topic("billing"))
            wait_until(lambda: sink.accepted("/") == 1, "the callback", alive=[running])
            assert running.terminate() == 0


def test_a_process_that_waits_for_topics_ends_at_once_when_told_to(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
    setting.queue("ops-queue", unique("ops"))
    with setting.run() as running:
        running.wait_for_line("not_ready")
        assert running.terminate(timeout_s=5) == 0


def test_topics_tells_what_is_missing_then_created_then_in_order_then_different(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    queue = unique("ops")
    setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
    setting.queue("ops-queue", queue)
    names = [setting.event_topic, f"cmq.queue.{queue}", setting.dead_letter_topic("ops-queue")]
    for args, word in (([], "missing"), (["--apply"], "created"), (["--apply"], "ok"), ([], "ok")):
        result = invoke("topics", *args, "--config", setting.file)
        assert result.status == 0
        assert result.stdout.splitlines() == [f"{name}: {word}" for name in names]
    setting.config["queues"] = {"partitions": 3, "retention_s": 60}
    result = invoke("topics", "--apply", "--config", setting.file)
    assert result.status == 0
    assert result.stdout.splitlines()[1:4] == [
        f"cmq.queue.{queue}: different",
        "  partitions: is 1, configured 3",
        "  retention.ms: is 345600000, configured 60000",
    ]


def test_topics_that_the_broker_refuses_to_create_are_told_one_by_one(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
    setting.http("billing", "http://127.0.0.1:1/")
    setting.config["topics"]["replication_factor"] = 100
    result = invoke("topics", "--apply", "--config", setting.file)
    assert result.status == 2
    names = [setting.event_topic, f"cmq.{setting.topic}.billing.held", setting.dead_letter_topic("billing")]
    for line, name in zip(result.stdout.splitlines(), names, strict=True):
        assert line.startswith(f"{name}: not created: INVALID_REPLICATION_FACTOR: ")


def test_a_topic_that_somebody_else_creates_meanwhile_is_no_failure(
    broker_of_ours: Broker, unique: Callable[[str], str]
) -> None:
    """Two pods that apply the topics at once both succeed."""
    admin = TopicAdmin(Cluster({"bootstrap.servers": broker_of_ours.bootstrap_servers}))
    name = f"batch.{unique('job-message')}"
    spec = TopicSpec(name, 1, 1, {})
    assert admin.create([spec]) == admin.create([spec]) == {name: None}


def test_dead_letters_of_a_missing_topic_name_it_and_the_command(
    broker_of_ours: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = Setting(tmp_path, broker_of_ours.bootstrap_servers, unique("job-message"))
    setting.http("billing", "http://127.0.0.1:1/")
    result = invoke("dead-letters", "list", f"{setting.topic}/billing", "--config", setting.file)
    missing = f"Kafka has no topic '{setting.dead_letter_topic('billing')}'"
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr == f"batch-events: {missing}; {CREATES}\n"
