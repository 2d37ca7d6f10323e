"""The ladder's decisions, and how it says them. No broker is started."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.ladder import choose
from tests.brokers.tiers import CannotRun, Tier
from tests.brokers.wishes import Wishes, read_wishes

ROOT = Path(__file__).parents[2]


def refuses(reason: str) -> Callable[[], object]:
    def probe() -> object:
        raise CannotRun(reason)

    return probe


def probes(*runnable: Tier) -> dict[Tier, Callable[[], object]]:
    return {tier: (lambda: None) if tier in runnable else refuses(f"no {tier}") for tier in Tier}


@pytest.mark.parametrize(
    ("runnable", "best"),
    [
        ((Tier.CONTAINER, Tier.NATIVE, Tier.EMBEDDED), Tier.CONTAINER),
        ((Tier.NATIVE, Tier.EMBEDDED), Tier.NATIVE),
        ((Tier.EMBEDDED,), Tier.EMBEDDED),
        ((Tier.EMBEDDED, Tier.GIVEN), Tier.EMBEDDED),
    ],
)
def test_unasked_the_best_that_can_run_is_taken(runnable: tuple[Tier, ...], best: Tier) -> None:
    assert choose(Wishes(), probes(*runnable)).tier is best


def test_every_better_tier_that_was_passed_over_has_its_reason() -> None:
    choice = choose(Wishes(), probes(Tier.EMBEDDED))
    assert choice.passed_over == {Tier.CONTAINER: "no container", Tier.NATIVE: "no native"}


@pytest.mark.parametrize("tier", Tier)
def test_a_tier_that_is_asked_for_is_taken_though_a_better_one_could_run(tier: Tier) -> None:
    assert choose(Wishes(only=tier), probes(*Tier)).tier is tier


def test_a_tier_that_is_asked_for_and_cannot_run_is_an_error_not_a_step_down() -> None:
    with pytest.raises(CannotRun, match="container tier is asked for by CI and cannot run: no container"):
        choose(Wishes(only=Tier.CONTAINER, because="CI"), probes(Tier.NATIVE, Tier.EMBEDDED))


@pytest.mark.parametrize(
    ("env", "only", "strict"),
    [
        ({}, None, False),
        ({"CI": "false"}, None, False),
        ({"CI": "true"}, Tier.CONTAINER, True),
        ({"CI": "true", "BATCH_EVENTS_TEST_TIER": "native"}, Tier.NATIVE, True),
        ({"CI": "true", "BATCH_EVENTS_TEST_BOOTSTRAP": "kafka:9092"}, Tier.GIVEN, True),
        ({"BATCH_EVENTS_REQUIRE_TIER": "container"}, Tier.CONTAINER, True),
        ({"BATCH_EVENTS_TEST_TIER": "embedded"}, Tier.EMBEDDED, False),
        ({"BATCH_EVENTS_TEST_BOOTSTRAP": "kafka:9092"}, Tier.GIVEN, False),
    ],
)
def test_the_environment_says_which_tier_and_how_strictly(
    env: dict[str, str], only: Tier | None, *, strict: bool
) -> None:
    wishes = read_wishes(env)
    assert (wishes.only, wishes.strict) == (only, strict)


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        (
            {"BATCH_EVENTS_TEST_TIER": "docker"},
            "BATCH_EVENTS_TEST_TIER=docker: no such tier; there are given, container",
        ),
        (
            {"BATCH_EVENTS_TEST_TIER": "native", "BATCH_EVENTS_REQUIRE_TIER": "container"},
            "contradiction: .*native.*container",
        ),
        (
            {"BATCH_EVENTS_TEST_TIER": "native", "BATCH_EVENTS_TEST_BOOTSTRAP": "kafka:9092"},
            "contradiction: .*native.*given",
        ),
    ],
)
def test_a_wish_that_makes_no_sense_is_named(env: dict[str, str], reason: str) -> None:
    with pytest.raises(CannotRun, match=reason):
        read_wishes(env)


def run_ladder(*command: str, **wishes: str) -> subprocess.CompletedProcess[str]:
    """Run it as it is run before there is a virtual environment: with the standard library alone (-S)."""
    env = {name: value for name, value in os.environ.items() if name != "CI" and "BATCH_EVENTS" not in name}
    ladder = [sys.executable, "-S", "-m", "tests.brokers", *command]
    return subprocess.run(ladder, cwd=ROOT, env={**env, **wishes}, capture_output=True, text=True, check=False)


def test_the_tier_is_the_first_line_and_the_command_runs_on_it() -> None:
    said = run_ladder("sh", "-c", "echo on $BATCH_EVENTS_TEST_TIER; exit 7", BATCH_EVENTS_TEST_TIER="embedded")
    assert said.stdout.splitlines() == ["broker tier: embedded", "on embedded"]
    assert said.returncode == 7


def test_a_required_tier_that_cannot_run_ends_with_status_2_and_the_reason() -> None:
    said = run_ladder("echo", "never", CI="true", PATH="/nonexistent")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        "no broker tier: the container tier is asked for by CI and cannot run: there is no docker command\n"
    )


def test_without_engine_and_java_the_embedded_tier_is_taken_and_the_reasons_are_said() -> None:
    said = run_ladder(PATH="/nonexistent", JAVA_HOME="")
    assert said.stdout == "broker tier: embedded\n"
    assert said.stderr.splitlines() == [
        "passed over container: there is no docker command",
        "passed over native: no Java 17 to 25: none in JAVA_HOME or on the PATH",
    ]


def test_a_given_cluster_that_takes_no_connection_is_an_error() -> None:
    said = run_ladder(BATCH_EVENTS_TEST_BOOTSTRAP="127.0.0.1:1, nonsense")
    assert said.returncode == 2
    assert "127.0.0.1:1: " in said.stderr
    assert "nonsense: " in said.stderr
