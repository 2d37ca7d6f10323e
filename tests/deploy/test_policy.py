"""What every kustomization must keep: Pod Security "restricted" and a little more."""

import re
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from adapters.callback.address_guard import refused_address
from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.manifests import Manifest, Pod, of_kind, pod_of, pods, selects, the_only
from tests.deploy.places import pyproject
from tests.deploy.sources import BUILT_OVERLAYS, Source

BACKLOG_BYTES = 250 * 2**20
"""What a process may take under any backlog, by our own promise."""

SECRET_NAME = re.compile("SECRET|PASSWORD|TOKEN|CREDENTIAL|KEY")


def test_pods_are_restricted(resources: list[Manifest]) -> None:
    """As Kubernetes' Pod Security Standards say it, level restricted."""
    for pod in pods(resources):
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        assert all(set(volume) == {"name", "configMap"} for volume in pod.spec["volumes"])
        assert pod.spec["securityContext"]["runAsNonRoot"] is True
        assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        own = pod.container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"privileged", "procMount", "runAsUser", "runAsNonRoot", "seccompProfile"} & own.keys()
        assert all("hostPort" not in port for port in pod.container.get("ports", []))


def test_pods_run_as_the_images_user_on_a_read_only_root(resources: list[Manifest]) -> None:
    user, _, group = read_dockerfile()[-1].last("USER").partition(":")
    for pod in pods(resources):
        assert pod.spec["securityContext"]["runAsUser"] == int(user) > 0
        assert pod.spec["securityContext"]["runAsGroup"] == int(group) > 0
        assert pod.container["securityContext"]["readOnlyRootFilesystem"] is True
        assert all(mount["readOnly"] for mount in pod.container["volumeMounts"])


def test_pods_have_an_account_of_their_own_and_no_token(resources: list[Manifest]) -> None:
    account = the_only(resources, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for pod in pods(resources):
        assert pod.spec["serviceAccountName"] == account["metadata"]["name"]
        assert pod.spec["automountServiceAccountToken"] is False


def test_pods_say_what_they_need_and_have_limits(resources: list[Manifest]) -> None:
    for pod in pods(resources):
        for amounts in pod.container["resources"]["requests"], pod.container["resources"]["limits"]:
            assert amounts.keys() == {"cpu", "memory", "ephemeral-storage"}
    limit = pod_of(resources, "Deployment").container["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("Mi")) * 2**20 > BACKLOG_BYTES


def test_pods_run_this_version(resources: list[Manifest]) -> None:
    for pod in pods(resources):
        name, _, tag = pod.container["image"].rpartition(":")
        assert name.rpartition("/")[2] == "batch-events"
        assert tag == pyproject()["project"]["version"]


def test_secrets_are_references(resources: list[Manifest]) -> None:
    assert not of_kind(resources, "Secret")
    for pod in pods(resources):
        assert not [name for name in pod.literals if SECRET_NAME.search(name)]
        assert {secret for secret, _ in pod.references.values()} <= {"batch-events"}


def test_pods_of_a_service_and_of_the_budget_are_those_that_deliver(resources: list[Manifest]) -> None:
    delivering, making_topics = pod_of(resources, "Deployment"), pod_of(resources, "Job")
    budget = the_only(resources, "PodDisruptionBudget")["spec"]
    service = the_only(resources, "Service")["spec"]
    spreads = [one["labelSelector"]["matchLabels"] for one in delivering.spec["topologySpreadConstraints"]]
    for selector in (service["selector"], budget["selector"]["matchLabels"], *spreads):
        assert selects(selector, delivering)
        assert not selects(selector, making_topics)
    assert budget["maxUnavailable"] == 1
    assert [port["targetPort"] for port in service["ports"]] == [delivering.container["ports"][0]["name"]]


def test_a_rollout_takes_nothing_away_before_the_new_pod_is_ready(resources: list[Manifest]) -> None:
    assert the_only(resources, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_job_ends_and_goes_away(resources: list[Manifest]) -> None:
    job = the_only(resources, "Job")["spec"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] > 0
    assert job["ttlSecondsAfterFinished"] > 0


def rules(resources: list[Manifest], pod: Pod, way: str) -> list[dict[str, Any]]:
    """All rules of the network policies that hold for a pod; each policy must speak of both ways."""
    policies = [one["spec"] for one in of_kind(resources, "NetworkPolicy")]
    mine = [one for one in policies if selects(one["podSelector"]["matchLabels"], pod)]
    assert mine, f"no policy holds for the pods of {pod.owner}"
    assert all(one["policyTypes"] == ["Ingress", "Egress"] for one in mine)
    return [rule for one in mine for rule in one.get(way, [])]


def test_only_probes_and_scrapes_come_in(resources: list[Manifest]) -> None:
    delivering = pod_of(resources, "Deployment")
    port = delivering.container["ports"][0]["containerPort"]
    assert rules(resources, delivering, "ingress") == [{"ports": [{"protocol": "TCP", "port": port}]}]
    assert rules(resources, pod_of(resources, "Job"), "ingress") == []


def ports(rule: dict[str, Any]) -> set[int]:
    return {port for one in rule["ports"] for port in range(one["port"], one.get("endPort", one["port"]) + 1)}


def test_name_resolution_kafka_and_callbacks_go_out(resources: list[Manifest]) -> None:
    out = {owner: rules(resources, pod_of(resources, owner), "egress") for owner in ("Deployment", "Job")}
    reached = {owner: set().union(*map(ports, found)) for owner, found in out.items()}
    assert reached == {"Deployment": {53, 80, 443, 9092, 9093, 9094}, "Job": {53, 9092, 9093, 9094}}


def test_callbacks_may_go_to_no_address_that_our_own_guard_refuses_as_internal(resources: list[Manifest]) -> None:
    out = rules(resources, pod_of(resources, "Deployment"), "egress")
    (callbacks,) = (rule for rule in out if 443 in ports(rule))
    blocks = [one["ipBlock"] for one in callbacks["to"]]
    excepted = [network for block in blocks for network in block.get("except", [])]
    assert all(refused_address(str(ip_network(network)[-1])) for network in excepted)
    for internal in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "100.100.0.1", "169.254.169.254", "fd00::1", "fe80::1"):
        assert not any(_allows(block, internal) for block in blocks), internal
    for public in ("93.184.215.14", "2606:4700::1111"):
        assert any(_allows(block, public) for block in blocks), public


def _allows(block: dict[str, Any], address: str) -> bool:
    return _holds(block["cidr"], address) and not any(_holds(one, address) for one in block.get("except", []))


def _holds(network: str, address: str) -> bool:
    return ip_address(address) in ip_network(network)


@pytest.mark.parametrize("source", BUILT_OVERLAYS)
def test_an_overlay_puts_everything_into_a_namespace_that_is_held_to_restricted(source: Source) -> None:
    resources = source()
    namespace = the_only(resources, "Namespace")["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [one for one in resources if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in others} == {namespace["name"]}
