"""What works and yet puts a promise at risk is said when a process starts, and stops nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from pipeline.topics import TopicSpec
from tests.brokers.broker import Broker
from tests.harness.command import Running, invoke, wait_until
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker

SHORT = {"retention.ms": "3600000", "retention.bytes": "100000000", "cleanup.policy": "compact,delete"}


def risks(running: Running, topic: str) -> list[str]:
    return [line for line in running.lines if "topic_at_risk" in line and topic in line]


def test_topics_whose_own_settings_put_events_at_risk_are_named_and_deliver(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/billing"))
        setting.http("audit", sink.url("/audit"))
        admin = TopicAdmin(Cluster({"bootstrap.servers": broker.bootstrap_servers}))
        assert admin.create([TopicSpec(setting.event_topic, 6, 1, SHORT)]) == {setting.event_topic: None}
        setting.create_topics()
        told = invoke("topics", "--config", setting.file)
        assert told.stderr.startswith("5 of 5 topics: min.insync.replicas is 1: ")
        for name, value in SHORT.items():
            assert f"  {name}: is {value}, configured " in told.stdout
        with setting.run() as running:
            running.wait_for_line("partitions_assigned", "billing")
            running.wait_for_line("partitions_assigned", "audit")
            assert setting.publish(text_of(job_line("job-1"))).status == 0
            wait_until(lambda: sink.accepted("/billing") == sink.accepted("/audit") == 1, "both", alive=[running])
            assert running.terminate() == 0
        said = risks(running, setting.event_topic)
    for what in ("min.insync.replicas is 1", *(f"{name} is {value}" for name, value in SHORT.items())):
        assert len([line for line in said if what in line]) == 1, said
    assert len(risks(running, setting.dead_letter_topic("audit"))) == 1
    assert not [line for line in running.lines if "file_descriptors_short" in line]
