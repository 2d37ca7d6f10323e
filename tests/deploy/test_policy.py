"""What every kustomization must keep: Pod Security "restricted" and a little more."""

import re
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml

from adapters.callback.address_guard import refused_address
from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.manifests import (
    COMPONENT,
    DELIVERY,
    GATEWAY,
    Manifest,
    Pod,
    configuration,
    delivering,
    lasting,
    of_kind,
    pod_of,
    pods,
    selects,
    serving,
    the_only,
    topics_pod,
)
from tests.deploy.places import pyproject
from tests.deploy.sources import BUILT_OVERLAYS, Source

BACKLOG_BYTES = 250 * 2**20
"""What a process may take under any backlog, by our own promise."""

INSTANCE_ID = "BATCH_EVENTS__KAFKA__GROUP_INSTANCE_ID"
SESSION_MS = "BATCH_EVENTS__KAFKA__SESSION_TIMEOUT_MS"
LEAST_SESSION_MS = 15_000
"""What a new pod may need to be there."""

SETTLED_S = 600
"""How long nothing must ask for a pod before it goes."""

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
    for pod in map(pod_of, lasting(resources)):
        limit = pod.container["resources"]["limits"]["memory"]
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


def services_of(resources: list[Manifest], pod: Pod) -> list[dict[str, Any]]:
    return [one["spec"] for one in of_kind(resources, "Service") if selects(one["spec"]["selector"], pod)]


def test_pods_of_a_service_and_of_the_budget_are_those_of_one_workload(resources: list[Manifest]) -> None:
    budgets = of_kind(resources, "PodDisruptionBudget")
    for workload in lasting(resources):
        pod = pod_of(workload)
        (budget,) = (one["spec"] for one in budgets if selects(one["spec"]["selector"]["matchLabels"], pod))
        spreads = [one["labelSelector"]["matchLabels"] for one in pod.spec["topologySpreadConstraints"]]
        own = workload["spec"]["selector"]["matchLabels"]
        of_services = [one["selector"] for one in services_of(resources, pod)]
        for selector in (own, *of_services, budget["selector"]["matchLabels"], *spreads):
            assert [one.name for one in pods(resources) if selects(selector, one)] == [pod.name]
        assert budget["maxUnavailable"] == 1
    assert len(budgets) == len(lasting(resources))


def offered(resources: list[Manifest], pod: Pod) -> list[tuple[str, bool]]:
    """The ports of its services, and whether each pod is found by itself there, ready or not."""
    return [
        (port["targetPort"], one.get("clusterIP") == "None" and one["publishNotReadyAddresses"])
        for one in services_of(resources, pod)
        for port in one["ports"]
    ]


def test_every_pod_is_found_by_who_scrapes_and_a_ready_gateway_by_its_clients(resources: list[Manifest]) -> None:
    for pod in delivering(resources):
        assert offered(resources, pod) == [("http", True)]
    for pod in serving(resources):
        assert sorted(offered(resources, pod)) == [("cmq", False), ("http", True)]
    services = [one for pod in map(pod_of, lasting(resources)) for one in services_of(resources, pod)]
    assert len(services) == len(of_kind(resources, "Service"))


def test_pods_whose_names_change_are_rolled_without_taking_any_away(resources: list[Manifest]) -> None:
    for deployment in of_kind(resources, "Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert not pod_of(deployment).fields


def test_pods_that_keep_their_names_are_static_members(resources: list[Manifest]) -> None:
    for one in of_kind(resources, "StatefulSet"):
        pod = pod_of(one)
        assert pod.fields == {INSTANCE_ID: "metadata.name"}
        assert int(pod.literals[SESSION_MS]) >= LEAST_SESSION_MS
        assert one["spec"]["podManagementPolicy"] == "Parallel"
        assert one["spec"]["updateStrategy"] == {"type": "RollingUpdate"}


def scaled(resources: list[Manifest]) -> list[tuple[Manifest, int, int, Any]]:
    """Each autoscaler with its least and its greatest number of pods, and how it goes about it."""
    return [
        *(
            (one, one["spec"]["minReplicas"], one["spec"]["maxReplicas"], one["spec"]["behavior"])
            for one in of_kind(resources, "HorizontalPodAutoscaler")
        ),
        *(
            (
                one,
                one["spec"]["minReplicaCount"],
                one["spec"]["maxReplicaCount"],
                one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
            )
            for one in of_kind(resources, "ScaledObject")
        ),
    ]


def test_an_autoscaler_has_its_workload_for_itself_and_is_in_no_hurry_to_take_pods_away(
    resources: list[Manifest],
) -> None:
    autoscaled = [one for one, *_ in scaled(resources)]
    targets = [(one["spec"]["scaleTargetRef"]["kind"], one["spec"]["scaleTargetRef"]["name"]) for one in autoscaled]
    there = [(one["kind"], one["metadata"]["name"]) for one in lasting(resources, DELIVERY)]
    assert sorted(targets) == (sorted(there) if targets else [])
    for workload in lasting(resources, DELIVERY):
        assert ("replicas" in workload["spec"]) != bool(targets)
    for _, least, most, behavior in scaled(resources):
        assert 2 <= least <= most
        down = behavior["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= SETTLED_S
        assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300}]


