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
from tests.deploy.boms import read_bom
from tests.deploy.containers import Container, invoke
from tests.deploy.images import Image, build, remove
from tests.deploy.places import BASE, pyproject
from tests.deploy.test_configuration import LEAVING_S, STAND_IN
from tests.harness.command import wait_until
from tests.harness.conduct import hang_for_good
from tests.harness.kafka import read_all
from tests.harness.sink import Sink
from tests.integration.changes import job_line, text_of
from tests.integration.setting import Setting

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ADDED_BYTES = 60 * 10**6
"""The most that we may add to the base."""

STOP_GRACE_S = 10

SBOM = "/opt/batch-events/sbom.cdx.json"

INSTALLED = """
import json, re
from importlib.metadata import distributions
print(json.dumps({re.sub("[-_.]+", "-", one.name).lower(): one.version for one in distributions()}))
"""
"""What the image's Python finds installed, by normalised name."""

STRIPPED = """
import adapters.registry, fastavro, httptools, io, uvloop, yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
fastavro.schemaless_writer(io.BytesIO(), "string", "x")
httptools.HttpResponseParser(object()).feed_data(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
uvloop.new_event_loop().close()
print(yaml.load("fine", yaml.CSafeLoader))
"""
"""Something of each wheel whose symbols the build takes away."""


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
    for module in ("pip", "ensurepip", "setuptools", "hatchling", "cyclonedx_py", "pytest"):
        result = invoke(image.name, "-c", f"import {module}", options=["--entrypoint", "python"])
        assert "ModuleNotFoundError" in result.stderr, module


def test_what_was_made_smaller_still_works(image: Image) -> None:
    result = invoke(image.name, "-c", STRIPPED, options=["--entrypoint", "python"])
    assert result == (0, "fine\n", ""), result


def test_the_image_runs_as_nobody_in_particular(image: Image) -> None:
    result = invoke(image.name, "-c", "id -u; id -g; id -G", options=["--entrypoint", "sh"])
    assert result == (0, "10001\n10001\n10001\n", "")


def test_the_sbom_in_the_image_lists_what_is_installed_and_nothing_else(image: Image) -> None:
    bom = read_bom(invoke(image.name, SBOM, options=["--entrypoint", "cat"]).stdout)
    installed: dict[str, str] = json.loads(
        invoke(image.name, "-c", INSTALLED, options=["--entrypoint", "python"]).stdout
    )
    project = pyproject()["project"]
    assert (bom.about["name"], bom.about["version"]) == (project["name"], project["version"])
    assert installed.pop(project["name"]) == project["version"]
    assert len(installed) > len(project["dependencies"])
    assert bom.versions() == installed
    assert bom.unlicensed() == []


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


def test_a_container_ends_with_the_commands_own_status(image: Image, tmp_path: Path) -> None:
    refused = invoke(image.name, "decode", stdin=b"garbage")
    assert (refused.status, refused.stdout) == (1, ""), refused
    unknown = written(tmp_path, {"kafka": {"bootstrap.servers": "127.0.0.1:1"}, "no_such_key": 1})
    faulty = invoke(image.name, config=unknown)
    assert faulty.status == 2, faulty
    assert "no_such_key" in faulty.stderr


@pytest.mark.real_broker
def test_a_container_that_had_to_abandon_work_says_so_within_its_grace_period(
    image: Image, broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    port = free_port()
    with Sink(lambda *_: hang_for_good) as sink:
        setting = Setting(
            tmp_path,
            broker.bootstrap_servers,
            unique("job-message"),
            http={"listen": f"127.0.0.1:{port}"},
            stop_grace_s=3,
        )
        setting.http("billing", sink.url("/"), timeout_s=60)
        setting.create_topics()
        assert setting.publish(text_of(job_line("job-1"))).status == 0
        with Container(image.name, Path(setting.file), port) as container:
            wait_until(lambda: len(sink.requests) == 1, "a request is out")
            assert container.stop(3 + LEAVING_S) == 3, container.log()
            assert "abandoned" in container.log()


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
        assert container.probe("/metrics") == 200
        assert container.stop(STOP_GRACE_S + 5) == 0, container.log()
    (message,) = read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")
    (event,) = json.loads(base64.b64decode(message.value or b""))["Events"]
    assert (event["EventName"], event["Batch"]["JobId"]) == ("JOB_RUNNING", "job-97zcl3wt")
