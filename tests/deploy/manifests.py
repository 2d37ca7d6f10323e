"""Reading Kubernetes resources: plain trees, and the few ways through them that several tests take."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

Manifest = dict[str, Any]


LASTING = ("Deployment", "StatefulSet")
DELIVERY, GATEWAY = "delivery", "gateway"
COMPONENT = "app.kubernetes.io/component"


class Pod(NamedTuple):
    """What a Deployment, StatefulSet or Job starts."""

    owner: str
    name: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """The one container; there are no others, of any kind."""
        assert "initContainers" not in self.spec
        (container,) = self.spec["containers"]
        found: dict[str, Any] = container
        return found

    @property
    def references(self) -> dict[str, tuple[str, str]]:
        """Environment variables that come from a Secret: its name and the key in it."""
        return {name: (one["name"], one["key"]) for name, one in self._from("secretKeyRef").items()}

    @property
    def fields(self) -> dict[str, str]:
        """Environment variables that come from a field of the pod."""
        return {name: one["fieldPath"] for name, one in self._from("fieldRef").items()}

    @property
    def literals(self) -> dict[str, str]:
        """Environment variables that stand in the manifest."""
        return {one["name"]: one["value"] for one in self.container["env"] if "valueFrom" not in one}

    def _from(self, source: str) -> dict[str, Any]:
        return {
            one["name"]: one["valueFrom"][source] for one in self.container["env"] if source in one.get("valueFrom", {})
        }


def read_manifests(text: str) -> list[Manifest]:
    """All documents of a YAML text."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def of_kind(resources: Iterable[Manifest], kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [one for one in resources if one["kind"] == kind]


def the_only(resources: Iterable[Manifest], kind: str) -> Manifest:
    """The one of its kind."""
    (one,) = of_kind(resources, kind)
    return one


def workloads(resources: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """All that starts pods, or only these kinds of it."""
    return [one for one in resources if one["kind"] in (kinds or (*LASTING, "Job"))]


def lasting(resources: Iterable[Manifest], component: str | None = None) -> list[Manifest]:
    """All that starts pods which stay, or only those of one component."""
    found = workloads(resources, *LASTING)
    return [one for one in found if component in {None, pod_of(one).labels[COMPONENT]}]


def pod_of(workload: Manifest) -> Pod:
    """What it starts."""
    template = workload["spec"]["template"]
    return Pod(workload["kind"], workload["metadata"]["name"], template["metadata"]["labels"], template["spec"])


def pods(resources: Iterable[Manifest]) -> list[Pod]:
    """All pods."""
    resources = list(resources)
    return [*delivering(resources), *serving(resources), topics_pod(resources)]


def delivering(resources: Iterable[Manifest]) -> list[Pod]:
    """Those that deliver."""
    found = [pod_of(one) for one in lasting(resources, DELIVERY)]
    assert found
    return found


def serving(resources: Iterable[Manifest]) -> list[Pod]:
    """Those that answer CMQ's clients."""
    return [pod_of(one) for one in lasting(resources, GATEWAY)]


def topics_pod(resources: Iterable[Manifest]) -> Pod:
    """The one that makes the topics."""
    return pod_of(the_only(resources, "Job"))


def selects(selector: dict[str, str], pod: Pod) -> bool:
    """Whether labels select a pod."""
    return selector.items() <= pod.labels.items()


def configuration(resources: Iterable[Manifest], pod: Pod) -> str:
    """The batch-events.yaml that a pod finds where BATCH_EVENTS_CONFIG points."""
    (volume,) = pod.spec["volumes"]
    (mount,) = pod.container["volumeMounts"]
    assert mount["name"] == volume["name"]
    (config,) = (
        one for one in of_kind(resources, "ConfigMap") if one["metadata"]["name"] == volume["configMap"]["name"]
    )
    ((name, text),) = config["data"].items()
    assert pod.literals["BATCH_EVENTS_CONFIG"] == f"{mount['mountPath']}/{name}"
    found: str = text
    return found
