"""Which dead letters a redrive sends, how fast, and what a dry run leaves as it was."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer

from adapters.provision import TopicAdmin
from pipeline.cluster import Cluster
from pipeline.dead_letter import dead_letter_headers
from pipeline.ports import DeadLetter, Record
from tests.brokers.broker import Broker
from tests.harness.command import Result, invoke
from tests.harness.kafka import read_all
from tests.integration.setting import Setting
from tests.integration.test_redrive import counted
from tests.unit.pipeline.records import encode, job_event

pytestmark = pytest.mark.real_broker


class Place:
    """A subscription with dead letters of our own making."""

    def __init__(self, broker: Broker, unique: Callable[[str], str], folder: Path, **kafka: str) -> None:
        self.setting = Setting(folder, broker.bootstrap_servers, unique("job-message"))
        self.setting.config["kafka"] |= {name.replace("_", "."): value for name, value in kafka.items()}
        self.setting.http("billing", "http://127.0.0.1:1/")
        self.setting.create_topics()
        self._cluster = Cluster({"bootstrap.servers": broker.bootstrap_servers})

    def bury(self, name: str, job: str, reason: str) -> None:
        record = Record(0, 0, job.encode(), encode(job_event(name, job)), [], 0)
        headers = dead_letter_headers(DeadLetter(record, reason, attempts=3), self.setting.event_topic)
        producer = Producer(self._cluster.producer_config())
        producer.produce(self.setting.dead_letter_topic("billing"), record.value, record.key, headers=headers)
        assert producer.flush(30) == 0
        producer.close()

    def redrive(self, *options: str) -> Result:
        label = f"{self.setting.topic}/billing"
        result = invoke("dead-letters", "redrive", label, *options, "--config", self.setting.file)
        assert result.status == 0, result
        return result

    @property
    def redriven(self) -> list[bytes | None]:
        """The keys of what was sent again."""
        topic = f"cmq.{self.setting.topic}.billing.redrive"
        there = topic in TopicAdmin(self._cluster).existing()
        return [record.key for record in read_all(self.setting.servers, topic)] if there else []


def moment() -> str:
    """Now, between what was and what will be written."""
    time.sleep(0.02)
    now = datetime.now(UTC).isoformat()
    time.sleep(0.02)
    return now


def test_time_key_event_and_reason_choose_what_is_sent_again(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    place = Place(broker, unique, tmp_path)
    place.bury("JOB_FAILED", "job-old", "exhausted: status 503")
    middle = moment()
    place.bury("JOB_SUCCEED", "job-other-event", "exhausted: status 503")
    place.bury("JOB_FAILED", "job-other-reason", "expired: older than max_age_s")
    place.bury("JOB_FAILED", "job-meant", "exhausted: status 503")
    end = moment()
    place.bury("JOB_FAILED", "job-late", "exhausted: status 503")
    meant = ("--since", middle, "--until", end, "--event", "JobFailed", "--reason", "exhausted")
    assert counted(place.redrive(*meant, "--dry-run").stdout) == 1
    assert place.redriven == []
    assert "job-meant" in place.redrive(*meant).stdout
    assert place.redriven == [b"job-meant"]
    assert counted(place.redrive("--key", "job-late").stdout) == 1
    assert counted(place.redrive("--dry-run").stdout) == 3, "those that were not sent again"
    assert counted(place.redrive().stdout) == 3
    assert counted(place.redrive("--dry-run").stdout) == 0
    assert len(place.redriven) == 5


def test_a_rate_is_kept(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    place = Place(broker, unique, tmp_path)
    for number in range(9):
        place.bury("JOB_FAILED", f"job-{number}", "exhausted")
    place.redrive("--key", "job-0")  # makes the topic
    began_s = time.monotonic()
    assert counted(place.redrive("--rate", "2").stdout) == 8
    assert time.monotonic() - began_s > 3.0, "four steps of two, a second apart"
    assert len(place.redriven) == 9


def test_a_redrive_does_not_depend_on_how_the_consumers_share(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    place = Place(broker, unique, tmp_path, partition_assignment_strategy="range")
    place.bury("JOB_FAILED", "job-1", "exhausted")
    assert counted(place.redrive().stdout) == 1


def test_a_dry_run_of_a_subscription_whose_topics_are_missing_names_them(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
    setting.http("billing", "http://127.0.0.1:1/")
    label = f"{setting.topic}/billing"
    result = invoke("dead-letters", "redrive", label, "--dry-run", "--config", setting.file)
    assert result.status == 2
    assert f"Kafka has no topic '{setting.dead_letter_topic('billing')}'" in result.stderr


def test_what_is_shown_says_when_it_was_written(broker: Broker, unique: Callable[[str], str], tmp_path: Path) -> None:
    place = Place(broker, unique, tmp_path)
    before = datetime.now(UTC)
    place.bury("JOB_FAILED", "job-1", "exhausted")
    label = f"{place.setting.topic}/billing"
    shown = json.loads(invoke("dead-letters", "show", label, "--config", place.setting.file).stdout)
    assert abs((datetime.fromisoformat(shown["written"]) - before).total_seconds()) < 60
