"""The shipped configuration, read by our own reader with the environment that the pods give."""

import base64
import re
from pathlib import Path

import pytest

from adapters.cli import parser
from adapters.commands.run import chosen
from adapters.gateway.errors import CmqError
from adapters.gateway.front.hosts import Hosts
from adapters.gateway.peers.peer_address import internal_parts
from adapters.settings import Settings
from adapters.settings_file import load_settings
from pipeline.room import share
from pipeline.subscription import Protocol, Subscription
from tests.deploy.kustomize import kustomize_build
from tests.deploy.manifests import Manifest, Pod, configuration, delivering, lasting, pod_of, pods, serving, topics_pod
from tests.deploy.places import TOP
from tests.deploy.sources import copy_of_deploy

STAND_IN = base64.b64encode(bytes(32)).decode()
"""Passes for any secret: a password, or 32 bytes for a signature."""

GATEWAY_KEY = "BATCH_EVENTS__GATEWAY__KEYS__AKIDexample"

LEAVING_S = 10
"""After stop_grace_s, for leaving the groups and the last lines."""


def environment(pod: Pod) -> dict[str, str]:
    return pod.literals | dict.fromkeys(pod.references, STAND_IN) | dict.fromkeys(pod.fields, f"{pod.name}-0")


def settings(resources: list[Manifest], pod: Pod, folder: Path) -> Settings:
    file = folder / "batch-events.yaml"
    file.write_text(configuration(resources, pod))
    return load_settings(str(file), environment(pod))


def bound_mib(http: int) -> float:
    """The README's bound for so many HTTP subscriptions."""
    found = re.search(r"`(\d+) \+ n x \(([\d.]+) \+ ([\d.]+) x e / 1024\)` MiB", (TOP / "README.md").read_text())
    assert found is not None
    process, one, event = map(float, found.groups())
    return process + http * (one + event * share(http or 1).events / 1024)


def subscriptions(read: Settings, pod: Pod) -> list[Subscription]:
    """Those that a pod delivers."""
    return chosen(read, parser().parse_args(pod.container["args"]).subscription)


def test_the_configuration_is_accepted_with_what_the_pods_environment_holds(
    resources: list[Manifest], tmp_path: Path
) -> None:
    for pod in pods(resources):
        assert settings(resources, pod, tmp_path).subscriptions


def test_pods_get_the_secrets_that_the_configuration_refers_to_and_no_others(resources: list[Manifest]) -> None:
    for pod in pods(resources):
        own = {GATEWAY_KEY} if pod in serving(resources) else set()
        assert {*re.findall(r"\$\{(\w+)\}", configuration(resources, pod)), *own} == set(pod.references)


def test_the_commands_are_ours(resources: list[Manifest]) -> None:
    for pod in delivering(resources):
        run = parser().parse_args(pod.container["args"])
        assert run.run.__module__.endswith("commands.run")
    for pod in serving(resources):
        assert parser().parse_args(pod.container["args"]).run.__module__.endswith("commands.gateway")
    topics = parser().parse_args(topics_pod(resources).container["args"])
    assert topics.run.__module__.endswith("commands.topics")
    assert topics.apply


def test_probes_ask_where_the_process_listens(resources: list[Manifest], tmp_path: Path) -> None:
    for pod in map(pod_of, lasting(resources)):
        (port,) = (one for one in pod.container["ports"] if one["name"] == "http")
        assert settings(resources, pod, tmp_path).http.listen == f"0.0.0.0:{port['containerPort']}"
        asked = {name: pod.container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {one["port"] for one in asked.values()} == {port["name"]}
        assert {name: one["path"] for name, one in asked.items()} == {
            "startupProbe": "/live",
            "livenessProbe": "/live",
            "readinessProbe": "/ready",
        }


def test_a_pod_is_killed_only_after_it_had_all_its_time_to_stop(resources: list[Manifest], tmp_path: Path) -> None:
    for pod in map(pod_of, lasting(resources)):
        grace_s = settings(resources, pod, tmp_path).stop_grace_s
        before_s = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod.spec["terminationGracePeriodSeconds"] >= before_s + grace_s + LEAVING_S


def test_a_gateway_listens_where_its_service_and_its_replicas_call_it(
    resources: list[Manifest], tmp_path: Path
) -> None:
    for pod in serving(resources):
        gateway = settings(resources, pod, tmp_path).gateway
        assert gateway is not None
        port = {one["name"]: one["containerPort"] for one in pod.container["ports"]}
        assert gateway.listen == f"0.0.0.0:{port['cmq']}"
        assert internal_parts(gateway.internal) == ("", port["internal"])
        assert [spec.secret_id for spec in gateway.key_specs()] == ["AKIDexample"]
        hosts = Hosts(gateway.listen, gateway.hosts)
        for name in (pod.name, f"{pod.name}.batch-events", f"{pod.name}.batch-events.svc.cluster.local"):
            assert hosts.signed(name)
        with pytest.raises(CmqError):
            hosts.signed("example.com")


def test_every_subscription_is_delivered_by_one_of_them(resources: list[Manifest], tmp_path: Path) -> None:
    delivered = [
        one.label for pod in delivering(resources) for one in subscriptions(settings(resources, pod, tmp_path), pod)
    ]
    all_of_them = chosen(settings(resources, topics_pod(resources), tmp_path), None)
    assert sorted(delivered) == sorted(one.label for one in all_of_them)


def test_memory_is_above_what_a_process_was_measured_to_take(resources: list[Manifest], tmp_path: Path) -> None:
    for pod in delivering(resources):
        http = sum(one.protocol is Protocol.HTTP for one in subscriptions(settings(resources, pod, tmp_path), pod))
        for amounts in pod.container["resources"]["requests"], pod.container["resources"]["limits"]:
            assert int(amounts["memory"].removesuffix("Mi")) > bound_mib(http)


@pytest.mark.kustomize
def test_a_changed_configuration_rolls_the_pods(tmp_path: Path) -> None:
    copy = copy_of_deploy(tmp_path)
    (before,) = delivering(kustomize_build(copy / "base"))
    file = copy / "base" / "batch-events.yaml"
    file.write_text(file.read_text() + "# changed\n")
    (after,) = delivering(kustomize_build(copy / "base"))
    assert before.spec["volumes"] != after.spec["volumes"]
