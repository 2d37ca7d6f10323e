"""What the runbook's commands meet: a broker with our topics, a process that delivers, an endpoint that refuses some.

Shape   Scene(…): prepare(), then start(), stop(), ready(), apply() as kubectl's lines ask for them; close()
State   of 40 jobs a quarter was refused and lies in the dead letters, all else was accepted
"""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that the package does not list
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from tests.deploy.places import DEPLOY
from tests.harness.command import Running, invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.oracle import decoded
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of

TOPIC = "job-message"
REFUSED = {f"job-{number:08d}" for number in range(0, 40, 4)}
JOBS = [f"job-{number:08d}" for number in range(40)]
SECRET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105  of nobody

Config = dict[str, Any]


class Scene:
    """One section's."""

    def __init__(self, folder: Path, servers: str, sink: Sink) -> None:
        self.folder = folder
        self.servers = servers
        self.sink = sink
        self.file = folder / "batch-events.yaml"
        self.log: list[str] = []
        self.since = ""
        self._running: Running | None = None
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
        self.config = self._configuration()
        self.write()
        sink.answer = lambda *_: 503 if self._job_of(sink.requests[-1].body) in REFUSED else 200

    @property
    def environ(self) -> dict[str, str]:
        """What the pods have."""
        named = {"BILLING_WEBHOOK_SECRET": SECRET, "BILLING_WEBHOOK_SECRET_NEW": SECRET}
        return named | {"KAFKA_USERNAME": "batch-events", "KAFKA_PASSWORD": "secret"}

    @property
    def http(self) -> Config:
        """The HTTP subscription."""
        found: Config = next(one for one in self.config["subscriptions"] if one["protocol"] == "http")
        return found

    def write(self) -> None:
        """What is configured."""
        self.file.write_text(yaml.safe_dump(self.config))

    def prepare(self) -> None:
        """Publish, deliver, give up what is refused; go on delivering."""
        self._clear()
        self.apply_topics()
        self.publish("SUCCEED")
        self.since = datetime.fromtimestamp(time.time() + 0.001, UTC).isoformat()
        self.publish("FAILED")
        self.start()
        letters = f"cmq.{TOPIC}.billing.dead-letter"
        accepted = 2 * (len(JOBS) - len(REFUSED))
        self.until(lambda: self.sink.accepted("/billing") == accepted, "what is accepted")
        self.until(lambda: len(read_all(self.servers, letters)) == 2 * len(REFUSED), "the dead letters")

    def until(self, true: Any, what: str) -> None:
        """Wait, while the process lives."""
        wait_until(true, what, every_s=0.2, alive=[self._running] if self._running else [])

    def publish(self, after: str) -> None:
        """All jobs end so."""
        config = [{"TopicName": TOPIC, "EventConfigs": [{"EventName": f"JOB_{after}"}]}]
        lines = text_of(*(job_line(job, after, Notifications=config) for job in JOBS))
        done = invoke("publish", "--config", str(self.file), stdin=lines, env=self.environ)
        assert done.status == 0, done

    def apply_topics(self) -> None:
        """As the Job does."""
        done = invoke("topics", "--apply", "--config", str(self.file), env=self.environ)
        assert done.status == 0, done

    @property
    def runs(self) -> bool:
        return self._running is not None

    def start(self) -> None:
        """As replicas above 0."""
        if self._running is None:
            self._running = Running("run", "--config", str(self.file), "--log-format", "json", env=self.environ)
            self.ready()

    def stop(self) -> None:
        """As no replicas."""
        if self._running is not None:
            assert self._running.terminate() == 0
            self.log += self._running.lines
            self._running.__exit__(None, None, None)
            self._running = None

    def restart(self) -> None:
        """As a rollout."""
        self.stop()
        self.start()

    def ready(self) -> None:
        """As a rollout's status."""
        assert self._running is not None, "nothing runs"
        running = self._running
        self.until(lambda: running.probe("/ready")[0] == 200, "ready")

    @property
    def probed(self) -> str:
        """Where it answers."""
        assert self._running is not None, "nothing runs"
        found: int = json.loads(self._running.wait_for_line('"event":"started"'))["health_port"]
        return f"127.0.0.1:{found}"

    @property
    def lines(self) -> str:
        """All it has logged."""
        return "\n".join([*self.log, *(self._running.lines if self._running else [])]) + "\n"

    def add_user(self, name: str) -> None:
        """With a password that is soon changed."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        asked: list[UserScramCredentialAlteration] = [UserScramCredentialUpsertion(name, info, b"secret", b"salt")]
        self._admin.alter_user_scram_credentials(asked)[name].result()

    def delete_topic(self, name: str) -> None:
        """And wait until it is gone."""
        with suppress(KafkaException):
            self._admin.delete_topics([name])[name].result()
        wait_until(lambda: name not in self._admin.list_topics(timeout=10).topics, f"{name} to go")

    def delete_group(self, name: str) -> None:
        """If it is there."""
        with suppress(KafkaException):
            self._admin.delete_consumer_groups([name])[name].result()

    def close(self) -> None:
        """End it, and leave nothing to others on this broker."""
        if self._running is not None:
            self._running.terminate()  # who is killed stays a member for a while
            self._running.__exit__(None, None, None)
            self._running = None
        self._clear()

    def _clear(self) -> None:
        for topic in self._admin.list_topics(timeout=10).topics:
            if topic in {f"batch.{TOPIC}", "cmq.queue.ops"} or topic.startswith(f"cmq.{TOPIC}."):
                self.delete_topic(topic)
        for name in ("billing", "ops-queue", "billing.dead-letter.redrive", "ops-queue.dead-letter.redrive"):
            wait_until(lambda name=name: self._group_gone(f"cmq.{TOPIC}.{name}"), f"group {name} to go", every_s=0.5)  # type: ignore[misc]

    def _group_gone(self, name: str) -> bool:
        self.delete_group(name)
        return name not in {one.group_id for one in self._admin.list_consumer_groups().result().valid}

    def _configuration(self) -> Config:
        config: Config = yaml.safe_load((DEPLOY / "overlays" / "prod" / "batch-events.yaml").read_text())
        config["kafka"] = {"bootstrap.servers": self.servers}
        config["topics"]["replication_factor"] = 1
        config["http"]["listen"] = "127.0.0.1:0"
        (billing,) = (one for one in config["subscriptions"] if one["protocol"] == "http")
        billing |= {"endpoint": self.sink.url("/billing"), "allow_private_addresses": True, "retry_schedule_s": [0.05]}
        return config

    @staticmethod
    def _job_of(body: bytes) -> str:
        found: str = decoded(json.loads(body)["msgBody"])["Events"][0]["Batch"]["JobId"]
        return found
