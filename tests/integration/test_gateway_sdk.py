"""The unmodified Python SDKs against two replicas on a real broker behind one address, with `run` beside them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.brokers.pytest_plugin import unique_name
from tests.harness.cmq_consumer import conduct, drain, fill, subscribe_http, unsubscribe
from tests.harness.command import invoke, wait_until
from tests.harness.oracle import decoded, expected
from tests.harness.sdk_process import call, play
from tests.integration.changes import job_line, text_of
from tests.integration.gateway_process import SECRET
from tests.integration.sdk_scene import Scene, sdk_scene

pytestmark = [
    pytest.mark.real_broker,
    pytest.mark.skipif(
        sys.version_info >= (3, 13),
        reason="the SDKs import mailcap, which Python 3.13 has not: unchecked is what they make of two replicas",
    ),
]

SECOND = Path(sys.prefix) / "qcloud-cmq-sdk-py3"
"""The Makefile puts it there: it is the same package `cmq` as the one that is installed."""


@pytest.fixture(scope="module")
def scene(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with sdk_scene(broker.bootstrap_servers, tmp_path_factory.mktemp("gateway")) as scene:
        yield scene


@pytest.mark.parametrize(
    "folder", [pytest.param(None, id="abmn_qcloud_cmq_sdk_py3"), pytest.param(SECOND, id="qcloud-cmq-sdk-py3")]
)
def test_everything_that_the_sdk_can_do_works_whichever_replica_answers(
    folder: Path | None, scene: Scene, tmp_path: Path
) -> None:
    with scene.both_have_turns():
        steps = play(folder, *scene.access, unique_name("sdk"), tmp_path)
    assert len(steps) == 14


def test_an_http_subscription_made_through_the_sdk_is_delivered_with_what_was_published(
    scene: Scene, tmp_path: Path
) -> None:
    topic, text = unique_name("news"), 'free text {"a": 1} \u4e2d+&'
    msg_id = call(subscribe_http, None, scene.access, tmp_path, topic, scene.sink.url(f"/{topic}"), text)
    wait_until(lambda: scene.sink.accepted(f"/{topic}") == 1, "the push", alive=[scene.runner])
    (request,) = scene.sink.of(f"/{topic}")
    body = json.loads(request.body)
    assert (body["msgBody"], body["msgId"], body["topicName"]) == (text, msg_id, topic)
    assert (request.msg_id, request.headers["x-cmq-message-tag"]) == (msg_id, "red, blue")
    call(unsubscribe, None, scene.access, tmp_path, topic)


def test_batch_events_reach_an_sdk_consumer_as_documented_and_once_each(scene: Scene, tmp_path: Path) -> None:
    lines = invoke("simulate", "--jobs", "5", "--seed", "7").stdout.encode()
    wanted = expected(lines.splitlines())
    assert len(wanted) > 20
    publish(scene, lines)
    found = call(drain, None, scene.access, tmp_path, scene.queues[0], len(wanted))
    assert sorted(map(text, (decoded(one["body"]) for one in found))) == sorted(map(text, wanted))
    assert {one["count"] for one in found} == {1}
    assert len({one["id"] for one in found}) == len(wanted)
    call(drain, None, scene.access, tmp_path, scene.queues[1], len(wanted))


def test_a_queue_that_run_fills_behaves_as_one_that_clients_fill(scene: Scene, tmp_path: Path) -> None:
    by_clients = unique_name("orders")
    call(fill, None, scene.access, tmp_path, by_clients, ["1", "2", "3"])
    publish(scene, text_of(*(job_line(f"job-{number}") for number in range(3))))
    by_run = call(conduct, None, scene.access, tmp_path, scene.queues[1])
    assert by_run == call(conduct, None, scene.access, tmp_path, by_clients)
    call(drain, None, scene.access, tmp_path, scene.queues[0], 3)


def publish(scene: Scene, lines: bytes) -> None:
    setting = scene.setting
    args = ("--config", setting.file, "--notifications", setting.notifications())
    result = invoke("publish", *args, stdin=lines, env=SECRET)
    assert result.status == 0, result


def text(message: dict[str, object]) -> str:
    return json.dumps(message, sort_keys=True)
