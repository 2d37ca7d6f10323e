"""The image, built from this tree and run the way the manifests run it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.brokers.broker import Broker
from tests.brokers.ports import free_port
from tests.deploy.containers import Container, invoke
from tests.deploy.images import Image, build, remove
from tests.deploy.places import BASE
from tests.deploy.test_configuration import STAND_IN
from tests.harness.command import wait_until
from tests.harness.kafka import read_all

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ADDED_BYTES = 60 * 10**6
"""The most that we may add to the base."""

STOP_GRACE_S = 10


def written(folder: Path, config: dict[str, Any]) -> Path:
    file = folder / "batch-events.yaml"
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o644)
    return file


def test_the_image_accepts_the_shipped_configuration(image: Image) -> None:
    result = invoke(
        image.name,
        "check",
        config=BASE / "batch-events.yaml",
        options=["--env", f"BILLING_WEBHOOK_SECRET={STAND_IN}"],
    )
    assert result.status == 0, result
    assert "job-message/billing" in result.stdout


def test_the_image_has_nothing_that_installs_or_compiles(image: Image) -> None:
    script = "for tool in pip pip3 uv cc gcc ld strip; do command -v $tool; done; echo end"
    result = invoke(image.name, "-c", script, options=["--entrypoint", "sh"])
    assert result == (0, "end\n", "")
    for module in ("pip", "ensurepip", "setuptools", "hatchling", "pytest"):
        result = invoke(image.name, "-c", f"import {module}", options=["--entrypoint", "python"])
        assert "ModuleNotFoundError" in result.stderr, module


def test_the_image_runs_as_nobody_in_particular(image: Image) -> None:
    result = invoke(image.name, "-c", "id -u; id -g; id -G", options=["--entrypoint", "sh"])
    assert result == (0, "10001\n10001\n10001\n", "")


def test_the_image_adds_little_to_its_base(image: Image) -> None:
    assert image.bytes_over_base() <= ADDED_BYTES


def test_the_same_source_gives_the_same_layer(image: Image) -> None:
    again = build(image._replace(name=f"{image.name}:again"), "--no-cache")
    try:
        assert again.layers()[-1] == image.layers()[-1]
    finally:
        remove(again)


def test_run_answers_probes_and_stops_in_time_while_no_broker_is_there(image: Image, tmp_path: Path) -> None:
    port = free_port()
    config = {
        "kafka": {"bootstrap.servers": f"127.0.0.1:{free_port()}"},
        "subscriptions": [{"topic": "job-message", "name": "ops", "protocol": "queue", "endpoint": "ops"}],
        "http": {"listen": f"127.0.0.1:{port}"},
        "stop_grace_s": STOP_GRACE_S,
    }
    with Container(image.name, written(tmp_path, config), port) as container:
        wait_until(lambda: container.probe("/live") == 200, "live")
        assert container.probe("/ready") == 503
        assert container.stop(STOP_GRACE_S + 5) == 0, container.log()


@pytest.mark.real_broker
def test_run_in_a_container_delivers_and_stops(
    image: Image, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    port, topic, queue = free_port(), unique("job-message"), unique("ops")
    config = {
        "kafka": {"bootstrap.servers": broker.bootstrap_servers},
        "topics": {"partitions": 1, "replication_factor": 1},
        "subscriptions": [{"topic": topic, "name": "ops", "protocol": "queue", "endpoint": queue}],
        "http": {"listen": f"127.0.0.1:{port}"},
        "stop_grace_s": STOP_GRACE_S,
    }
    file = written(tmp_path, config)
    change = {
        "Region": "ap-guangzhou",
        "Time": "2026-01-02T03:04:05Z",
        "After": "RUNNING",
        "Job": {"JobId": "job-97zcl3wt", "JobName": "test job"},
        "Notifications": [{"TopicName": topic, "EventConfigs": [{"EventName": "JOB_RUNNING"}]}],
    }
    made = invoke(image.name, "topics", "--apply", config=file)
    assert made.status == 0, made
    published = invoke(image.name, "publish", config=file, stdin=json.dumps(change).encode())
    assert published.status == 0, published
    with Container(image.name, file, port) as container:
        wait_until(lambda: container.probe("/ready") == 200, "ready")
        wait_until(lambda: len(read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")) == 1, "delivered")
        assert container.probe("/live") == 200
        assert container.stop(STOP_GRACE_S + 5) == 0, container.log()
    (message,) = read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")
    (event,) = json.loads(base64.b64decode(message.value or b""))["Events"]
    assert (event["EventName"], event["Batch"]["JobId"]) == ("JOB_RUNNING", "job-97zcl3wt")
