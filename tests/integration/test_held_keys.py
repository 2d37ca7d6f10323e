"""Keys whose retries last: other keys go on, nothing is lost or out of order, and restarts remember."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.broker import Broker
from tests.harness.command import wait_until
from tests.harness.kafka import read_all
from tests.harness.oracle import expected, judge
from tests.harness.sink import Sink
from tests.integration.setting import Setting
from tests.integration.test_whole_path import ALL_RIGHT, of_json, simulated

pytestmark = pytest.mark.real_broker

HELD_AFTER = [0.05, 8.2, 0.2, 0.2]
"""The second gap is longer than what waits in memory."""


def unlucky(msg_id: str, one_in: int) -> bool:
    return zlib.crc32(msg_id.encode()) % one_in == 0


def test_held_keys_stop_nobody_and_are_delivered_in_order(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(300, seed=4)
    wanted = expected(lines)

    def answer(_path: str, msg_id: str, attempt: int) -> int:
        return 503 if attempt <= 2 and unlucky(msg_id, 100) else 200

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=HELD_AFTER)
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "all callbacks", alive=[running])
            assert running.terminate() == 0
        requests = sink.of("/json")
        accepted = [request for request in requests if request.status == 200]

    assert any(request.status == 503 for request in requests)
    assert judge(wanted, of_json(accepted)) == ALL_RIGHT
    held = read_all(broker.bootstrap_servers, f"cmq.{setting.topic}.billing.held")
    assert any(record.value is not None for record in held), "no key was ever held"


def test_a_restart_remembers_held_keys_and_their_followers(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(200, seed=5)
    wanted = expected(lines)
    open_for_all = [False]

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 503 if not open_for_all[0] and unlucky(msg_id, 60) else 200

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[8.2, 8.2, 8.2])
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        with setting.run() as running:
            running.wait_for_line("delivery_attempted", "failed")
            wait_until(lambda: settles(sink), "the others", alive=[running])
            running.kill()
        before = {request.msg_id for request in sink.of("/json") if request.status == 200}
        open_for_all[0] = True
        with setting.run() as running:
            wait_until(lambda: sink.accepted("/json") >= len(wanted), "all callbacks", alive=[running])
            assert running.terminate() == 0
        accepted = [request for request in sink.of("/json") if request.status == 200]

    assert len(before) < len(wanted), "nothing was held when the process was killed"
    verdict = judge(wanted, of_json(accepted))
    assert (verdict.lost, verdict.unknown, verdict.out_of_order) == (0, 0, 0)
    assert verdict.repeated <= 64, "more than what was in flight came again"


def settles(sink: Sink) -> bool:
    """Whether no new message was accepted between two looks."""
    before = sink.accepted("/json")
    seen: list[int] = sink.__dict__.setdefault("_seen", [])
    seen.append(before)
    return len(seen) > 20 and seen[-20] == before > 0


def test_exhausted_held_keys_become_dead_letters_and_their_followers_go_on(
    broker: Broker, unique: Callable[[str], str], tmp_path: Path
) -> None:
    lines = simulated(60, seed=6)
    wanted = expected(lines)

    def answer(_path: str, msg_id: str, _attempt: int) -> int:
        return 503 if unlucky(msg_id, 50) else 200

    with Sink(answer) as sink:
        setting = Setting(tmp_path, broker.bootstrap_servers, unique("job-message"))
        setting.http("billing", sink.url("/json"), retry_schedule_s=[8.2, 0.1])
        setting.create_topics()
        assert setting.publish(b"\n".join(lines)).status == 0
        topic = setting.dead_letter_topic("billing")
        with setting.run() as running:
            wait_until(
                lambda: sink.accepted("/json") + len(read_all(broker.bootstrap_servers, topic)) >= len(wanted),
                "everything delivered or buried",
                alive=[running],
                every_s=0.5,
            )
            assert running.terminate() == 0
        letters = read_all(broker.bootstrap_servers, topic)
        accepted = [request for request in sink.of("/json") if request.status == 200]
        failed_ids = {request.msg_id for request in sink.of("/json") if request.status == 503}

    verdict = judge(wanted, of_json(accepted))
    assert (verdict.unknown, verdict.repeated, verdict.out_of_order) == (0, 0, 0)
    assert verdict.lost == len(letters) == len(failed_ids)
    for letter in letters:
        assert letter.headers["dl_attempts"] == b"3"
        assert letter.headers["dl_reason"] == b"exhausted: status 503"
        assert json.loads(letter.headers["dl_status"]) == 503
