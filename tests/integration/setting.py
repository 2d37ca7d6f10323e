"""One test's own topics, queue and subscriptions on the session's broker, as a configuration file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.harness.command import Result, Running, invoke
from tests.harness.oracle import ALL_EVENTS

API_REQUEST = "api"
GUIDE_REQUEST = "guide"


class Setting:
    """A configuration in a folder of its own."""

    def __init__(self, folder: Path, servers: str, topic: str, **more: Any) -> None:
        self.folder = folder
        self.servers = servers
        self.topic = topic
        self.event_topic = f"batch.{topic}"
        self.config: dict[str, Any] = {
            "kafka": {"bootstrap.servers": servers},
            "topics": {"partitions": 6, "replication_factor": 1},
            "http": {"listen": "127.0.0.1:0"},
            "stop_grace_s": 10,
            "subscriptions": [],
            **more,
        }

    def queue(self, name: str, queue: str, **more: Any) -> None:
        """Add a queue subscription."""
        one = {"topic": self.topic, "name": name, "protocol": "queue", "endpoint": queue, **more}
        self.config["subscriptions"].append(one)

    def http(self, name: str, url: str, **more: Any) -> None:
        """Add an HTTP subscription to an endpoint on loopback."""
        one = {"topic": self.topic, "name": name, "protocol": "http", "endpoint": url, **more}
        self.config["subscriptions"].append(one | {"allow_private_addresses": True})

    @property
    def file(self) -> str:
        """Write the configuration; its path."""
        path = self.folder / "batch-events.yaml"
        path.write_text(yaml.safe_dump(self.config))
        return str(path)

    def dead_letter_topic(self, name: str) -> str:
        return f"cmq.{self.topic}.{name}.dead-letter"

    def create_topics(self) -> None:
        """`topics --apply`."""
        result = invoke("topics", "--apply", "--config", self.file)
        assert result.status == 0, result

    def notifications(self, spelling: str = API_REQUEST) -> str:
        """A file that asks for all 19 events: a SubmitJob request, in either spelling."""
        camel = [name.title().replace("_", "") for name in ALL_EVENTS]
        request: dict[str, Any] = {
            "Placement": {"Zone": "ap-guangzhou-6"},
            "Job": {
                "Notifications": [
                    {"TopicName": self.topic, "EventConfigs": [{"EventName": name} for name in ALL_EVENTS]}
                ]
            },
        }
        if spelling == GUIDE_REQUEST:
            configs = [{"event_name": name} for name in camel]
            request = {"job": {"notifications": [{"topic_name": self.topic, "event_configs": configs}]}}
        path = self.folder / f"notifications-{spelling}.json"
        path.write_text(json.dumps(request))
        return str(path)

    def publish(self, lines: bytes, spelling: str = API_REQUEST) -> Result:
        """Publish lines with the notifications for all events."""
        return invoke("publish", "--config", self.file, "--notifications", self.notifications(spelling), stdin=lines)

    def run(self, *args: str, env: Mapping[str, str] | None = None) -> Running:
        """Start `run`."""
        return Running("run", "--config", self.file, *args, env=env)
