"""`batch-events gateway` with its quotas and metrics, `batch-events cmq` beside it: two replicas on a broker."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from adapters.cmq_shell.client import CmqClient, CmqRefusedError, place_of
from adapters.gateway.front.keys import KeySpec
from adapters.gateway.registry.registry_decisions import SLOTS
from adapters.settings import GatewaySettings
from tests.brokers.native import NativeCluster
from tests.brokers.ports import free_ports
from tests.harness.command import Result, Running, invoke, wait_until

pytestmark = pytest.mark.native_cluster

ENVIRON = {"KEY": "a key of the tests"}
SPEC = KeySpec("AKIDtest", ENVIRON["KEY"])


class Replica(Running):
    """One process, where it listens, and what it tells."""

    def __init__(self, folder: Path, servers: str) -> None:
        self.port, internal = free_ports(2)
        config: dict[str, Any] = {
            "kafka": {"bootstrap.servers": servers},
            "topics": {"replication_factor": 1, "partitions": 2},
            "http": {"listen": "127.0.0.1:0"},
            "gateway": {
                "listen": f"127.0.0.1:{self.port}",
                "internal": f":{internal}",
                "keys": {SPEC.secret_id: "${KEY}"},
                "quotas": {"queues": 2, "topics": 1, "subscriptions": 1, "in_flight": 2, "delayed": 1},
            },
        }
        self.file = folder / f"replica-{self.port}.yaml"
        self.file.write_text(yaml.safe_dump(config))
        super().__init__("gateway", "--config", str(self.file), env=ENVIRON)

    def cmq(self, *args: str) -> Result:
        return invoke("cmq", *args, "--config", str(self.file), env=ENVIRON)

    def client(self) -> CmqClient:
        settings = GatewaySettings.model_validate({"keys": {SPEC.secret_id: SPEC.secret}})
        return CmqClient(place_of(settings, f"http://127.0.0.1:{self.port}"), [SPEC])

    def all_told(self) -> dict[tuple[str, ...], float]:
        """Every value, by name without its prefix and values of labels."""
        status, text = self.probe("/metrics")
        assert status == 200
        return {
            (sample.name.removeprefix("batch_events_gateway_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def told(self, *name: str) -> float:
        """One of them; 0 if nothing was counted yet."""
        return self.all_told().get(name, 0)


def shared(*replicas: Replica) -> None:
    """Wait until each owns slots, and together all."""

    def are() -> bool:
        owned = [one.told("slots") for one in replicas]
        return sum(owned) == SLOTS and all(owned)

    wait_until(are, "the slots to be shared", alive=replicas)


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    with NativeCluster(1) as cluster:
        yield cluster.bootstrap_servers


@pytest.fixture(scope="module")
def replicas(servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    folder = tmp_path_factory.mktemp("gateway")
    with Replica(folder, servers) as one, Replica(folder, servers) as other:
        shared(one, other)
        yield [one, other]
        assert [one.terminate(), other.terminate()] == [0, 0]


def refused(replica: Replica, *args: str) -> str:
    result = replica.cmq(*args)
    assert result.status == 1, result
    return result.stderr.strip()


def test_quotas_are_the_configurations_and_cmq_manages_through_any_replica(replicas: list[Replica]) -> None:
    one, other = replicas
    for replica, name in ((one, "first"), (other, "second")):
        result = replica.cmq("queues", "create", name, "--visibility-timeout", "600")
        assert (result.status, result.stdout.partition(",")[0]) == (0, f"queue {name} created"), result
    assert refused(one, "queues", "create", "third") == "batch-events: 4450, (10220)too many queues"
    assert other.cmq("topics", "create", "news").status == 0
    assert refused(other, "topics", "create", "more") == "batch-events: 4450, (10610)too many topics"
    assert one.cmq("subscriptions", "create", "news/a", "--protocol", "queue", "--endpoint", "first").status == 0
    told = refused(other, "subscriptions", "create", "news/b", "--protocol", "queue", "--endpoint", "second")
    assert told == "batch-events: 4500, (10480)too many subscriptions"
    listed = other.cmq("queues", "list", "--counts").stdout.splitlines()
    assert [line.split()[:4] for line in listed[1:-1]] == [["first", "0", "0", "0"], ["second", "0", "0", "0"]]
    for what, name in (("subscriptions", "news/a"), ("topics", "news"), ("queues", "first"), ("queues", "second")):
        assert one.cmq(what, "delete", name).status == 0


def test_what_is_in_flight_and_put_off_is_bounded_and_told(replicas: list[Replica]) -> None:
    before, heard = replicas[0].all_told(), [one.told("registry_changes_total") for one in replicas]
    with closing(replicas[0].client()) as client:
        client.call("CreateQueue", queueName="bounded", visibilityTimeout=600)
        client.call("SendMessage", queueName="bounded", msgBody="late", delaySeconds=600)
        with pytest.raises(CmqRefusedError, match=r"6070, \(10690\)"):
            client.call("SendMessage", queueName="bounded", msgBody="too many", delaySeconds=600)
        for body in ("one", "two", "three"):
            client.call("SendMessage", queueName="bounded", msgBody=body)
        for _ in range(2):
            client.call("ReceiveMessage", queueName="bounded", pollingWaitSeconds=5)
        with pytest.raises(CmqRefusedError, match=r"6070, \(10690\)"):
            client.call("ReceiveMessage", queueName="bounded", pollingWaitSeconds=0)
        wait_until(lambda: sum(one.told("in_flight") for one in replicas) == 2, "both leases to be told")
        client.call("DeleteQueue", queueName="bounded")
    wait_until(lambda: sum(one.told("in_flight") for one in replicas) == 0, "none to be told")
    now = replicas[0].all_told()
    counted = {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name, 0)}
    assert {name[1:]: value for name, value in counted.items() if name[0] == "calls_total"} == {
        ("CreateQueue", "ok"): 1,
        ("SendMessage", "ok"): 4,
        ("SendMessage", "refused"): 1,
        ("ReceiveMessage", "ok"): 2,
        ("ReceiveMessage", "refused"): 1,
        ("DeleteQueue", "ok"): 1,
    }
    assert counted["call_seconds_count", "long_poll"] == 3
    assert counted["call_seconds_count", "call"] == 7
    assert all(one.told("registry_changes_total") >= was + 2 for one, was in zip(replicas, heard, strict=True))
    assert not any("bounded" in word for one in replicas for name in one.all_told() for word in name), "a queue's name"


def test_slots_their_journals_and_calls_to_the_other_replica_are_told(replicas: list[Replica]) -> None:
    assert sum(one.told("take_over_seconds_count") for one in replicas) >= SLOTS
    assert all(one.told("journal_append_seconds_count") > 0 for one in replicas), "claims are records, too"
    assert all(one.told("long_polls") == 0 for one in replicas)
    before = [one.told("forwarded_total") for one in replicas]
    for number, one in enumerate(replicas):
        for verb in ("create", "delete"):
            assert one.cmq("topics", verb, f"short-lived-{number}").status == 0
    assert sum(one.told("forwarded_total") for one in replicas) > sum(before), "one of them does not own slot 0"


def test_a_replica_that_goes_leaves_the_others_with_all_slots(
    replicas: list[Replica], servers: str, tmp_path: Path
) -> None:
    with Replica(tmp_path, servers) as third:
        shared(*replicas, third)
        taken = sum(one.told("take_over_seconds_count") for one in replicas)
        assert third.terminate() == 0
        shared(*replicas)
        assert sum(one.told("take_over_seconds_count") for one in replicas) > taken
        found = re.findall(r"^batch-events: no gateway answers", third.cmq("queues", "list").stderr, re.MULTILINE)
        assert found == ["batch-events: no gateway answers"]