def test_no_more_pods_than_partitions(resources: list[Manifest]) -> None:
    config = yaml.safe_load(configuration(resources, topics_pod(resources)))
    partitions = config["topics"]["partitions"]
    assert all(most <= partitions for _, _, most, _ in scaled(resources))
    assert all(one["spec"].get("replicas", 1) <= partitions for one in lasting(resources, DELIVERY))


def test_the_backlog_decides_by_the_names_of_our_metrics(resources: list[Manifest]) -> None:
    for one in of_kind(resources, "ScaledObject"):
        queries = {trigger["name"]: trigger["metadata"]["query"] for trigger in one["spec"]["triggers"]}
        assert {name: re.findall(r"batch_events_\w+", query) for name, query in queries.items()} == {
            "oldest-unsettled": ["batch_events_oldest_unsettled_seconds"],
            "lag": ["batch_events_lag"],
        }
        for trigger in one["spec"]["triggers"]:
            assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold"}
            assert "by (subscription)" in trigger["metadata"]["query"]


def test_a_pod_monitor_finds_every_pod_that_stays(resources: list[Manifest]) -> None:
    for monitor in of_kind(resources, "PodMonitor"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        selector = monitor["spec"]["selector"]
        (one_of,) = selector["matchExpressions"]
        assert one_of["operator"] == "In"
        found = [
            pod.name
            for pod in pods(resources)
            if selects(selector["matchLabels"], pod) and pod.labels[one_of["key"]] in one_of["values"]
        ]
        there = list(map(pod_of, lasting(resources)))
        assert sorted(found) == sorted(pod.name for pod in there)
        assert endpoint["path"] == "/metrics"
        assert all(endpoint["port"] == pod.container["ports"][0]["name"] for pod in there)


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
    for pod in delivering(resources):
        port = pod.container["ports"][0]["containerPort"]
        assert rules(resources, pod, "ingress") == [{"ports": [{"protocol": "TCP", "port": port}]}]
    assert rules(resources, topics_pod(resources), "ingress") == []


def test_a_gateways_clients_come_in_and_its_replicas_alone_reach_the_internal_port(resources: list[Manifest]) -> None:
    for pod in serving(resources):
        port = {one["name"]: one["containerPort"] for one in pod.container["ports"]}
        anyone, replicas = rules(resources, pod, "ingress")
        assert anyone == {"ports": [{"protocol": "TCP", "port": port[name]} for name in ("http", "cmq")]}
        (out,) = (rule for rule in rules(resources, pod, "egress") if port["internal"] in ports(rule))
        for rule, way in ((replicas, "from"), (out, "to")):
            (peer,) = rule[way]
            assert peer.keys() == {"podSelector"}
            labels = peer["podSelector"]["matchLabels"]
            assert [one.name for one in pods(resources) if selects(labels, one)] == [pod.name]
            assert ports(rule) == {port["internal"]}


def test_a_gateway_is_more_than_one_process(resources: list[Manifest]) -> None:
    for one in lasting(resources, GATEWAY):
        assert one["kind"] == "Deployment"
        assert one["spec"]["replicas"] >= 2


def ports(rule: dict[str, Any]) -> set[int]:
    return {port for one in rule["ports"] for port in range(one["port"], one.get("endPort", one["port"]) + 1)}


def test_name_resolution_kafka_and_callbacks_go_out(resources: list[Manifest]) -> None:
    for pod in pods(resources):
        reached = set().union(*map(ports, rules(resources, pod, "egress")))
        own = {DELIVERY: {80, 443}, GATEWAY: {8091}}
        assert reached == {53, 9092, 9093, 9094} | own.get(pod.labels[COMPONENT], set())


def test_callbacks_may_go_to_no_address_that_our_own_guard_refuses_as_internal(resources: list[Manifest]) -> None:
    for pod in delivering(resources):
        callbacks_are_public(rules(resources, pod, "egress"))


def callbacks_are_public(out: list[dict[str, Any]]) -> None:
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
