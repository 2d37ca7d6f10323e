"""What became of a dead letter: sent again and delivered, and told even where the event topic has lost the event."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.conduct import hang
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting
from tests.integration.test_trace import TIME, attempts, verdicts

pytestmark = pytest.mark.real_broker


def lose_all(servers: str, topic: str) -> None:
    """What retention does, now."""
    ends = [TopicPartition(topic, partition, OFFSET_END) for partition in range(6)]
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.delete_records(ends).values():
        future.result(30)


def test_a_dead_letter_is_told_without_its_event_and_after_a_redrive_as_delivered(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    with Sink(lambda *_: 400) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/"), trace=True, on_refused="dead-letter", timeout_s=60)
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        letters, label = setting.dead_letter_topic("billing"), f"{setting.topic}/billing"
        ask = ("trace", label, "--job", "job-1", "--config", setting.file)
        with setting.run() as running:
            wait_until(lambda: bool(read_all(setting.servers, letters)), "the dead letter", alive=[running])
            sink.answer = lambda *_: hang  # an attempt that is out is not recorded
            assert invoke("dead-letters", "redrive", label, "--config", setting.file).status == 0
            redriven = invoke(*ask).stdout
            sink.release()
            wait_until(lambda: sink.accepted("/") == 1, "the redriven one", alive=[running])
            assert running.terminate() == 0
        delivered = invoke(*ask).stdout
        lose_all(setting.servers, setting.event_topic)
        lost = invoke(*ask).stdout

    again = "sent again by a redrive, no attempt of that is recorded yet"
    assert re.fullmatch(rf"dead letter .*: refused: status 400, after 1 attempt; {again}", verdicts(redriven)[0])
    for text in (delivered, lost):
        assert attempts(text) == [
            "attempt 1  failed  status 400  …",
            "dead letter  status 400  refused: status 400",
            "redrive, attempt 1  delivered  status 200  …",
        ]
        assert re.fullmatch(rf"delivered after a redrive: attempt 1, status 200, at {TIME}", verdicts(text)[0])
        assert text.startswith("JOB_RUNNING  job-1  id "), "the dead letter knows its name"
