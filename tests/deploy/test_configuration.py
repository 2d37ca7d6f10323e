"""The shipped configuration, read by our own reader with the environment that the pods give."""

import base64
import re
import shutil
from pathlib import Path

import pytest

from adapters.cli import parser
from adapters.settings import Settings
from adapters.settings_file import load_settings
from tests.deploy.kustomize import kustomize_build
from tests.deploy.manifests import Manifest, Pod, configuration, pod_of, pods
from tests.deploy.places import DEPLOY

STAND_IN = base64.b64encode(bytes(32)).decode()
"""Passes for any secret: a password, or 32 bytes for a signature."""

LEAVING_S = 10
"""After stop_grace_s, for leaving the groups and the last lines."""


def environment(pod: Pod) -> dict[str, str]:
    return pod.literals | dict.fromkeys(pod.references, STAND_IN)


def settings(resources: list[Manifest], pod: Pod, folder: Path) -> Settings:
    file = folder / "batch-events.yaml"
    file.write_text(configuration(resources, pod))
    return load_settings(str(file), environment(pod))


def test_the_configuration_is_accepted_with_what_the_pods_environment_holds(
    resources: list[Manifest], tmp_path: Path
) -> None:
    for pod in pods(resources):
        assert settings(resources, pod, tmp_path).subscriptions


def test_pods_get_the_secrets_that_the_configuration_refers_to_and_no_others(resources: list[Manifest]) -> None:
    for pod in pods(resources):
        assert set(re.findall(r"\$\{(\w+)\}", configuration(resources, pod))) == set(pod.references)


def test_both_commands_are_ours(resources: list[Manifest]) -> None:
    run = parser().parse_args(pod_of(resources, "Deployment").container["args"])
    topics = parser().parse_args(pod_of(resources, "Job").container["args"])
    assert run.run.__module__.endswith("commands.run")
    assert topics.run.__module__.endswith("commands.topics")
    assert topics.apply


def test_probes_ask_where_the_process_listens(resources: list[Manifest], tmp_path: Path) -> None:
    pod = pod_of(resources, "Deployment")
    (port,) = pod.container["ports"]
    assert settings(resources, pod, tmp_path).http.listen == f"0.0.0.0:{port['containerPort']}"
    asked = {name: pod.container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {one["port"] for one in asked.values()} == {port["name"]}
    assert {name: one["path"] for name, one in asked.items()} == {
        "startupProbe": "/live",
        "livenessProbe": "/live",
        "readinessProbe": "/ready",
    }


def test_a_pod_is_killed_only_after_it_had_all_its_time_to_stop(resources: list[Manifest], tmp_path: Path) -> None:
    pod = pod_of(resources, "Deployment")
    grace_s = settings(resources, pod, tmp_path).stop_grace_s
    assert pod.spec["terminationGracePeriodSeconds"] >= grace_s + LEAVING_S


@pytest.mark.kustomize
def test_a_changed_configuration_rolls_the_pods(tmp_path: Path) -> None:
    copy = shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("wheels"))
    before = pod_of(kustomize_build(copy / "base"), "Deployment").spec
    file = copy / "base" / "batch-events.yaml"
    file.write_text(file.read_text() + "# changed\n")
    after = pod_of(kustomize_build(copy / "base"), "Deployment").spec
    assert before["volumes"] != after["volumes"]
