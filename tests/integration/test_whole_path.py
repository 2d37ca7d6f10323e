"""From lines of `publish` to a queue and two callbacks, judged by what an independent reader and server saw."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.harness.command import invoke, wait_until
from tests.harness.kafka import read_all
from tests.harness.oracle import Message, Verdict, decoded, expected, judge
from tests.harness.sink import Request, Sink
from tests.integration.setting import API_REQUEST, GUIDE_REQUEST, Setting

pytestmark = pytest.mark.real_broker

ALL_RIGHT = Verdict(lost=0, unknown=0, repeated=0, out_of_order=0)

JSON_KEYS = ["TopicOwner", "topicName", "subscriptionName", "msgId", "msgBody", "publishTime"]


def simulated(jobs: int, seed: int = 1) -> list[bytes]:
    result = invoke("simulate", "--jobs", str(jobs), "--seed", str(seed))
    assert result.status == 0, result
    return result.stdout.encode().splitlines()


def of_json(requests: list[Request]) -> list[Message]:
    return [decoded(json.loads(request.body)["msgBody"]) for request in requests]


def of_simplified(requests: list[Request]) -> list[Message]:
    return [decoded(request.body) for request in requests]


def test_2000_jobs_reach_a_queue_and_two_callbacks_once_and_in_order(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(2000)
    wanted = expected(lines)
    half = len(lines) // 2
    queue = unique("ops")
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.queue("ops-queue", queue)
        setting.http("billing", sink.url("/json"), notify_content_format="JSON")
        setting.http("audit", sink.url("/simplified"), notify_content_format="SIMPLIFIED")
        setting.create_topics()
        for part, spelling in ((lines[:half], API_REQUEST), (lines[half:], GUIDE_REQUEST)):
            result = setting.publish(b"\n".join(part), spelling)
            assert result.status == 0, result
        with setting.run() as running:
            for path in ("/json", "/simplified"):
                wait_until(lambda path=path: sink.accepted(path) >= len(wanted), f"all at {path}", alive=[running])  # type: ignore[misc]
            wait_until(
                lambda: len(read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")) >= len(wanted), "all in the queue"
            )
            assert running.terminate() == 0
        in_queue = read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")
        as_json, simplified = sink.of("/json"), sink.of("/simplified")

    assert judge(wanted, [decoded(record.value or b"") for record in in_queue]) == ALL_RIGHT
    assert judge(wanted, of_json(as_json)) == ALL_RIGHT
    assert judge(wanted, of_simplified(simplified)) == ALL_RIGHT
    # One event, one msgId, whoever gets it; and the JSON form is the documented one.
    queue_ids = {record.headers["cmq_msg_id"].decode() for record in in_queue}
    assert queue_ids == {request.msg_id for request in as_json} == {request.msg_id for request in simplified}
    assert len(queue_ids) == len(wanted)
    push = json.loads(as_json[0].body)
    assert list(push) == JSON_KEYS
    assert push["msgId"] == as_json[0].msg_id
    assert as_json[0].headers["content-type"] == simplified[0].headers["content-type"] == "text/plain"
    assert as_json[0].headers["user-agent"] == "Qcloud Notification Service Agent"
    assert not read_all(broker.bootstrap_servers, setting.dead_letter_topic("billing"))


GUIDE_SAMPLE = (
    b'{"Events":[{"EventVersion":"1.0","EventTime":"2018-06-15T14:43:17Z","Region":"ap-guangzhou","Batch":'
    b'{"ComputeNodeId":"node-0iy7wxyo","EnvId":"env-ptoxdb1t","ComputeNodeState":"CREATED","Mem":8,'
    b'"ResourceCreatedTime":"2018-06-15T14:43:18Z","EnvName":"batch-env","ComputeNodeInstanceId":"ins-9rikj9kw",'
    b'"Cpu":4},"EventName":"COMPUTE_NODE_CREATED","EventVars":[]}]}'
)


def test_the_guides_sample_comes_out_byte_for_byte_of_both_adapters(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    sample = json.loads(GUIDE_SAMPLE)["Events"][0]
    shuffled = dict(sorted(sample["Batch"].items()))
    line = {"Region": sample["Region"], "Time": sample["EventTime"], "Before": "CREATING", "After": "CREATED"}
    queue = unique("ops")
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("node-message"))
        setting.queue("ops-queue", queue)
        setting.http("json", sink.url("/json"))
        setting.http("simplified", sink.url("/simplified"), notify_content_format="SIMPLIFIED")
        setting.http("plain", sink.url("/plain"), notify_content_format="SIMPLIFIED", body_encoding="plain")
        setting.create_topics()
        assert setting.publish(json.dumps(line | {"ComputeNode": shuffled}).encode()).status == 0
        with setting.run() as running:
            for path in ("/json", "/simplified", "/plain"):
                wait_until(lambda path=path: sink.accepted(path) == 1, path, alive=[running])  # type: ignore[misc]
            wait_until(lambda: len(read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")) == 1, "the queue")
            assert running.terminate() == 0
        (in_queue,) = read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")
        (as_json,), (simplified,), (plain,) = sink.of("/json"), sink.of("/simplified"), sink.of("/plain")

    import base64  # noqa: PLC0415  the only use

    assert base64.b64decode(in_queue.value or b"") == GUIDE_SAMPLE
    assert base64.b64decode(json.loads(as_json.body)["msgBody"]) == GUIDE_SAMPLE
    assert base64.b64decode(simplified.body) == GUIDE_SAMPLE
    assert plain.body == GUIDE_SAMPLE


def test_kill_9_in_the_middle_loses_nothing_and_repeats_nothing_in_the_queue(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(1500, seed=9)
    wanted = expected(lines)
    queue = unique("ops")
    with Sink() as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.queue("ops-queue", queue)
        setting.http("billing", sink.url("/json"))
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/json") >= 2_000, "the first callbacks", alive=[running], every_s=0.001)
            running.kill()
        killed_at = sink.accepted("/json")
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "all callbacks", alive=[running])
            wait_until(
                lambda: len(read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")) >= len(wanted), "all in the queue"
            )
            assert running.terminate() == 0
        in_queue = read_all(broker.bootstrap_servers, f"cmq.queue.{queue}")
        requests = sink.of("/json")

    assert 2_000 <= killed_at < len(wanted), "the kill came too late to prove anything"
    assert judge(wanted, [decoded(record.value or b"") for record in in_queue]) == ALL_RIGHT
    verdict = judge(wanted, of_json(requests))
    assert (verdict.lost, verdict.unknown, verdict.out_of_order) == (0, 0, 0)
    ids: dict[str, set[str]] = defaultdict(set)
    for request, message in zip(requests, of_json(requests), strict=True):
        ids[json.dumps(message, sort_keys=True)].add(request.msg_id)
    assert all(len(found) == 1 for found in ids.values()), "a repeat came with another msgId"
