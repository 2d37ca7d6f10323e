"""What a test run says and does about the tier that it runs on, seen from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.brokers.pytest_plugin import unique_name
from tests.harness.command import wait_until

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30.0

SUITE = '''
import pytest

@pytest.mark.real_broker
@pytest.mark.parametrize("case", [1, 2])
def test_real(case):
    """A claim about a real Kafka."""

@pytest.mark.native_cluster
def test_native(native_cluster):
    pass

def test_any(broker):
    assert broker.tier == "embedded" and broker.auto_creates_topics
'''

LACKS_SOMETHING = """
import pytest
from tests.brokers.pytest_plugin import refuse

@pytest.fixture(scope="module")
def thing(request):
    refuse(request.node, "there is no such thing")

def test_one(thing):
    pass

def test_other(thing):
    pass
"""

WAITS_ON_ITS_BROKER = """
import signal
from pathlib import Path

def test_waits(broker):
    servers = Path(__file__).with_name("servers")
    servers.with_suffix(".part").write_text(broker.bootstrap_servers)
    servers.with_suffix(".part").rename(servers)
    signal.pause()
"""

in_one_process_and_in_workers = pytest.mark.parametrize("args", [[], ["-n2"]], ids=["one process", "workers"])


def pytest_command(folder: Path, suite: str) -> list[str]:
    (folder / "test_suite.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers --import-mode=importlib\n")
    plugin = ["-p", "tests.brokers.pytest_plugin", "-p", "no:cacheprovider"]
    return [sys.executable, "-m", "pytest", *plugin, "-c", str(folder / "pytest.ini"), str(folder)]


def environment(**wishes: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "CI" and "BATCH_EVENTS" not in name}
    return {**env, **wishes}


def run_suite(folder: Path, suite: str = SUITE, *args: str, **wishes: str) -> subprocess.CompletedProcess[str]:
    """Run it on the embedded tier, with no Java to be found."""
    env = environment(BATCH_EVENTS_TEST_TIER="embedded", PATH="/nonexistent", JAVA_HOME="", **wishes)
    command = [*pytest_command(folder, suite), *args]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@in_one_process_and_in_workers
def test_on_a_laptop_what_cannot_run_is_skipped_and_listed(args: list[str], tmp_path: Path) -> None:
    said = run_suite(tmp_path, SUITE, *args)
    assert said.returncode == 0
    assert "1 passed, 3 skipped" in said.stdout
    assert "! NOT CHECKED on this tier: 3 tests !" in said.stdout
    claims = [line for line in said.stdout.splitlines() if line.startswith("  - ")]
    assert claims == ["  - A claim about a real Kafka. (2 cases)", "  - test_suite.py::test_native"]
    assert "the embedded broker is not a real Kafka:" in said.stdout
    assert "no brokers as Java processes: no Java 17 to 25" in said.stdout


@pytest.mark.native_cluster
def test_what_fails_on_the_broker_shows_what_the_broker_said(tmp_path: Path) -> None:
    suite = "def test_fails(broker):\n    raise AssertionError\n\ndef test_fails_without():\n    raise AssertionError\n"
    command = pytest_command(tmp_path, suite)
    env = environment(BATCH_EVENTS_TEST_TIER="native")
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "2 failed" in said.stdout
    assert said.stdout.count("- the broker's log -") == 1
    assert "Kafka Server started" in said.stdout


def test_the_tier_is_said_at_the_beginning_and_at_the_end(tmp_path: Path) -> None:
    assert run_suite(tmp_path).stdout.count("broker tier: embedded\n") == 2


@in_one_process_and_in_workers
def test_a_run_that_chose_by_itself_says_why_not_better(args: list[str], tmp_path: Path) -> None:
    env = environment(PATH="/nonexistent", JAVA_HOME="")
    command = [*pytest_command(tmp_path, SUITE), *args]
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "broker tier: chosen when a test needs it\n" in said.stdout
    assert (
        "broker tier: embedded\npassed over container: there is no docker command\npassed over native: " in said.stdout
    )


@pytest.mark.parametrize("strictness", [{"CI": "true"}, {"BATCH_EVENTS_REQUIRE_TIER": "embedded"}])
def test_in_ci_what_cannot_run_is_an_error(tmp_path: Path, strictness: dict[str, str]) -> None:
    said = run_suite(tmp_path, **strictness)
    assert said.returncode == 1
    assert "1 passed, 3 errors" in said.stdout
    assert "nothing may be skipped here: the embedded broker is not a real Kafka" in said.stdout


@pytest.mark.parametrize(
    ("wishes", "outcome"), [({}, "2 skipped"), ({"BATCH_EVENTS_REQUIRE_TIER": "embedded"}, "2 errors")]
)
def test_what_a_test_finds_missing_itself_is_told_as_any_other(
    tmp_path: Path, wishes: dict[str, str], outcome: str
) -> None:
    said = run_suite(tmp_path, LACKS_SOMETHING, **wishes)
    assert outcome in said.stdout
    assert ("  - test_suite.py\n" in said.stdout) == (not wishes)
    assert ("nothing may be skipped here: there is no such thing" in said.stdout) == bool(wishes)


def test_a_wish_that_makes_no_sense_stops_the_run(tmp_path: Path) -> None:
    said = run_suite(tmp_path, BATCH_EVENTS_REQUIRE_TIER="container")
    assert said.returncode == pytest.ExitCode.USAGE_ERROR
    assert "contradiction" in said.stderr


@pytest.mark.native_cluster
@in_one_process_and_in_workers
def test_a_run_that_is_told_to_end_ends_its_broker(args: list[str], tmp_path: Path) -> None:
    """SIGTERM in the middle of a test leaves no broker behind."""
    command = [*pytest_command(tmp_path, WAITS_ON_ITS_BROKER), *args]
    env = environment(BATCH_EVENTS_TEST_TIER="native")
    servers = tmp_path / "servers"
    with ended_at_the_latest(subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)) as run:
        wait_until(servers.exists, "a broker")
        run.send_signal(signal.SIGTERM)
        assert run.wait(TIMEOUT_S) == 128 + signal.SIGTERM
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(servers.read_text().rpartition(":")[2])), timeout=5)


@contextmanager
def ended_at_the_latest(run: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Kill the run if the test leaves it behind."""
    with run:
        try:
            yield run
        finally:
            run.kill()


@pytest.mark.parametrize("stem", ["job-message", "a" * 64])
def test_unique_names_are_names_that_cmq_takes(stem: str) -> None:
    names = {unique_name(stem) for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", name) for name in names)
