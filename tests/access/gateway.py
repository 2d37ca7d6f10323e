"""A gateway that Kafka keeps in bounds, and its clients: everything that needs rights, each on names of its own.

Shape   with Gateway(folder, cluster) as one: one.ready(); with one.work(name) as work: work.STEP() does what a client
        asks for, of a queue and a topic of that name, or raises CmqRefusedError
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import yaml

from adapters.cmq_shell.client import CmqClient, place_of
from adapters.gateway.front.keys import KeySpec
from adapters.settings import GatewaySettings
from tests.brokers.guarded import PASSWORD, GuardedCluster
from tests.brokers.ports import free_ports
from tests.harness.command import Running

KEY = KeySpec("AKIDtest", "a key of the tests")


class Gateway(Running):
    """One replica, as the user."""

    def __init__(self, folder: Path, cluster: GuardedCluster) -> None:
        self._port, self._health_port = free_ports(2)
        config: dict[str, Any] = {
            "kafka": cluster.as_user("${PASSWORD}"),
            "topics": {"replication_factor": 1, "partitions": 2},
            "http": {"listen": f"127.0.0.1:{self._health_port}"},
            "subscribed": {"allow_private_addresses": True},
            "gateway": {"listen": f"127.0.0.1:{self._port}", "keys": {KEY.secret_id: "${KEY}"}},
        }
        file = folder / f"gateway-{self._port}.yaml"
        file.write_text(yaml.safe_dump(config))
        super().__init__("gateway", "--config", str(file), env={"PASSWORD": PASSWORD, "KEY": KEY.secret})

    def ready(self) -> bool:
        """Whether it says so; not before it listens, either."""
        try:
            with urlopen(f"http://127.0.0.1:{self._health_port}/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    @contextmanager
    def work(self, name: str) -> Iterator["Work"]:
        """A client's."""
        settings = GatewaySettings.model_validate({"keys": {KEY.secret_id: KEY.secret}})
        with closing(CmqClient(place_of(settings, f"http://127.0.0.1:{self._port}"), [KEY])) as client:
            yield Work(client, name)


class Work:
    """What clients ask for, of a queue and a topic of this name."""

    def __init__(self, client: CmqClient, name: str) -> None:
        self.call = client.call
        self.name = name

    def create_queue(self) -> None:
        self.call("CreateQueue", queueName=self.name)

    def pass_on(self) -> None:
        """Send, receive and delete."""
        self.call("SendMessage", queueName=self.name, msgBody="a message")
        received = self.call("ReceiveMessage", queueName=self.name, pollingWaitSeconds=10)
        assert received["msgBody"] == "a message"
        self.call("DeleteMessage", queueName=self.name, receiptHandle=received["receiptHandle"])

    def set_queue(self) -> None:
        self.call("SetQueueAttributes", queueName=self.name, msgRetentionSeconds=86_400)

    def create_topic(self) -> None:
        self.call("CreateTopic", topicName=self.name)

    def publish(self) -> None:
        self.call("PublishMessage", topicName=self.name, msgBody="a text")

    def subscribe(self, protocol: str = "queue", endpoint: str = "") -> None:
        values = {"topicName": self.name, "subscriptionName": protocol}
        more = {"protocol": protocol, "endpoint": endpoint or self.name, "notifyContentFormat": "SIMPLIFIED"}
        self.call("Subscribe", **values, **more)
        self.call("GetSubscriptionAttributes", **values)

    def unsubscribe(self, protocol: str = "queue") -> None:
        self.call("Unsubscribe", topicName=self.name, subscriptionName=protocol)

    def delete_topic(self) -> None:
        self.call("DeleteTopic", topicName=self.name)

    def delete_queue(self) -> None:
        self.call("DeleteQueue", queueName=self.name)
