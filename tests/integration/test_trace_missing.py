"""A trace topic that is not there: events are delivered without, it is said, and taken up when it comes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from pipeline.topics import TRACE_TOPIC
from tests.brokers.broker import Broker
from tests.brokers.tiers import Tier
from tests.harness.command import invoke, wait_until
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = pytest.mark.real_broker


def delete_trace_topic(servers: str) -> None:
    """One for the whole cluster: another test may have made it."""
    admin = AdminClient({"bootstrap.servers": servers})
    if TRACE_TOPIC in admin.list_topics(timeout=30).topics:
        admin.delete_topics([TRACE_TOPIC])[TRACE_TOPIC].result(30)
        wait_until(lambda: TRACE_TOPIC not in admin.list_topics(timeout=30).topics, "the end of the topic")


def test_run_delivers_without_its_trace_topic_and_takes_it_up_when_it_is_created(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    if broker.tier is Tier.GIVEN:
        pytest.skip("the given cluster's traces are not ours to delete")
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"), trace=True)
        setting.create_topics()
        delete_trace_topic(setting.servers)
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        trace = ("trace", f"{setting.topic}/billing", "--since", "2026-01-01T00:00:00Z", "--config", setting.file)
        with setting.run() as running:
            line = running.wait_for_line("trace_topic_missing")
            assert "`batch-events topics --apply` creates it" in line
            wait_until(lambda: sink.accepted("/") == 1, "the first", alive=[running])
            without = invoke(*trace).stdout
            setting.create_topics()
            running.wait_for_line("trace_begun")
            assert setting.publish(text_of(job_line("job-2"))).status == 0
            wait_until(lambda: sink.accepted("/") == 2, "the second", alive=[running])
            assert running.terminate() == 0
        with_topic = invoke(*trace).stdout

    assert f"attempts could not be read: Kafka has no topic '{TRACE_TOPIC}'" in without
    told = re.findall(r"^  => (delivered: attempt 1, status 200).*$", with_topic, re.MULTILINE)
    assert len(told) == 2, "what was delivered before was kept"
